/**
 * A channel that was accepted for an application which is not there yet. It keeps what comes meanwhile; to the application it is
 * one that is offered.
 *
 * @typedef {import('../lib/data/ims-data-channel.js').ImsDataChannel} ImsDataChannel
 */

/** What may come before the application is there to take it, in octets: with more than that the channel is closed. */
export const MOST_EARLY = 1024 * 1024;

export class EarlyChannel {
  #octets = 0;
  /** @type {(string | ArrayBuffer)[]} */
  #heard = [];
  #stop;

  /** @param {ImsDataChannel} channel */
  constructor(channel) {
    this.channel = channel;
    this.#stop = channel.on('message', (data) => {
      this.#octets += typeof data === 'string' ? data.length * 2 : data.byteLength;
      this.#heard.push(data);
      if (this.#octets > MOST_EARLY) this.refuse();
    });
  }

  get description() {
    return this.channel.description;
  }

  refuse() {
    this.heard();
    this.channel.close();
  }

  /** @returns {ImsDataChannel | null} null if it is closed by now */
  accept() {
    return this.channel.readyState === 'closed' ? null : this.channel;
  }

  /** What came, for once. */
  heard() {
    this.#stop();
    return this.#heard.splice(0);
  }
}
