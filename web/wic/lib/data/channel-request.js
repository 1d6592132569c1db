import { Timer } from '../clock.js';
import { applicationOf } from './application.js';

/**
 * The far end wants a data channel: whoever listens looks at what it is and accepts it. What nobody accepts while the event
 * is told, or takes to decide about with `wait()`, is refused.
 *
 * @typedef {import('./dcmap.js').ChannelDescription} ChannelDescription
 * @typedef {import('./ims-data-channel.js').ImsDataChannel} ImsDataChannel
 */

/** Who does not decide has decided: the far end waits, and no other change can be made meanwhile. */
const PATIENCE = 30_000;

export class ChannelRequest {
  #make;
  #timer;
  #waits = false;
  /** @type {ImsDataChannel | null} */
  #channel = null;
  /** @type {() => void} */
  #settle = () => {};
  #decided = false;

  /**
   * @param {object} parts
   * @param {ChannelDescription} parts.description
   * @param {string[]} parts.attributes what its `a=dcsa` says of it, without `a=`
   * @param {string[]} parts.applications the values of `a=3gpp-req-app` beside it
   * @param {import('../clock.js').Clock} parts.clock
   * @param {(attributes: readonly string[]) => ImsDataChannel} parts.make
   * @param {boolean} parts.atOnce there is no time to wait for anybody
   */
  constructor({ description, attributes, applications, clock, make, atOnce }) {
    this.description = description;
    this.attributes = attributes;
    /** The application that it belongs to, and who is at its other end. */
    this.application = applicationOf(applications, description.id);
    /** True where `wait()` does not help: an answer is due now (RFC 3311 §5.2). */
    this.atOnce = atOnce;
    this.#make = make;
    this.#timer = new Timer(clock);
    /** Resolves when somebody has decided. @type {Promise<void>} */
    this.decided = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get id() {
    return this.description.id;
  }

  get label() {
    return this.description.label;
  }

  get protocol() {
    return this.description.protocol;
  }

  /** The channel, once it was accepted. */
  get channel() {
    return this.#channel;
  }

  /**
   * Takes it. The channel opens when the far end has our answer.
   * @param {{ attributes?: readonly string[] }} [options] what our `a=dcsa` says of it, without `a=`
   * @returns {ImsDataChannel | null} null if it is too late
   */
  accept({ attributes = [] } = {}) {
    if (this.#decided) return this.#channel;
    this.#channel = this.#make(attributes);
    this.#decide();
    return this.#channel;
  }

  refuse() {
    this.#decide();
  }

  /** Somebody is being asked; until then, or for half a minute, nothing is answered. */
  wait() {
    if (this.atOnce || this.#decided || this.#waits) return;
    this.#waits = true;
    this.#timer.set(PATIENCE, () => this.refuse());
  }

  /** All have been told: what nobody has taken up is refused. */
  told() {
    if (!this.#waits) this.refuse();
  }

  #decide() {
    this.#decided = true;
    this.#timer.stop();
    this.#settle();
  }
}
