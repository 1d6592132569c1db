import { BootstrapHttp } from './http.js';
import { parseList } from './list.js';
import { verify } from './verify.js';

/**
 * The applications that a network offers in one call: the list, and packages, over a bootstrap channel.
 *
 * @typedef {import('./list.js').ListedApplication} ListedApplication
 */

/** TS 26.114 §6.2.10.1 — whose applications a channel gives. */
export const STREAMS = /** @type {const} */ ({ localNetwork: 0, localUser: 10, remoteNetwork: 100, remoteUser: 110 });

/** No network has more for one call. */
const MOST_APPLICATIONS = 1000;

export class Repository {
  #http;
  #key;
  #cache;

  /**
   * @param {import('./http.js').ChannelLike} channel
   * @param {{ key?: string | null, cache?: PackageCache }} [options] the operator's public key
   */
  constructor(channel, { key = null, cache = new PackageCache() } = {}) {
    this.#http = new BootstrapHttp(channel);
    this.#key = key;
    this.#cache = cache;
  }

  /** @returns {Promise<{ applications: ListedApplication[], peerHasDataChannels: boolean }>} */
  async list() {
    /** @type {Map<string, ListedApplication>} */
    const all = new Map();
    let peerHasDataChannels = false;
    for (let begin = 0; begin < MOST_APPLICATIONS; ) {
      const { status, body } = await this.#http.get(`/applicationlist?begin-index=${begin}&app-num=100`);
      if (status !== 200) throw new TypeError(`The list of applications is not given (${status})`);
      const page = parseList(new TextDecoder().decode(body));
      ({ peerHasDataChannels } = page);
      for (const application of page.applications) if (!all.has(application.id) && all.size < MOST_APPLICATIONS) all.set(application.id, application);
      begin += 100;
      if (page.applications.length === 0 || begin >= page.total) break;
    }
    return { applications: [...all.values()], peerHasDataChannels };
  }

  /**
   * The package of an application: verified, and fetched only if it has changed.
   * @param {ListedApplication} application
   * @param {(received: number, total: number) => void} [progress]
   * @returns {Promise<ArrayBuffer>}
   */
  async package(application, progress) {
    const kept = this.#cache.get(application);
    if (kept !== undefined) {
      await verify(kept, application, this.#key);
      return kept;
    }
    const { status, body } = await this.#http.get(`/applications?appid=${encodeURIComponent(application.id)}`, { progress });
    if (status !== 200) throw new TypeError(`The application is not given (${status})`);
    await verify(body.buffer, application, this.#key);
    this.#cache.put(application, body.buffer);
    return body.buffer;
  }

  close() {
    this.#http.close();
  }
}

/** Packages by their hashes, for as long as the page is open: the next call need not fetch them again. */
export class PackageCache {
  /** @type {Map<string, ArrayBuffer>} */
  #packages = new Map();
  #room;

  /** @param {number} [room] octets of all of them */
  constructor(room = 64 * 1024 * 1024) {
    this.#room = room;
  }

  /** @param {ListedApplication} application */
  get({ sha256 }) {
    const kept = this.#packages.get(sha256);
    if (kept) {
      // The one that was used last goes last.
      this.#packages.delete(sha256);
      this.#packages.set(sha256, kept);
    }
    return kept;
  }

  /**
   * @param {ListedApplication} application
   * @param {ArrayBuffer} bytes
   */
  put({ sha256 }, bytes) {
    this.#packages.set(sha256, bytes);
    let size = [...this.#packages.values()].reduce((sum, each) => sum + each.byteLength, 0);
    for (const [oldest, each] of this.#packages) {
      if (size <= this.#room || this.#packages.size === 1) return;
      this.#packages.delete(oldest);
      size -= each.byteLength;
    }
  }
}
