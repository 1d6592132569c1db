import { QOS_HINT } from '../runtime/list.js';
import { archive } from './archive.js';

/**
 * Applications that their author runs from a folder or a package of the own computer, in any call of this page.
 *
 * @typedef {import('../runtime/list.js').ListedApplication} ListedApplication
 */

/** What `isthmus app pack` leaves out as well. */
const LEFT_OUT = /(^|\/)(\.[^/]*|node_modules|test)(\/|$)|^(application\.toml|README\.md)$/i;

export class DeveloperShelf {
  /** @type {Map<string, { application: ListedApplication, mistakes: string[], bytes: ArrayBuffer }>} */
  #all = new Map();

  /** @returns {ListedApplication[]} */
  get applications() {
    return [...this.#all.values()].map(({ application }) => application);
  }

  /** @param {string} id */
  bytes(id) {
    return this.#all.get(id)?.bytes ?? null;
  }

  /**
   * What of its profile is not as it has to be, in words for its author; it runs without that.
   * @param {string} id
   */
  mistakes(id) {
    return this.#all.get(id)?.mistakes ?? [];
  }

  /**
   * A folder, as an `<input webkitdirectory>` gives it; or one file, a package.
   * @param {Iterable<File>} files
   * @returns {Promise<ListedApplication>} rejects with a TypeError in words for its author
   */
  async add(files) {
    const all = [...files];
    const whole = all.length === 1 && /\.zip$/i.test(all[0].name) && !all[0].webkitRelativePath;
    const made = whole ? await ofPackage(all[0]) : await ofFolder(all);
    this.#all.set(made.application.id, made);
    return made.application;
  }
}

/** @param {File} file */
async function ofPackage(file) {
  return { ...profile(file.name.replace(/\.zip$/i, ''), ''), bytes: await file.arrayBuffer() };
}

/** @param {File[]} files */
async function ofFolder(files) {
  /** @param {File} file */
  const within = (file) => file.webkitRelativePath.split('/').slice(1).join('/') || file.name;
  const named = files.map((file) => ({ name: within(file), file }));
  if (!named.some(({ name }) => name === 'index.html')) throw new TypeError('This folder has no index.html at its top.');
  const toml = await named.find(({ name }) => name === 'application.toml')?.file.text() ?? '';
  const entries = await Promise.all(named
    .filter(({ name }) => !LEFT_OUT.test(name))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map(async ({ name, file }) => ({ name, bytes: new Uint8Array(await file.arrayBuffer()) })));
  return { ...profile(files[0].webkitRelativePath.split('/')[0], toml), bytes: archive(entries) };
}

/** A key of application.toml: what its value has to look like, and how that is said to its author. */
const TEXT = /** @type {const} */ ([/^"[^"\\]{1,128}"$/, 'text in double quotes, 128 characters at most, as in «"Board 2"»']);
const YES_OR_NO = /** @type {const} */ ([/^(true|false)$/, '«true» or «false»']);
/** @type {Readonly<Record<string, readonly [RegExp | { test(value: string): boolean }, string]>>} */
const KEYS = {
  name: TEXT,
  version: TEXT,
  provider: TEXT,
  service_type: TEXT,
  id: [/^"[\w.-]{1,128}"$/, 'letters, digits, dots and hyphens, as in «"board-7"»'],
  icon: [/^"[^"\\]+"$/, 'as in «"https://example.com/icon.svg"»'],
  phase: [/^"(pre-call|in-call|always)"$/, '«"pre-call"», «"in-call"» or «"always"»'],
  scenes: [/^"(voice|video|all)"$/, '«"voice"», «"video"» or «"all"»'],
  autoload: YES_OR_NO,
  autolaunch: YES_OR_NO,
  works_without_peer: YES_OR_NO,
  qos: [{ test: (value) => QOS_HINT.test(unquoted(value)) }, 'as in «"loss=0.0002;latency=600"»'],
  valid_until: [{ test: (value) => !Number.isNaN(Date.parse(unquoted(value))) }, 'as in «"2030-01-01T00:00:00Z"»'],
  personal_data: YES_OR_NO,
  personal_data_url: [/^"https?:\/\/[^"\\]+"$/, 'as in «"https://example.com/privacy"»'],
};
/** A line of it: the key, and the value as it is written; what else TOML can write is not read. */
const LINE = /^[ \t]*([\w-]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^#\n]*?)[ \t\r]*(?:#.*)?$/gm;

/**
 * What application.toml says in lines of its own, and what of that is not as it has to be.
 * @param {string} toml
 */
function read(toml) {
  /** @type {Map<string, string>} */
  const values = new Map();
  const mistakes = [];
  for (const [, key, value] of toml.matchAll(LINE)) {
    const expected = Object.hasOwn(KEYS, key) ? KEYS[key] : null;
    if (!expected) mistakes.push(`${key} is not known`);
    else if (expected[0].test(value)) values.set(key, unquoted(value));
    else mistakes.push(`${key} must be ${expected[1]}`);
  }
  return { values, mistakes };
}

/** @param {string} value @returns {string} what is not quoted is nothing for who wants text */
function unquoted(value) {
  return /^"([^"\\]*)"$/.exec(value)?.[1] ?? (/^(true|false)$/.test(value) ? value : '');
}

/**
 * @param {string} folder its name, or the package's
 * @param {string} toml application.toml
 * @returns {{ application: ListedApplication, mistakes: string[] }}
 */
function profile(folder, toml) {
  const { values, mistakes } = read(toml);
  const word = (/** @type {string} */ key) => values.get(key) ?? '';
  const yes = (/** @type {string} */ key) => values.get(key) === 'true';
  const plain = folder.replace(/[^\w.-]+/g, '-').slice(0, 128) || 'application';
  const application = {
    // Both parties of a call that run the same folder have the same application, before it was uploaded as well as after.
    id: word('id') || plain,
    name: word('name') || plain,
    icon: '',
    etag: '',
    autoload: false,
    autolaunch: false,
    phase: /** @type {const} */ ('INCALL'),
    worksWithoutPeer: yes('works_without_peer'),
    qosHint: word('qos'),
    scenes: { voice: 1, video: 2 }[word('scenes')] ?? 3,
    version: word('version') || null,
    validUntil: values.has('valid_until') ? Date.parse(word('valid_until')) : null,
    provider: word('provider'),
    sha256: '',
    size: 0,
    signature: '',
    personalData: yes('personal_data'),
    personalDataUrl: word('personal_data_url'),
  };
  return { application, mistakes };
}
