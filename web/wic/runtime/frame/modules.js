/**
 * Addresses inside a package. A file of a package is a blob, and from a blob no relative address leads anywhere: so the
 * specifiers of modules are rewritten to `package:/folder/file.js`, which an import map leads to the blobs, and addresses in
 * pages and styles to the blobs themselves.
 */

export const SCHEME = 'package:/';

/**
 * The name of the file that an address means, seen from a file of that name; null if it leads out of the package.
 * @param {string} from
 * @param {string} address
 */
export function fileOf(from, address) {
  const bare = address.trim().replace(/[?#].*$/s, '');
  if (bare === '' || /^([a-z][a-z0-9+.-]*:|\/\/)/i.test(bare)) return null;
  const parts = bare.startsWith('/') ? [] : from.split('/').slice(0, -1);
  for (const part of bare.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  const name = parts.join('/');
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/**
 * A module's text with its relative specifiers rewritten. `import` and `export` are looked for where a statement can begin, and
 * `import(` with a string anywhere, outside of comments, strings and templates. A file of JSON is given as a module with what it holds:
 * browsers fetch JSON as data, and the frame fetches none.
 * @param {string} text
 * @param {string} from the file's name
 * @returns {string}
 */
export function withSpecifiers(text, from) {
  // Comments, strings, templates and what may be regular expressions are one token each and stay; `import` and `export … from`
  // are what is looked for.
  const token = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|(?<=[=(,:;!&|?{}[\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*|(?<![\w$.])(import\s*\(\s*|import\s*|(?:import|export)\s+[\w$\s{},*]*?\bfrom\s*|export\s*\{[\w$\s,]*\}\s*from\s*|import\s*\{[\w$\s,]*\}\s*from\s*)(["'])([^"'\n]+)\2(\s+(?:with|assert)\s*\{[^}]*\})?/g;
  return text.replace(token, (whole, words, quote, specifier, attributes = '') => {
    if (words === undefined || !/^\.{0,2}\//.test(specifier)) return whole;
    const file = fileOf(from, specifier);
    return file === null ? whole : `${words}${quote}${SCHEME}${encodeURI(file)}${quote}${typeOf(file) === 'application/json' ? '' : attributes}`;
  });
}

/**
 * A style's text with what it loads rewritten.
 * @param {string} text
 * @param {string} from the file's name
 * @param {(file: string) => string | undefined} blobOf
 */
export function withAddresses(text, from, blobOf) {
  const blob = (/** @type {string} */ address) => {
    const file = fileOf(from, address);
    return file === null ? undefined : blobOf(file);
  };
  return text.replace(/\/\*[\s\S]*?\*\/|@import\s+(["'])([^"'\n]+)\1|url\(\s*(?:(["'])([^"'\n]*)\3|([^)"'\s]*))\s*\)/g, (whole, _q, imported, _p, quoted, bare) => {
    const found = blob(imported ?? quoted ?? bare ?? '');
    if (found === undefined) return whole;
    return imported === undefined ? `url("${found}")` : `@import url("${found}")`;
  });
}

/** What a file is to a browser, by its name. @type {Record<string, string>} */
export const TYPES = {
  html: 'text/html', htm: 'text/html', css: 'text/css', js: 'text/javascript', mjs: 'text/javascript', json: 'application/json',
  svg: 'image/svg+xml', png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp', avif: 'image/avif',
  woff: 'font/woff', woff2: 'font/woff2', ttf: 'font/ttf', mp3: 'audio/mpeg', ogg: 'audio/ogg', wav: 'audio/wav', mp4: 'video/mp4',
  webm: 'video/webm', wasm: 'application/wasm', txt: 'text/plain',
};

/** @param {string} name */
export function typeOf(name) {
  return TYPES[name.split('.').pop()?.toLowerCase() ?? ''] ?? 'application/octet-stream';
}
