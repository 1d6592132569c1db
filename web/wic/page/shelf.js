import { Emitter } from '../lib/emitter.js';
import { Failure } from '../lib/failure.js';
import { Repository, STREAMS } from '../runtime/repository.js';

/**
 * The applications that can be had in one call: those of the own network, over its bootstrap channel, and those that an author has
 * put there; what the other party uses and is not among them, over a channel to the other party's network.
 *
 *   unknown ──look()──> looking ──> known
 *                          └──> unavailable, from where it can be looked again unless it was refused
 *
 * @typedef {import('../runtime/list.js').ListedApplication} ListedApplication
 * @typedef {import('./developer.js').DeveloperShelf} DeveloperShelf
 * @typedef {Pick<Repository, 'list' | 'package' | 'close'>} RepositoryLike
 *
 * @typedef {object} Entry
 * @property {ListedApplication} application
 * @property {boolean} developer it is run by its author
 * @property {(progress?: (received: number, total: number) => void) => Promise<ArrayBuffer>} load its package, verified
 *
 * @typedef {object} ShelfParts
 * @property {import('../lib/call/call.js').Call} call
 * @property {DeveloperShelf} developer
 * @property {string | null} key the operator's public key
 * @property {import('../runtime/repository.js').PackageCache} cache
 * @property {(stream: number) => RepositoryLike} [repository]
 */

/** @extends {Emitter<{ change: null }>} */
export class Shelf extends Emitter {
  /** @type {'unknown' | 'looking' | 'known' | 'unavailable'} */
  state = 'unknown';
  /** Whether the other party has data channels, as the own network has said of the call once it was answered. @type {boolean | null} */
  peer = null;
  #call;
  /** What the own network has said. @type {ListedApplication[]} */
  #listed = [];
  #developer;
  #open;
  /** By its stream; one that failed is opened anew. @type {Map<number, RepositoryLike>} */
  #repositories = new Map();
  /** True if there is no channel to the own network. */
  #without = false;
  /** The network, or this call, has refused it: asked again it would refuse again. */
  #refused = false;
  /** How often somebody else came to be at the far end. */
  #parties = 0;
  /** @type {Promise<void> | null} */
  #looking = null;

  /** @param {ShelfParts} parts */
  constructor({ call, developer, key, cache, repository }) {
    super();
    this.#call = call;
    this.#developer = developer;
    // Of another one nothing is known yet.
    call.on('party', () => {
      this.#parties += 1;
      this.peer = null;
    });
    this.#open = repository ?? ((stream) => new Repository(call.openChannel({ id: stream, protocol: 'http' }), { key, cache }));
  }

  /** @returns {Entry[]} */
  get entries() {
    const own = this.#developer.applications;
    // Its author's takes the place of the network's.
    const listed = this.#listed.filter(({ id }) => !own.some((each) => each.id === id));
    return [...own.map((each) => this.#ofDeveloper(each)), ...listed.map((each) => this.#entry(STREAMS.localNetwork, each))];
  }

  /** Asks the network which there are; another list takes the place of the one before. @returns {Promise<void>} never rejects */
  look() {
    if (this.#refused) return Promise.resolve();
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  /**
   * An application by its identifier: as the own network has it, or else the other party's.
   * @param {string} id
   * @returns {Promise<Entry | null>}
   */
  async find(id) {
    const there = () => this.entries.find(({ application }) => application.id === id);
    if (there()) return /** @type {Entry} */ (there());
    await this.look();
    if (there()) return /** @type {Entry} */ (there());
    // Where the own network has no channel there are none to others either.
    if (this.#without) return null;
    // One offer opens all of them.
    const streams = [STREAMS.localUser, STREAMS.remoteNetwork, STREAMS.remoteUser];
    const lists = await Promise.all(streams.map((stream) => this.#list(stream).then(({ applications }) => applications, () => [])));
    for (const [index, stream] of streams.entries()) {
      const found = lists[index].find((each) => each.id === id);
      if (found) return this.#entry(stream, found);
    }
    return null;
  }

  /** There is another one, of an author's. */
  changed() {
    this.emit('change', null);
  }

  async #look() {
    if (this.state !== 'known') this.#enter('looking');
    try {
      const [answered, parties] = [this.#call.state === 'connected', this.#parties];
      const { applications, peerHasDataChannels } = await this.#list(STREAMS.localNetwork);
      this.#listed = applications;
      // What is said of somebody who has gone meanwhile says nothing of who is there.
      this.peer = answered && parties === this.#parties ? peerHasDataChannels : null;
      this.#without = false;
      this.#enter('known');
    } catch (error) {
      this.#without = error instanceof Failure;
      this.#refused = error instanceof Failure && (error.code === 'channel_refused' || error.code === 'channels_unsupported');
      this.#listed = [];
      this.#enter('unavailable');
    }
  }

  /** @param {number} stream */
  #list(stream) {
    return this.#ask(stream, (repository) => repository.list());
  }

  /**
   * @template T
   * @param {number} stream
   * @param {(repository: RepositoryLike) => Promise<T>} what
   */
  async #ask(stream, what) {
    try {
      return await what(this.#repository(stream));
    } catch (error) {
      this.#repositories.get(stream)?.close();
      this.#repositories.delete(stream);
      throw error;
    }
  }

  /** @param {number} stream */
  #repository(stream) {
    const there = this.#repositories.get(stream) ?? this.#open(stream);
    this.#repositories.set(stream, there);
    return there;
  }

  /**
   * @param {number} stream
   * @param {ListedApplication} application
   * @returns {Entry}
   */
  #entry(stream, application) {
    return { application, developer: false, load: (progress) => this.#ask(stream, (repository) => repository.package(application, progress)) };
  }

  /**
   * @param {ListedApplication} application
   * @returns {Entry}
   */
  #ofDeveloper(application) {
    const load = async () => {
      const bytes = this.#developer.bytes(application.id);
      if (!bytes) throw new TypeError('It is not there any more');
      return bytes;
    };
    return { application, developer: true, load };
  }

  /** @param {'looking' | 'known' | 'unavailable'} state */
  #enter(state) {
    this.state = state;
    this.emit('change', null);
  }
}
