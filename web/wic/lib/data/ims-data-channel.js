import { Timer } from '../clock.js';
import { Emitter } from '../emitter.js';

/**
 * A data channel of a call that both ends have agreed on in SDP (RFC 8831, RFC 8864; an IMS data channel of TS 26.114
 * §6.2.10 is one too). It has the names of the W3C's RTCDataChannel, and its states:
 *
 *   connecting ──agreed in SDP, and the association is up──> open ──close(), or the far end's──> closing ──> closed
 *        └──refused, or the call ends──> closed
 *
 * @typedef {'connecting' | 'open' | 'closing' | 'closed'} ChannelState
 * @typedef {import('./dcmap.js').ChannelDescription} ChannelDescription
 * @typedef {import('../failure.js').Failure} Failure
 * @typedef {import('./application.js').ChannelApplication} ChannelApplication
 *
 * @typedef {object} ChannelEvents
 * @property {null} open
 * @property {string | ArrayBuffer} message
 * @property {null} bufferedamountlow there is room again: no more than `bufferedAmountLowThreshold` is waiting
 * @property {null} closing the far end closes it
 * @property {Failure} error
 * @property {Failure | null} close with what went wrong, or null
 *
 * @typedef {object} ChannelOwner what carries the channel
 * @property {import('../clock.js').Clock} clock
 * @property {() => number} maxMessageSize
 * @property {(channel: ImsDataChannel) => void} closed
 * @property {(code: import('../failure.js').FailureCode, cause?: unknown) => Failure} failure
 */

/** What may come before the answer, in octets: the far end's window into a call that it does not have yet. */
const MOST_EARLY = 1024 * 1024;
/** A peer that does not reset its side of the stream in this time does not do it at all. */
const RESET_PATIENCE = 10_000;

/** @extends {Emitter<ChannelEvents>} */
export class ImsDataChannel extends Emitter {
  /** @type {ChannelState} */
  readyState = 'connecting';
  /** Why it was closed, if that was not meant. @type {Failure | null} */
  failure = null;
  /** True if it was closed by `close()`. */
  closedHere = false;
  /** What the far end's `a=dcsa` says of it, without `a=`. @type {string[]} */
  remoteAttributes = [];
  #description;
  #owner;
  #patience;
  /** @type {RTCDataChannel | null} */
  #native = null;
  #agreed = false;
  #threshold = 0;
  /** What came before the answer did. @type {(string | ArrayBuffer)[]} */
  #early = [];
  #earlyOctets = 0;
  /** @type {(channel: ImsDataChannel) => void} */
  #settleOpened = () => {};
  /** @type {(failure: Failure) => void} */
  #settleFailed = () => {};

  /**
   * @param {ChannelDescription} description
   * @param {ChannelOwner} owner
   * @param {{ negotiated?: boolean, attributes?: readonly string[], application?: ChannelApplication | null, qosHint?: string, joins?: boolean }} [more]
   */
  constructor(description, owner, { negotiated = true, attributes = [], application = null, qosHint = '', joins = false } = {}) {
    super();
    this.#description = description;
    this.#owner = owner;
    this.#patience = new Timer(owner.clock);
    /** False for one that was opened in band (RFC 8832). */
    this.negotiated = negotiated;
    /** What our `a=dcsa` says of it, without `a=`. */
    this.attributes = attributes;
    /** The application that it belongs to, and who is at its other end. */
    this.application = application;
    /** The far end opens it too, under the same id. */
    this.joins = joins;
    /** What was asked of the network for it (TS 26.114 §6.2.7.4). */
    this.qosHint = qosHint;
    /** Resolves when it is open; rejects with a Failure if it is refused or closed before. @type {Promise<ImsDataChannel>} */
    this.opened = new Promise((resolve, reject) => {
      this.#settleOpened = resolve;
      this.#settleFailed = reject;
    });
    // Who does not wait for it hears of it by events.
    this.opened.catch(() => {});
  }

  /** All that SDP says of it. */
  get description() {
    return this.#description;
  }

  get id() {
    return this.#description.id;
  }

  get label() {
    return this.#description.label;
  }

  get protocol() {
    return this.#description.protocol;
  }

  get ordered() {
    return this.#description.ordered;
  }

  get maxRetransmits() {
    return this.#description.maxRetransmits;
  }

  get maxPacketLifeTime() {
    return this.#description.maxPacketLifeTime;
  }

  get priority() {
    return this.#description.priority;
  }

  /** Octets that were sent and have not left yet. */
  get bufferedAmount() {
    return this.#native?.bufferedAmount ?? 0;
  }

  /** How little of `bufferedAmount` is little enough to go on. */
  get bufferedAmountLowThreshold() {
    return this.#threshold;
  }

