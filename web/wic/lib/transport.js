import { Emitter } from './emitter.js';
import { systemClock, Timer } from './clock.js';

/**
 * SIP over one WebSocket that comes back by itself (RFC 7118).
 *
 * Contract, which the tests' fake obeys too:
 * - `connect()` in state `closed` leads to `connecting`; the outcome is `open` or `waiting`, each told by `state`.
 * - `send()` MUST be called in `open` only; otherwise it returns false and the message is gone.
 * - A connection that breaks leads to `waiting`; after a growing, random delay it goes `connecting` again.
 * - `close()` leads to `closed` from every state, and nothing happens any more until `connect()`.
 * - `message` carries one whole SIP message as text; keep-alives never show.
 * - `network` says that the network is another one, or is there again; what has addresses of the old one needs new ones.
 *
 * @typedef {'closed' | 'connecting' | 'open' | 'waiting'} TransportState
 *
 * @typedef {object} Transport
 * @property {TransportState} state
 * @property {boolean} secure
 * @property {() => void} connect
 * @property {() => void} close
 * @property {(text: string) => boolean} send
 *
 * @typedef {object} TransportEvents
 * @property {TransportState} state
 * @property {string} message
 * @property {null} network
 */

/** RFC 5626 §4.4.1: ping by CRLFCRLF; without a CRLF in time the flow is dead. */
const PING = '\r\n\r\n';
const PING_EVERY = 30_000;
const PONG_WITHIN = 10_000;
/** When the browser says that the network changed, the answer is wanted sooner. */
const PONG_SOON = 4_000;
/** A connection that did not open in this time never will. */
const OPEN_WITHIN = 10_000;

/** A connection that held this long was a good one: the next loss is a new story, with a short first delay. */
const GOOD_AFTER = 10_000;

// Deviates: RFC 5626 §4.5 has 30 s as base and half an hour as bound; people wait for a page, so it starts at once and
// stays below half a minute.
const BACK_OFF = { first: 500, most: 24_000 };

/**
 * @extends {Emitter<TransportEvents>}
 * @implements {Transport}
 */
export class WebSocketTransport extends Emitter {
  /** @type {TransportState} */
  state = 'closed';
  #url;
  #random;
  #open;
  /** @type {WebSocket | null} */
  #socket = null;
  #attempts = 0;
  #retry;
  #ping;
  #pong;
  #opening;
  #good;
  /** @type {(() => void)[]} */
  #listening = [];

  /**
   * @param {string} url of the W2 reference point, ws: or wss:
   * @param {object} [options]
   * @param {import('./clock.js').Clock} [options.clock]
   * @param {() => number} [options.random] in [0, 1)
   * @param {(url: string) => WebSocket} [options.open]
   * @param {EventTarget} [options.network] fires `online` and `offline`; the window by default
   */
  constructor(url, { clock = systemClock, random = Math.random, open, network } = {}) {
    super();
    this.#url = url;
    this.#random = random;
    this.#open = open ?? ((address) => new WebSocket(address, 'sip'));
    this.#retry = new Timer(clock);
    this.#ping = new Timer(clock);
    this.#pong = new Timer(clock);
    this.#opening = new Timer(clock);
    this.#good = new Timer(clock);
    this.network = network ?? (typeof window === 'undefined' ? new EventTarget() : window);
  }

  get secure() {
    return this.#url.startsWith('wss:');
  }

  connect() {
    if (this.state !== 'closed') return;
    const online = () => this.#online();
    const offline = () => this.#check(PONG_SOON);
    this.network.addEventListener('online', online);
    this.network.addEventListener('offline', offline);
    this.#listening = [
      () => this.network.removeEventListener('online', online),
      () => this.network.removeEventListener('offline', offline),
    ];
    this.#attempts = 0;
    this.#try();
  }

  close() {
    for (const stop of this.#listening.splice(0)) stop();
    this.#drop(1000);
    this.#retry.stop();
    this.#enter('closed');
  }

  /** @param {string} text */
  send(text) {
    if (this.state !== 'open' || !this.#socket) return false;
    this.#socket.send(text);
    return true;
  }

  #try() {
    this.#enter('connecting');
    let socket;
    try {
      socket = this.#open(this.#url);
    } catch {
      this.#lost();
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    this.#opening.set(OPEN_WITHIN, () => this.#lost());
    socket.onopen = () => {
      this.#opening.stop();
      this.#good.set(GOOD_AFTER, () => {
        this.#attempts = 0;
      });
      this.#schedulePing();
      this.#enter('open');
    };
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => this.#lost();
  }

  /** @param {string | ArrayBuffer} data */
  #receive(data) {
    const text = typeof data === 'string' ? data : new TextDecoder().decode(data);
    this.#pong.stop();
    if (text === '\r\n') return;
    if (text === PING) {
      this.#socket?.send('\r\n');
      return;
    }
    this.emit('message', text);
  }

  #schedulePing() {
    this.#ping.set(PING_EVERY * (0.8 + 0.2 * this.#random()), () => {
      this.#check(PONG_WITHIN);
      this.#schedulePing();
    });
  }

  /** @param {number} within */
  #check(within) {
    if (!this.send(PING)) return;
    this.#pong.set(within, () => this.#lost());
  }

  #online() {
    if (this.state === 'waiting') {
      this.#retry.stop();
      this.#try();
    } else this.#check(PONG_SOON);
    this.emit('network', null);
  }

  #lost() {
    this.#drop(4000);
    const bound = Math.min(BACK_OFF.most, BACK_OFF.first * 2 ** this.#attempts);
    this.#attempts += 1;
    // RFC 5626 §4.5: random between half and the whole, so that a crowd does not come back at once.
    this.#retry.set(bound * (0.5 + 0.5 * this.#random()), () => this.#try());
    this.#enter('waiting');
  }

  /** @param {number} code */
  #drop(code) {
    this.#opening.stop();
    this.#good.stop();
    this.#ping.stop();
    this.#pong.stop();
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close(code);
  }

  /** @param {TransportState} state */
  #enter(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit('state', state);
  }
}
