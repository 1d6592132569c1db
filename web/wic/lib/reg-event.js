import { Timer } from './clock.js';
import { Emitter } from './emitter.js';
import { Dialog, dialogId } from './sip/dialog.js';
import { tag, callId } from './sip/ids.js';

/**
 * What the network says of our own registration (TS 24.229 §5.1.1.3, RFC 3680): a subscription to the reg event of our
 * public identity, from the registration on.
 *
 * @typedef {import('./sip/message.js').Message} Message
 *
 * @typedef {'rejected' | 'deactivated' | 'probation' | 'unregistered' | 'expired'} EndReason RFC 3680 §5.3.1
 *
 * @typedef {object} RegEvents
 * @property {{ reason: EndReason, retryAfter: number }} ended the network ended our binding; `retryAfter` in seconds, 0 if it says none
 * @property {number} shortened the network wants our binding refreshed within so many seconds
 * @property {string[]} identities the public identities that are registered now
 */

const EXPIRES = 600_000;
const REASONS = ['rejected', 'deactivated', 'probation', 'unregistered', 'expired'];
const NAMESPACE = 'urn:ietf:params:xml:ns:reginfo';

/** @extends {Emitter<RegEvents>} */
export class RegEvent extends Emitter {
  #agent;
  #identity;
  #parse;
  #timer;
  /** @type {Dialog | null} */
  #dialog = null;
  #callId = '';
  #tag = '';
  /** Of the last document; the next one is one higher. */
  #version = -1;
  /** @type {import('./sip/agent.js').Exchange | null} */
  #exchange = null;

  /**
   * @param {object} parts
   * @param {import('./sip/agent.js').Agent} parts.agent
   * @param {string} parts.identity whose registration
   * @param {(text: string) => Document} [parts.parse] for a host that has no DOMParser
   */
  constructor({ agent, identity, parse = (text) => new DOMParser().parseFromString(text, 'application/xml') }) {
    super();
    this.#agent = agent;
    this.#identity = identity;
    this.#parse = parse;
    this.#timer = new Timer(agent.clock);
  }

  /** Whether there is a subscription, or one is asked for. */
  get running() {
    return this.#exchange !== null || this.#dialog !== null;
  }

  /** Subscribes, unless it is subscribed. */
  start() {
    if (this.running) return;
    this.#callId = callId();
    this.#tag = tag();
    this.#version = -1;
    // RFC 6665 §4.1.2.4: a NOTIFY may come before the response, and carries the other tag first.
    this.#agent.addDialog(dialogId(this.#callId, this.#tag, ''), this);
    const address = `<${this.#identity}>`;
    let cseq = 0;
    this.#subscribe(() => {
      cseq += 1;
      return this.#agent.newRequest('SUBSCRIBE', this.#identity, { from: address, to: address, fromTag: this.#tag, callId: this.#callId, cseq });
    });
  }

  /** Forgets the subscription: the registration that it was about is gone. */
  stop() {
    this.#timer.stop();
    this.#exchange?.abandon();
    this.#exchange = null;
    if (this.#dialog) this.#agent.removeDialog(this.#dialog.id);
    this.#agent.removeDialog(dialogId(this.#callId, this.#tag, ''));
    this.#dialog = null;
  }

  /** @param {() => Message} begin */
  #subscribe(begin) {
    const exchange = this.#agent.exchange({
      build: () => {
        const request = begin();
        request.add('Contact', this.#agent.dialogContact);
        request.add('Event', 'reg');
        request.add('Accept', 'application/reginfo+xml');
        request.add('Expires', String(EXPIRES));
        return request;
      },
      final: ({ response }) => {
        if (this.#exchange !== exchange) return;
        this.#exchange = null;
        // Without it we still learn of the end, when the next REGISTER is refused.
        if (!response || response.status >= 300 || !exchange.request) {
          this.stop();
          return;
        }
        if (!this.#dialog) this.#begin(Dialog.fromResponse(exchange.request, response));
        const granted = Number(response.get('Expires') ?? EXPIRES) || EXPIRES;
        this.#timer.set((granted > 1200 ? granted - 600 : granted / 2) * 1000, () => this.#refresh());
      },
    });
    this.#exchange = exchange;
  }

  #refresh() {
    const dialog = this.#dialog;
    if (!dialog || this.#exchange) return;
    this.#subscribe(() => dialog.request('SUBSCRIBE'));
  }

  /** @param {Dialog} dialog */
  #begin(dialog) {
    this.#dialog = dialog;
    this.#agent.removeDialog(dialogId(this.#callId, this.#tag, ''));
    this.#agent.addDialog(dialog.id, this);
  }

  /** @param {import('./sip/server-transaction.js').ServerTransaction} transaction */
  handleRequest(transaction) {
    const { request } = transaction;
    if (request.method !== 'NOTIFY') {
      this.#agent.reply(transaction, 405, { headers: [['Allow', 'NOTIFY']] });
      return;
    }
    if (request.get('Event')?.split(';')[0].trim().toLowerCase() !== 'reg') {
      this.#agent.reply(transaction, 489, { headers: [['Allow-Events', 'reg']] });
      return;
    }
    if (!this.#dialog) {
      const began = Dialog.fromRequest(request, this.#tag);
      began.localCSeq = this.#exchange?.request?.cseq.number ?? 1;
      this.#begin(began);
    }
    if (!this.#dialog?.accept(request)) {
      this.#agent.reply(transaction, 500);
      return;
    }
    this.#agent.reply(transaction, 200);
    this.#read(request.body);
    if (/^\s*terminated/i.test(request.get('Subscription-State') ?? '')) this.stop();
  }

  /** An ACK is no business of a subscription's. */
  handleAck() {}

  /** @param {string} text */
  #read(text) {
    let root;
    try {
      root = this.#parse(text).documentElement;
    } catch {
      return;
    }
    if (root?.localName !== 'reginfo') return;
    const version = Number(root.getAttribute('version'));
    const full = root.getAttribute('state') === 'full';
    const missed = !full && version !== this.#version + 1;
    // RFC 3680 §5.1: an old one says nothing new; after a gap the whole is asked for.
    if (!Number.isInteger(version) || version <= this.#version) return;
    this.#version = version;
    if (missed) this.#refresh();
    const registrations = [...root.getElementsByTagNameNS(NAMESPACE, 'registration')];
    if (full) {
      const active = registrations.filter((each) => each.getAttribute('state') !== 'terminated');
      this.emit('identities', active.map((each) => each.getAttribute('aor') ?? ''));
    }
    const own = registrations
      .flatMap((each) => [...each.getElementsByTagNameNS(NAMESPACE, 'contact')])
      .filter((each) => this.#isOurs(each));
    const shortened = own.find((each) => each.getAttribute('event') === 'shortened' && each.getAttribute('state') === 'active');
    // RFC 3680 §5.3: without a time it is not known when, so now.
    if (shortened) this.emit('shortened', Number(shortened.getAttribute('expires')) || 0);
    if (own.length === 0 || own.some((each) => each.getAttribute('state') !== 'terminated')) return;
    const event = own[0].getAttribute('event') ?? '';
    const reason = /** @type {EndReason} */ (REASONS.includes(event) ? event : 'unregistered');
    this.emit('ended', { reason, retryAfter: Number(own[0].getAttribute('retry-after')) || 0 });
  }

  /** @param {Element} contact */
  #isOurs(contact) {
    const uris = contact.getElementsByTagNameNS(NAMESPACE, 'uri');
    return (uris[0]?.textContent ?? '').trim().startsWith(this.#agent.contactUri);
  }
}
