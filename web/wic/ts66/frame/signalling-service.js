import { SERVICE, SERVICE_EVENTS, SESSION_STATES, STATES } from '../names.js';
import { defineHandlers, errorOf } from './events.js';

/**
 * RTCPeerSignallingService: the association of an application with the IMS session that it runs in.
 *
 *   new ──associate()──> associating ──> associated ──close(), or the session ends──> closed
 *                             └──refused──> failed
 *
 * @typedef {typeof STATES[keyof typeof STATES]} State
 */
export class SignallingService extends EventTarget {
  #link;
  /** @type {State} */
  #state = STATES.fresh;
  #sessionId;
  #applicationId;
  /** @type {import('../messages.js').Session | null} */
  #session = null;
  /** @type {Promise<undefined> | null} */
  #association = null;
  #listener = {
    session: (/** @type {import('../messages.js').Session} */ session) => this.#changed(session),
    lost: () => this.#lost(),
  };

  /**
   * @param {import('./link.js').Link} link
   * @param {unknown} [init]
   */
  constructor(link, init = {}) {
    super();
    if (typeof init !== 'object' && typeof init !== 'function') throw new TypeError('RTCPeerSignallingServiceInit is a dictionary');
    const given = /** @type {Record<string, unknown>} */ (init ?? {});
    this.#link = link;
    this.#sessionId = wordOrNull(given[SERVICE.sessionId]);
    this.#applicationId = wordOrNull(given[SERVICE.applicationId]);
  }

  get [SERVICE.state]() {
    return this.#state;
  }

  get [SERVICE.sessionId]() {
    return this.#session?.id ?? this.#sessionId;
  }

  get [SERVICE.applicationId]() {
    return this.#session?.applicationId ?? this.#applicationId;
  }

  /** What the call is doing; null before the association. */
  get [SERVICE.sessionState]() {
    return this.#session?.state ?? null;
  }

  /** What the call has: `audio`, `video`. */
  get [SERVICE.sessionMedia]() {
    return Object.freeze([...(this.#session?.media ?? [])]);
  }

  /** Whether the network carries data channels; null while that is not known. */
  get [SERVICE.networkSupports]() {
    return this.#session?.network ?? null;
  }

  /** Whether the other party takes data channels; null while that is not known. */
  get [SERVICE.remoteSupports]() {
    return this.#session?.remote ?? null;
  }

  /**
   * Asks for the association; a second time it answers with the first.
   * @returns {Promise<undefined>} rejects with NotFoundError where there is no such call, NotAllowedError where this
   *   application may not, NotSupportedError where there are no data channels, InvalidStateError once it is closed
   */
  [SERVICE.associate]() {
    if (this.#state === STATES.closed || this.#state === STATES.failed) {
      return Promise.reject(new DOMException('The association is over', 'InvalidStateError'));
    }
    this.#association ??= this.#associate();
    return this.#association;
  }

  /** Ends the association and the application's channels; never the call. */
  [SERVICE.close]() {
    if (this.#state === STATES.closed) return;
    const associated = this.#state === STATES.associated;
    // Its connections end their channels first.
    this.#over(STATES.closed);
    if (associated) this.#link.post({ type: 'dissociate' });
  }

  async #associate() {
    this.#enter(STATES.associating);
    try {
      const session = await this.#link.associate(this.#sessionId, this.#applicationId);
      if (this.#state !== STATES.associating) {
        this.#link.post({ type: 'dissociate' });
        throw new DOMException('The association was closed', 'AbortError');
      }
      this.#session = session;
      this.#link.add(this.#listener);
      this.#enter(STATES.associated);
    } catch (fault) {
      if (fault instanceof DOMException) throw fault;
      this.#over(STATES.failed);
      throw errorOf(/** @type {import('../messages.js').Fault} */ (fault));
    }
    return undefined;
  }

  /** @param {import('../messages.js').Session} session */
  #changed(session) {
    this.#session = session;
    this.dispatchEvent(new Event(SERVICE_EVENTS.session));
  }

  #lost() {
    if (this.#session) this.#session = { ...this.#session, state: SESSION_STATES.ended };
    this.dispatchEvent(new Event(SERVICE_EVENTS.lost));
    this.#over(STATES.closed);
  }

  /** @param {State} state */
  #over(state) {
    this.#link.remove(this.#listener);
    this.#enter(state);
  }

  /** @param {State} state */
  #enter(state) {
    if (this.#state === state) return;
    this.#state = state;
    this.dispatchEvent(new Event(SERVICE_EVENTS.state));
  }
}

defineHandlers(SignallingService, Object.values(SERVICE_EVENTS));

/** @param {unknown} value */
function wordOrNull(value) {
  return value === undefined || value === null ? null : String(value);
}
