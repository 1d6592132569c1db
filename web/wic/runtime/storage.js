/**
 * What applications keep: apart by person, provider and application, within bounds, until the validity of the application ends.
 *
 * @typedef {{ person: string, provider: string, id: string }} Owner
 * @typedef {object} Drawer what is kept for one owner
 * @property {Record<string, string>} values in JSON
 * @property {number | null} validUntil
 */

export const MOST_KEYS = 256;
/** Characters of one value, and of all of an application's, keys included. */
export const MOST_VALUE = 256 * 1024;
export const MOST_ALL = 4 * 1024 * 1024;

/** Where drawers are kept. @typedef {{ load: (key: string) => Promise<Drawer | null>, save: (key: string, drawer: Drawer | null) => Promise<void>, keys: () => Promise<string[]> }} Cabinet */

export class ApplicationStorage {
  #cabinet;
  #now;
  /** One after the other: a change is of what the one before left. @type {Promise<unknown>} */
  #last = Promise.resolve();

  /**
   * @param {Cabinet} cabinet
   * @param {() => number} [now]
   */
  constructor(cabinet, now = Date.now) {
    this.#cabinet = cabinet;
    this.#now = now;
  }

  /**
   * The storage of one application, for its frame.
   * @param {Owner} owner
   * @param {number | null} validUntil
   */
  of({ person, provider, id }, validUntil) {
    const name = JSON.stringify([person, provider, id]);
    /** @template T @param {(drawer: Drawer) => T} use @param {boolean} [writes] @returns {Promise<T>} */
    const within = (use, writes = false) => this.#inOrder(async () => {
      const drawer = await this.#drawer(name) ?? { values: {}, validUntil };
      const value = use(drawer);
      if (writes) await this.#cabinet.save(name, { ...drawer, validUntil });
      return value;
    });
    return {
      /** @param {string} key */
      get: (key) => within(({ values }) => (Object.hasOwn(values, key) ? JSON.parse(values[key]) : undefined)),
      /** @param {string} key @param {unknown} value */
      set: (key, value) => within(({ values }) => {
        const text = textOf(value);
        const others = Object.entries(values).filter(([each]) => each !== key);
        const size = others.reduce((sum, [each, kept]) => sum + each.length + kept.length, key.length + text.length);
        if (text.length > MOST_VALUE || others.length >= MOST_KEYS || size > MOST_ALL) {
          throw new DOMException('An application keeps no more than that', 'QuotaExceededError');
        }
        Object.defineProperty(values, key, { value: text, enumerable: true, configurable: true, writable: true });
      }, true),
      /** @param {string} key */
      delete: (key) => within(({ values }) => {
        delete values[key];
      }, true),
      keys: () => within(({ values }) => Object.keys(values)),
    };
  }

  /** Forgets what applications kept that are not valid any more. */
  sweep() {
    return this.#inOrder(async () => {
      for (const key of await this.#cabinet.keys()) await this.#drawer(key);
    });
  }

  /** @param {string} name */
  async #drawer(name) {
    const drawer = await this.#cabinet.load(name);
    if (drawer === null || drawer.validUntil === null || drawer.validUntil > this.#now()) return drawer;
    await this.#cabinet.save(name, null);
    return null;
  }

  /** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  #inOrder(work) {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** @param {unknown} value */
function textOf(value) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new DOMException('JSON has no such value', 'DataCloneError');
  return text;
}

/** In the browser's own store. @returns {Cabinet} */
export function indexedCabinet(name = 'isthmus-applications') {
  const STORE = 'drawers';
  /** @type {Promise<IDBDatabase> | null} */
  let opened = null;
  const open = () => {
    opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    return opened;
  };
  /** @template T @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest<T>} use @returns {Promise<T>} */
  const within = async (mode, use) => {
    const store = (await open()).transaction(STORE, mode).objectStore(STORE);
    return new Promise((resolve, reject) => {
      const request = use(store);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  };
  return {
    load: async (key) => /** @type {Drawer | undefined} */ (await within('readonly', (store) => store.get(key))) ?? null,
    save: async (key, drawer) => {
      await within('readwrite', (store) => /** @type {IDBRequest<unknown>} */ (drawer === null ? store.delete(key) : store.put(drawer, key)));
    },
    keys: async () => /** @type {string[]} */ (await within('readonly', (store) => store.getAllKeys())),
  };
}
