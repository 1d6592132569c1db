import { Message } from '../../lib/sip/message.js';
import { settle } from './clock.js';

/** A transport that obeys the contract of lib/transport.js, with the test at the other end. */
export class FakeTransport extends EventTarget {
  state = 'closed';
  secure = true;
  /** What was sent and not yet looked at. @type {Message[]} */
  sent = [];

  connect() {
    if (this.state !== 'closed') return;
    this.#enter('connecting');
    this.#enter('open');
  }

  close() {
    this.#enter('closed');
  }

  send(text) {
    if (this.state !== 'open') return false;
    this.sent.push(Message.parse(text));
    return true;
  }

  // The test's side.

  lose() {
    this.#enter('waiting');
  }

  restore() {
    this.#enter('connecting');
    this.#enter('open');
  }

  async deliver(message) {
    this.dispatchEvent(new CustomEvent('message', { detail: message.toString() }));
    await settle();
  }

  /** The oldest message that the test has not looked at; it must be this method, or the response to it. */
  async take(expected) {
    await settle();
    const message = this.sent.shift();
    if (!message) throw new Error(`nothing was sent, but ${expected} was awaited`);
    const what = message.isRequest ? message.method : `${message.status} ${message.cseq.method}`;
    if (what !== expected) throw new Error(`${what} was sent, but ${expected} was awaited`);
    return message;
  }

  async nothing() {
    await settle();
    if (this.sent.length > 0) throw new Error(`${this.sent[0].method || this.sent[0].status} was sent`);
  }

  #enter(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }
}
