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
  /** @type {Map<string, { application: ListedApplication, bytes: ArrayBuffer }>} */
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
   * A folder, as an `<input webkitdirectory>` gives it; or one file, a package.
   * @param {Iterable<File>} files
   * @returns {Promise<ListedApplication>} rejects with a TypeError in words for its author
   */
  async add(files) {
    const all = [...files];
    const whole = all.length === 1 && /\.zip$/i.test(all[0].name) && !all[0].webkitRelativePath;
    const { application, bytes } = whole ? await ofPackage(all[0]) : await ofFolder(all);
    this.#all.set(application.id, { application, bytes });
    return application;
  }
}

/** @param {File} file */
async function ofPackage(file) {
  return { application: profile(file.name.replace(/\.zip$/i, ''), ''), bytes: await file.arrayBuffer() };
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
  return { application: profile(files[0].webkitRelativePath.split('/')[0], toml), bytes: archive(entries) };
}

/**
 * @param {string} folder its name, or the package's
 * @param {string} toml application.toml, of which what is written as one word is read
 * @returns {ListedApplication}
 */
function profile(folder, toml) {
  const word = (/** @type {string} */ key) => new RegExp(`^\\s*${key}\\s*=\\s*"([^"\\\\]{1,128})"\\s*(#.*)?$`, 'm').exec(toml)?.[1] ?? '';
  const yes = (/** @type {string} */ key) => new RegExp(`^\\s*${key}\\s*=\\s*true\\b`, 'm').test(toml);
  const plain = folder.replace(/[^\w.-]+/g, '-').slice(0, 128) || 'application';
  const until = Date.parse(word('valid_until'));
  return {
    // Both parties of a call that run the same folder have the same application, before it was uploaded as well as after.
    id: /^[\w.-]{1,128}$/.test(word('id')) ? word('id') : plain,
    name: word('name') || plain,
    icon: '',
    etag: '',
    autoload: false,
    autolaunch: false,
    phase: 'INCALL',
    worksWithoutPeer: yes('works_without_peer'),
    qosHint: QOS_HINT.test(word('qos')) ? word('qos') : '',
    scenes: { voice: 1, video: 2 }[word('scenes')] ?? 3,
    version: word('version') || null,
    validUntil: Number.isNaN(until) ? null : until,
    provider: word('provider'),
    sha256: '',
    size: 0,
    signature: '',
    personalData: yes('personal_data'),
    personalDataUrl: /^https?:\/\//.test(word('personal_data_url')) ? word('personal_data_url') : '',
  };
}
