import { Failure } from '../failure.js';
import { SUPPORTED } from '../sip/agent.js';
import { Dialog } from '../sip/dialog.js';
import { NameAddr } from '../sip/name-addr.js';
import { tag } from '../sip/ids.js';
import { directions } from '../media/sdp.js';
import { Call } from './call.js';
import { ReliableProvisional } from './reliable-provisional.js';

/**
 * A call from outside (TS 24.371 §7.2.3, RFC 3261 §13.3).
 *
 * @typedef {import('../sip/message.js').Message} Message
 * @typedef {import('../sip/server-transaction.js').ServerTransaction} ServerTransaction
 */
export class IncomingCall extends Call {
  direction = /** @type {const} */ ('incoming');
  #transaction;
  /** @type {ReliableProvisional | null} */
  #provisional = null;

  /** @param {Omit<import('./call.js').CallParts, 'remote'> & { transaction: ServerTransaction }} parts */
  constructor(parts) {
    const { request } = parts.transaction;
    super({ ...parts, remote: caller(request) }, 'incoming');
    this.#transaction = parts.transaction;
    this.adopt(Dialog.fromRequest(request, tag()));
    this.noteCapabilities(request);
    this.#transaction.onCancel = (cancel) => this.#cancelled(cancel);
  }

  /** True if the caller wants to be seen. */
  get offersVideo() {
    return directions(this.#transaction.request.sdp, 'video').length > 0;
  }

  /** RFC 3261 §13.3.1.1; with RSeq if the caller requires it (RFC 3262 §3). */
  ring() {
    const { request } = this.#transaction;
    /** @type {[string, string][]} */
    const headers = [['Contact', this.agent.dialogContact], ['Supported', SUPPORTED]];
    if (!request.has('Require', '100rel')) {
      this.#reply(180, { headers });
      return;
    }
    const rseq = 1 + Math.floor(this.random() * 1_000_000);
    headers.push(['Require', '100rel'], ['RSeq', String(rseq)]);
    this.#provisional = new ReliableProvisional(this.agent.clock, {
      rseq,
      cseq: request.cseq.number,
      send: () => this.#reply(180, { headers }),
      giveUp: () => {
        // RFC 3262 §3: no PRACK in 64*T1.
        this.#reply(504, {});
        this.finish(new Failure('network_gone'));
      },
    });
  }

  /**
   * Answers. Never rejects: what fails ends the call and tells the caller.
   * @param {{ video?: boolean }} [options] with our camera; by default if the caller offers video
   */
  async answer({ video = this.offersVideo } = {}) {
    if (this.state !== 'incoming') return;
    this.enter('answering');
    const { request } = this.#transaction;
    const late = request.sdp === '';
    let sdp;
    try {
      const missing = await this.media.open({ video });
      if (missing) this.emit('notice', missing);
      sdp = late ? await this.media.createOffer({ channels: true }) : await this.media.createAnswer(await this.media.channels.consider(request.sdp));
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure('call_failed', { cause: error });
      if (!this.#over()) this.#reply(failure.code === 'incompatible' ? 488 : 480, {});
      this.finish(failure);
      return;
    }
    if (this.#over()) return;
    this.#provisional?.stop();
    this.accept(this.#transaction, {
      sdp,
      headers: this.sessionTimer.handleRequest(request),
      acknowledged: (ack) => {
        if (late) {
          this.media.applyAnswer(ack.sdp).catch((failure) => this.end(failure, 'SIP;cause=488;text="Not Acceptable Here"'));
        }
      },
    });
    this.enter('connected');
    if (!late) this.noteRemote(request.sdp);
  }

  /**
   * Refuses the call: 603 for a person who declines, 486 for one who is busy.
   * @param {486 | 603 | 480} [status]
   */
  reject(status = 603) {
    if (this.state !== 'incoming' && this.state !== 'answering') return;
    this.#reply(status, {});
    this.finish(null);
  }

  /**
   * The connection that it came by is gone. The edge has nobody to wait for and tells the caller so: what rings on now, or is
   * being answered, would be a call with nobody.
   */
  connectionLost() {
    if (this.state !== 'incoming' && this.state !== 'answering') return;
    this.#reply(480, {});
    this.finish(new Failure('missed', { who: this.who }));
  }

  /** @override */
  hangUp() {
    if (this.state === 'incoming' || this.state === 'answering') this.reject();
    else super.hangUp();
  }

  /**
   * @override
   * @param {Failure | null} failure
   */
  finish(failure) {
    this.#provisional?.stop();
    super.finish(failure);
  }

  /**
   * @override
   * @param {ServerTransaction} transaction
   */
  handleRequest(transaction) {
    if (transaction.request.method === 'PRACK' && this.#provisional?.confirms(transaction.request)) {
      this.dialog?.accept(transaction.request);
      this.#provisional.stop();
      this.#provisional = null;
      this.agent.reply(transaction, 200);
      return;
    }
    if (transaction.request.method === 'BYE' && !this.#over() && this.state !== 'connected') {
      // RFC 3261 §15.1.2: a BYE in an early dialog ends the INVITE too.
      this.#reply(487, {});
    }
    super.handleRequest(transaction);
  }

  #over() {
    return this.state === 'ended';
  }

  /** @param {Message} cancel */
  #cancelled(cancel) {
    if (this.state !== 'incoming' && this.state !== 'answering') return;
    this.#reply(487, {});
    // RFC 3326 §2: the other phone that answered, or a caller who gave up.
    const elsewhere = cancel.values('Reason').some((value) => /cause\s*=\s*(200|600|603)\b/.test(value));
    this.finish(new Failure(elsewhere ? 'answered_elsewhere' : 'missed', { who: this.who }));
  }

  /**
   * @param {number} status
   * @param {{ headers?: [string, string][] }} more
   */
  #reply(status, more) {
    this.agent.reply(this.#transaction, status, { toTag: this.dialog?.local.tag, ...more });
  }
}

/**
 * RFC 3325 §8: the asserted identity is what the network vouches for; the name in From is the caller's own word.
 * @param {Message} request
 */
function caller(request) {
  const from = /** @type {NameAddr} */ (request.address('From'));
  const asserted = request.address('P-Asserted-Identity');
  if (!asserted) return from;
  return new NameAddr(asserted.uri, { name: asserted.name || (from.uri.aor === asserted.uri.aor ? from.name : '') });
}