  set bufferedAmountLowThreshold(octets) {
    this.#threshold = octets;
    if (this.#native) this.#native.bufferedAmountLowThreshold = octets;
  }

  /** The largest message that the other side takes, in octets. */
  get maxMessageSize() {
    return this.#owner.maxMessageSize();
  }

  /** True once both ends have it in their SDP. */
  get agreed() {
    return this.#agreed;
  }

  /**
   * Sends a message. It throws as the W3C's does: InvalidStateError if the channel is not open, TypeError if the message is
   * larger than `maxMessageSize`, OperationError if too much is waiting already.
   * @param {string | ArrayBuffer | ArrayBufferView<ArrayBuffer>} data
   */
  send(data) {
    if (this.readyState !== 'open' || !this.#native) throw new DOMException('The channel is not open', 'InvalidStateError');
    const size = typeof data === 'string' ? octets(data) : data.byteLength;
    if (size > this.maxMessageSize) throw new TypeError(`A message has at most ${this.maxMessageSize} octets here`);
    // One method with several kinds of argument is several methods to the type checker.
    this.#native.send(/** @type {string} */ (data));
  }

  /**
   * The way to send much: waits until no more than `bufferedAmountLowThreshold` is left to go.
   * @returns {Promise<void>} rejects with a Failure if the channel closes before
   */
  async drained() {
    while (this.readyState === 'open' && this.bufferedAmount > this.#threshold) {
      const waiting = new AbortController();
      await new Promise((resolve) => {
        for (const type of ['bufferedamountlow', 'closing', 'close']) this.addEventListener(type, resolve, { signal: waiting.signal });
      });
      waiting.abort();
    }
    if (this.readyState !== 'open') throw this.failure ?? this.#owner.failure('channel_failed');
  }

  /** Closes it. What was sent before still goes; the far end is told. */
  close() {
    if (this.readyState === 'closing' || this.readyState === 'closed') return;
    this.closedHere = true;
    if (this.readyState === 'connecting') {
      this.end(null);
      return;
    }
    this.readyState = 'closing';
    this.#native?.close();
    this.#expectReset();
  }

  // What its DataChannels does with it.

  /** @param {RTCDataChannel} native */
  attach(native) {
    this.#native = native;
    native.binaryType = 'arraybuffer';
    native.bufferedAmountLowThreshold = this.#threshold;
    const current = () => this.#native === native;
    native.addEventListener('open', () => current() && this.#check());
    native.addEventListener('message', (event) => current() && this.#received(event.data));
    native.addEventListener('bufferedamountlow', () => current() && this.emit('bufferedamountlow', null));
    native.addEventListener('closing', () => current() && this.#enterClosing());
    native.addEventListener('error', (event) => {
      if (current()) this.failure ??= this.#owner.failure('channel_failed', event.error);
    });
    native.addEventListener('close', () => {
      // A browser that is refused the m-line says only that; what the answer says of it is better.
      if (current() && this.#agreed) this.end(this.failure);
    });
    this.#check();
  }

  /** Its stream is taken back. */
  detach() {
    const native = this.#native;
    this.#native = null;
    native?.close();
  }

  /**
   * The far end has it in its SDP too.
   * @param {string[]} [attributes] what its `a=dcsa` says
   */
  agree(attributes = []) {
    if (this.#agreed || this.readyState === 'closed') return;
    this.#agreed = true;
    this.remoteAttributes = attributes;
    this.#check();
  }

  /**
   * It is over, at once.
   * @param {Failure | null} failure
   */
  end(failure) {
    if (this.readyState === 'closed') return;
    this.#patience.stop();
    const native = this.#native;
    this.readyState = 'closed';
    this.failure = failure;
    this.#early = [];
    this.#settleFailed(failure ?? this.#owner.failure('channel_failed'));
    // It may be over for us only: its stream is reset in any case.
    if (native && (native.readyState === 'open' || native.readyState === 'connecting')) native.close();
    this.#owner.closed(this);
    if (failure) this.emit('error', failure);
    this.emit('close', failure);
  }

  #check() {
    if (this.#agreed && this.#native?.readyState === 'closed') this.end(this.failure);
    if (this.readyState !== 'connecting' || !this.#agreed || this.#native?.readyState !== 'open') return;
    this.readyState = 'open';
    this.#settleOpened(this);
    this.emit('open', null);
    for (const message of this.#early.splice(0)) this.emit('message', message);
  }

  /** @param {string | ArrayBuffer} data */
  #received(data) {
    // RFC 8864 §6: the far end may send as soon as it has answered, and its answer takes another way.
    if (this.readyState === 'connecting') {
      this.#earlyOctets += typeof data === 'string' ? data.length : data.byteLength;
      this.#early.push(data);
      if (this.#earlyOctets > MOST_EARLY) this.end(this.#owner.failure('channel_failed'));
    } else this.emit('message', data);
  }

  #enterClosing() {
    if (this.readyState !== 'open') return;
    this.readyState = 'closing';
    this.emit('closing', null);
  }

  #expectReset() {
    this.#patience.set(RESET_PATIENCE, () => {
      if (this.bufferedAmount > 0) this.#expectReset();
      else this.end(this.failure);
    });
  }
}

/** @param {string} text */
function octets(text) {
  return new TextEncoder().encode(text).byteLength;
}
