import { SCHEME, fileOf, typeOf, withAddresses, withSpecifiers } from './modules.js';

/**
 * Shows the page of a package in this frame's document.
 *
 * Its scripts run as they would have: classic ones in order, then modules and deferred ones, `async` ones when they are there. DOMContentLoaded and
 * load are told when they have run.
 */

/** A page is shown without its styles if they are not there by then, in milliseconds. */
const STYLES = 3000;

/** Attributes that load what they name, by element. @type {Record<string, string[]>} */
const LOADING = { img: ['src'], audio: ['src'], video: ['src', 'poster'], source: ['src'], track: ['src'], input: ['src'], image: ['href'], use: ['href'] };

/**
 * @param {Map<string, Uint8Array<ArrayBuffer>>} files
 * @param {{ nonce: string, guarded: () => void }} parts `guarded` is called when the page stands, before its first script runs
 */
export async function show(files, { nonce, guarded }) {
  const text = (/** @type {string} */ name) => new TextDecoder().decode(files.get(name));
  /** @type {Map<string, string>} */
  const blobs = new Map();
  const blobOf = (/** @type {string} */ name) => {
    if (!files.has(name)) return undefined;
    let blob = blobs.get(name);
    if (blob === undefined) {
      // A style that imports itself must come to an end.
      blobs.set(name, 'data:text/css,');
      blob = URL.createObjectURL(new Blob([contents(name)], { type: typeOf(name).replace('application/json', 'text/javascript') }));
      blobs.set(name, blob);
    }
    return blob;
  };
  const contents = (/** @type {string} */ name) => {
    const type = typeOf(name);
    if (type === 'text/javascript') return withSpecifiers(text(name), name);
    if (type === 'text/css') return withAddresses(text(name), name, blobOf);
    // JSON is an expression of the language.
    if (type === 'application/json') return `export default ${text(name)};`;
    return /** @type {Uint8Array<ArrayBuffer>} */ (files.get(name));
  };

  const page = new DOMParser().parseFromString(text('index.html'), 'text/html');
  for (const element of page.querySelectorAll('iframe, frame, frameset, object, embed, base, meta[http-equiv], script[type=importmap]')) element.remove();
  for (const link of page.querySelectorAll('link')) {
    const file = fileOf('index.html', link.getAttribute('href') ?? '');
    const style = page.createElement('style');
    if (link.relList.contains('stylesheet') && file !== null && files.has(file)) {
      style.textContent = withAddresses(text(file), file, blobOf);
      if (link.media) style.media = link.media;
      link.replaceWith(style);
    } else {
      link.remove();
    }
  }
  for (const style of page.querySelectorAll('style')) {
    style.textContent = withAddresses(style.textContent, 'index.html', blobOf);
  }
  const styled = [...page.querySelectorAll('style')].map((style) => new Promise((resolve) => {
    for (const over of ['load', 'error']) style.addEventListener(over, resolve);
    setTimeout(resolve, STYLES);
  }));
  for (const [name, attributes] of Object.entries(LOADING)) {
    for (const element of page.querySelectorAll(name)) {
      for (const attribute of attributes) {
        const file = fileOf('index.html', element.getAttribute(attribute) ?? '');
        const blob = file === null ? undefined : blobOf(file);
        if (blob !== undefined) element.setAttribute(attribute, blob);
      }
    }
  }
  const scripts = [...page.querySelectorAll('script')].map((script) => {
    const mark = page.createComment('');
    script.replaceWith(mark);
    return { script, mark };
  });

  const map = document.createElement('script');
  map.type = 'importmap';
  map.nonce = nonce;
  const modules = [...files.keys()].filter((name) => ['text/javascript', 'application/json'].includes(typeOf(name)));
  map.textContent = JSON.stringify({ imports: Object.fromEntries(modules.map((name) => [SCHEME + encodeURI(name), blobOf(name)])) });

  const { documentElement } = page;
  document.documentElement.removeAttribute('lang');
  for (const { name, value } of documentElement.attributes) document.documentElement.setAttribute(name, value);
  // The map comes before the first module.
  document.head.replaceChildren(map, ...page.head.childNodes);
  map.remove();
  document.body?.remove();
  document.documentElement.append(page.body);

  guarded();
  // Classic scripts run where they stand; deferred ones and modules when all of the page is read.
  const deferred = (/** @type {{ script: HTMLScriptElement }} */ { script }) => script.type === 'module' || (script.defer && script.hasAttribute('src'));
  for (const late of [false, true]) {
    const now = scripts.filter((each) => deferred(each) === late);
    await Promise.all(now.map(({ script, mark }) => run(script, mark, { files, blobOf })));
  }
  document.dispatchEvent(new Event('DOMContentLoaded', { bubbles: true }));
  await Promise.all(styled);
  window.dispatchEvent(new Event('load'));
}

/**
 * A script that was only read runs as one that is made here; resolves when it has.
 * @param {HTMLScriptElement} read
 * @param {Comment} mark where it was
 * @param {{ files: Map<string, Uint8Array<ArrayBuffer>>, blobOf: (name: string) => string | undefined }} parts
 */
function run(read, mark, { files, blobOf }) {
  const script = document.createElement('script');
  for (const { name, value } of read.attributes) if (name !== 'src' && name !== 'nonce') script.setAttribute(name, value);
  const address = read.getAttribute('src');
  if (address === null) {
    const own = /^(module|)$|javascript/i.test(read.type) ? withSpecifiers(read.textContent, 'index.html') : null;
    if (own === null) {
      // Data, for a script to read.
      script.textContent = read.textContent;
      mark.replaceWith(script);
      return Promise.resolve();
    }
    script.src = URL.createObjectURL(new Blob([own], { type: 'text/javascript' }));
  } else {
    const file = fileOf('index.html', address);
    const blob = file !== null && files.has(file) ? blobOf(file) : undefined;
    if (blob === undefined) {
      console.error(`${address} is not in the package`);
      return Promise.resolve();
    }
    script.src = blob;
  }
  script.async = read.hasAttribute('async');
  const over = new Promise((resolve) => {
    script.addEventListener('load', resolve);
    script.addEventListener('error', resolve);
  });
  mark.replaceWith(script);
  return script.async ? Promise.resolve() : over;
}
