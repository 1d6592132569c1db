import { HANDSHAKE } from '../messages.js';

/**
 * The frame's end of the MessagePort. What is said before the port has come waits for it.
 *
 * @typedef {import('../messages.js').ToPage} ToPage
 * @typedef {import('../messages.js').ToFrame} ToFrame
 * @typedef {Extract<ToFrame, { channel: number }>} OfChannel
 * @typedef {import('../messages.js').Session} Session
 *
 * @typedef {object} Listener a signalling service or a connection
 * @property {(session: Session) => void} [session]
 * @property {() => void} [lost]
 * @property {(message: Extract<ToFrame, { type: 'requested' }>) => boolean} [requested] true if it was taken
 */
export class Link {
  /** @type {MessagePort | null} */
  #port = null;
  /** @type {{ message: ToPage, transfer: Transferable[] }[]} */
  #waiting = [];
  #requests = 0;
  #channels = 0;
  /** @type {Map<number, { resolve: (session: Session) => void, reject: (fault: import('../messages.js').Fault) => void }>} */
  #asked = new Map();
  /** @type {Map<number, (message: OfChannel) => void>} */
  #ofChannel = new Map();
  /** @type {Set<Listener>} */
  #listeners = new Set();
  /** What the page last said of the call. @type {Session | null} */
  session = null;

  /** @param {MessagePort} port */
  bind(port) {
    this.#port = port;
    port.onmessage = ({ data }) => this.#handle(data);
    for (const { message, transfer } of this.#waiting.splice(0)) port.postMessage(message, transfer);
  }

  /**
   * @param {ToPage} message
   * @param {Transferable[]} [transfer]
   */
  post(message, transfer = []) {
    if (this.#port) this.#port.postMessage(message, transfer);
    else this.#waiting.push({ message, transfer });
  }

  /**
   * Asks the page for the association.
   * @param {string | null} sessionId
   * @param {string | null} applicationId
   * @returns {Promise<Session>} rejects with a Fault
   */
  associate(sessionId, applicationId) {
    this.#requests += 1;
    const request = this.#requests;
    return new Promise((resolve, reject) => {
      this.#asked.set(request, { resolve, reject });
      this.post({ type: 'associate', request, sessionId, applicationId });
    });
  }

  /** A number for a channel that begins here. */
  nextChannel() {
    this.#channels += 2;
    return this.#channels;
  }

  /**
   * @param {number} channel
   * @param {((message: OfChannel) => void) | null} listener
   */
  listenToChannel(channel, listener) {
    if (listener) this.#ofChannel.set(channel, listener);
    else this.#ofChannel.delete(channel);
  }

  /** @param {Listener} listener */
  add(listener) {
    this.#listeners.add(listener);
  }

  /** @param {Listener} listener */
  remove(listener) {
    this.#listeners.delete(listener);
  }

  /** @param {ToFrame} message */
  #handle(message) {
    switch (message.type) {
      case 'associated':
        this.session = message.session;
        this.#asked.get(message.request)?.resolve(message.session);
        this.#asked.delete(message.request);
        return;
      case 'refused':
        this.#asked.get(message.request)?.reject(message.fault);
        this.#asked.delete(message.request);
        return;
      case 'session':
        this.session = message.session;
        for (const listener of [...this.#listeners]) listener.session?.(message.session);
        return;
      case 'lost':
        for (const listener of [...this.#listeners]) listener.lost?.();
        return;
      case 'requested':
        if (![...this.#listeners].some((listener) => listener.requested?.(message))) this.post({ type: 'refuse', channel: message.channel });
        return;
      default:
        this.#ofChannel.get(message.channel)?.(message);
    }
  }
}

/**
 * A link whose port the page around this frame sends.
 * @param {Window} frame
 */
export function awaitPort(frame) {
  const link = new Link();
  const take = (/** @type {MessageEvent} */ event) => {
    if (event.source !== frame.parent || event.data?.type !== HANDSHAKE || !event.ports[0]) return;
    frame.removeEventListener('message', take);
    // The application has no business with it.
    event.stopImmediatePropagation();
    link.bind(event.ports[0]);
  };
  frame.addEventListener('message', take);
  return link;
}
