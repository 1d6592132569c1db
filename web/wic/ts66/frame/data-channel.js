import { MOST_WAITING } from '../messages.js';
import { CHANNEL } from '../names.js';
import { defineHandlers, errorEvent } from './events.js';

/**
 * RTCDataChannel of W3C WebRTC §6.2, adapted: what it says and takes is the W3C's; what carries it is a channel of the call.
 *
 * @typedef {import('../messages.js').ChannelParameters} ChannelParameters
 * @typedef {import('./link.js').Link} Link
 *
 * @typedef {object} ChannelParts
 * @property {Link} link
 * @property {number} number the channel's between frame and page
 * @property {ChannelParameters} parameters
 * @property {() => string} applicationId known once there is an association
 * @property {(channel: DataChannel) => void} changed its readyState is another one
 * @property {(maxMessageSize: number) => void} opened before its event says so
 */

/** Only this library makes channels; `new RTCDataChannel()` does not. */
export const OURS = Symbol('ours');
/** What the connection does with it, and an application does not. */
export const END = Symbol('end');
export const ABANDON = Symbol('abandon');
export const COUNTS = Symbol('counts');

/** RFC 8831 §6.4: the W3C's words for priorities. */
export const PRIORITIES = /** @type {const} */ ({ 'very-low': 128, low: 256, medium: 512, high: 1024 });

export class DataChannel extends EventTarget {
  #link;
  #number;
  #parameters;
  #applicationId;
  #changed;
  #openedAs;
  /** @type {RTCDataChannelState} */
  #state = 'connecting';
  /** @type {number | null} */
  #id;
  #maxMessageSize = 0;
  #bufferedAmount = 0;
  #threshold = 0;
  /** @type {BinaryType} */
  #binaryType = 'arraybuffer';
  /** Messages wait here behind a Blob that is being read. @type {Promise<void> | null} */
  #reading = null;
  #closes = false;
  /** WebRTC Statistics §8.9. */
  #counts = { messagesSent: 0, bytesSent: 0, messagesReceived: 0, bytesReceived: 0 };

  /** @param {[typeof OURS, ChannelParts]} given */
  constructor(...given) {
    const [token, parts] = given;
    if (token !== OURS) throw new TypeError('Illegal constructor');
    super();
    this.#link = parts.link;
    this.#number = parts.number;
    this.#parameters = parts.parameters;
    this.#applicationId = parts.applicationId;
    this.#changed = parts.changed;
    this.#openedAs = parts.opened;
    this.#id = parts.parameters.id;
    this.#link.listenToChannel(this.#number, (message) => this.#handle(message));
  }

  get label() {
    return this.#parameters.label;
  }

  get protocol() {
    return this.#parameters.protocol;
  }

  get ordered() {
    return this.#parameters.ordered;
  }

  get maxRetransmits() {
    return this.#parameters.maxRetransmits;
  }

  get maxPacketLifeTime() {
    return this.#parameters.maxPacketLifeTime;
  }

  /** @returns {string} the W3C's word, by WebRTC priority control §4.2 */
  get priority() {
    const { priority } = this.#parameters;
    if (priority <= 128) return 'very-low';
    return priority <= 256 ? 'low' : priority <= 512 ? 'medium' : 'high';
  }

  /** All channels of IMS are negotiated (RFC 8864). */
  get negotiated() {
    return true;
  }

  get id() {
    return this.#id;
  }

  get readyState() {
    return this.#state;
  }

  get bufferedAmount() {
    return this.#bufferedAmount;
  }

  get bufferedAmountLowThreshold() {
    return this.#threshold;
  }

  set bufferedAmountLowThreshold(octets) {
    // WebIDL: unsigned long.
    this.#threshold = Number(octets) >>> 0;
  }

  get binaryType() {
    return this.#binaryType;
  }

  set binaryType(type) {
    // WebIDL: what is no value of the enumeration is passed over.
    if (type === 'blob' || type === 'arraybuffer') this.#binaryType = type;
  }

  get [CHANNEL.endpoint]() {
    return this.#parameters.endpoint;
  }

  get [CHANNEL.applicationId]() {
    return this.#applicationId();
  }

  /** @param {string | Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer>} data */
  send(data) {
    if (arguments.length === 0) throw new TypeError('send() takes what is to be sent');
    const message = copy(data);
    if (this.#state !== 'open') throw new DOMException("RTCDataChannel.readyState is not 'open'", 'InvalidStateError');
    const size = message instanceof Blob ? message.size : octets(message);
    if (size > this.#maxMessageSize) throw new TypeError(`A message has at most ${this.#maxMessageSize} octets here`);
    if (this.#bufferedAmount + size > MOST_WAITING) throw new DOMException('RTCDataChannel send queue is full', 'OperationError');
    this.#bufferedAmount += size;
    if (this.#reading || message instanceof Blob) this.#after(message, size);
    else this.#post(message);
  }

  close() {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#state = 'closing';
    this.#changed(this);
    const close = () => this.#link.post({ type: 'close', channel: this.#number });
    if (this.#reading) void this.#reading.then(close);
    else close();
  }

  /**
   * The page tells what became of it.
   * @param {import('./link.js').OfChannel} message
   */
  #handle(message) {
    switch (message.type) {
      case 'opened':
        this.#opened(message);
        return;
      case 'message':
        if (this.#state === 'open' || this.#state === 'closing') this.#received(message.data);
        return;
      case 'left':
        this.#left(message.octets);
        return;
      case 'closing':
        if (this.#state !== 'open') return;
        this.#state = 'closing';
        this.#changed(this);
        this.dispatchEvent(new Event('closing'));
        return;
      case 'closed':
        this.#over(message.fault);
    }
  }

  /** @param {{ id: number, maxMessageSize: number }} message */
  #opened({ id, maxMessageSize }) {
    this.#id = id;
    this.#maxMessageSize = maxMessageSize;
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    this.#openedAs(maxMessageSize);
    this.#changed(this);
    this.dispatchEvent(new Event('open'));
  }

  /**
   * Its connection is over.
   * @param {import('../messages.js').Fault | null} fault
   */
  [END](fault) {
    if (this.#closes) return;
    this.#link.post({ type: 'close', channel: this.#number });
    this.#over(fault);
  }

  /** @param {import('../messages.js').Fault | null} fault */
  #over(fault) {
    if (this.#closes) return;
    this.#closes = true;
    this.#link.listenToChannel(this.#number, null);
    this.#state = 'closed';
    this.#changed(this);
    if (fault) this.dispatchEvent(errorEvent(fault));
    this.dispatchEvent(new Event('close'));
  }

  /** What has gone through it. */
  get [COUNTS]() {
    return this.#counts;
  }

  /** Its connection was closed: W3C WebRTC §4.4.2 (close) has no event then. */
  [ABANDON]() {
    if (this.#closes) return;
    this.#closes = true;
    this.#link.listenToChannel(this.#number, null);
    if (this.#state !== 'closing') this.#link.post({ type: 'close', channel: this.#number });
    this.#state = 'closed';
  }

  /** @param {string | ArrayBuffer} data */
  #received(data) {
    this.#counts.messagesReceived += 1;
    this.#counts.bytesReceived += octets(data);
    const value = typeof data === 'string' || this.#binaryType === 'arraybuffer' ? data : new Blob([data]);
    this.dispatchEvent(new MessageEvent('message', { data: value }));
  }

  /** @param {number} octets what the page has passed on since */
  #left(octets) {
    const before = this.#bufferedAmount;
    this.#bufferedAmount = Math.max(0, before - octets);
    if (before > this.#threshold && this.#bufferedAmount <= this.#threshold) this.dispatchEvent(new Event('bufferedamountlow'));
  }

  /**
   * @param {string | ArrayBuffer | Blob} message
   * @param {number} size
   */
  #after(message, size) {
    const before = this.#reading ?? Promise.resolve();
    const done = before.then(async () => {
      try {
        this.#post(message instanceof Blob ? await message.arrayBuffer() : message);
      } catch {
        // A Blob whose file is gone: W3C WebRTC §6.2 ends the channel.
        this.#left(size);
        this.#link.post({ type: 'close', channel: this.#number });
      }
      if (this.#reading === done) this.#reading = null;
    });
    this.#reading = done;
  }

  /** @param {string | ArrayBuffer} data */
  #post(data) {
    if (this.#closes) return;
    this.#counts.messagesSent += 1;
    this.#counts.bytesSent += octets(data);
    this.#link.post({ type: 'send', channel: this.#number, data }, typeof data === 'string' ? [] : [data]);
  }
}

defineHandlers(DataChannel, ['open', 'bufferedamountlow', 'error', 'closing', 'close', 'message']);

/**
 * What is sent is what it was when send was called.
 * @param {unknown} data
 * @returns {string | ArrayBuffer | Blob}
 */
function copy(data) {
  if (data instanceof Blob) return data;
  if (data instanceof ArrayBuffer) return data.slice(0);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice().buffer;
  // WebIDL: anything else is a USVString.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(`${/** @type {string} */ (data)}`));
}

/** @param {string | ArrayBuffer} data */
function octets(data) {
  return typeof data === 'string' ? new TextEncoder().encode(data).byteLength : data.byteLength;
}
