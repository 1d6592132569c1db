import { Timer } from '../clock.js';
import { Failure } from '../failure.js';
import { ALLOW, SUPPORTED } from '../sip/agent.js';
import { SessionTimer } from './session-timer.js';

/**
 * Offers and answers inside a dialog (RFC 3264, RFC 3261 §14, RFC 3311): one at a time, ours in a queue, and what
 * happens when two meet.
 *
 * @typedef {import('../sip/message.js').Message} Message
 * @typedef {import('../sip/server-transaction.js').ServerTransaction} ServerTransaction
 * @typedef {import('../sip/dialog.js').Dialog} Dialog
 */

/** RFC 3261 §14.1: how often an offer that met another one is tried again. */
const GLARE_ATTEMPTS = 4;

export class Negotiation {
  #call;
  /** @type {Promise<unknown>} our offers wait for one another here */
  #changes = Promise.resolve();
  #offering = false;
  /** @type {Promise<void> | null} an offer of the far end that is being answered */
  #answering = null;

  /** @param {import('./call.js').Call} call */
  constructor(call) {
    this.#call = call;
  }

  /**
   * One offer of ours: what it changes, and how to take that back if the far end refuses.
   *
   * @param {() => void | Promise<void>} apply
   * @param {() => void | Promise<void>} undo
   * @param {{ iceRestart?: boolean }} [options]
   * @returns {Promise<void>}
   */
  change(apply, undo, options = {}) {
    const run = this.#changes.then(() => this.#negotiate(apply, undo, options));
    this.#changes = run.catch(() => {});
    return run;
  }

  /**
   * @param {() => void | Promise<void>} apply
   * @param {() => void | Promise<void>} undo
   * @param {{ iceRestart?: boolean }} options
   */
  async #negotiate(apply, undo, options) {
    if (this.#call.state !== 'connected') return;
    await apply();
    for (let attempt = 0; attempt < GLARE_ATTEMPTS && this.#call.state === 'connected'; attempt += 1) {
      if (this.#answering) await this.#answering;
      this.#offering = true;
      let status;
      try {
        const sdp = await this.#call.media.createOffer(options);
        status = this.#call.state === 'connected' ? await this.#reinvite(sdp) : 487;
        if (status >= 300 && this.#call.state === 'connected') await this.#call.media.rollback();
      } finally {
        this.#offering = false;
      }
      if (status < 300 || this.#call.state !== 'connected') return;
      if (status !== 491) break;
      await this.#wait(glareDelay(this.#call.random()));
    }
    if (this.#call.state !== 'connected') return;
    await undo();
    throw new Failure('change_refused');
  }

  /**
   * @param {string} sdp
   * @returns {Promise<number>} the status
   */
  #reinvite(sdp) {
    return new Promise((resolve) => {
      const dialog = /** @type {Dialog} */ (this.#call.dialog);
      const exchange = this.#call.agent.exchange({
        build: () => {
          const invite = dialog.request('INVITE');
          invite.add('Contact', this.#call.agent.dialogContact).add('Allow', ALLOW).add('Supported', SUPPORTED);
          for (const [name, value] of this.#call.sessionTimer.headers()) invite.add(name, value);
          return invite.setBody('application/sdp', sdp);
        },
        final: ({ response }) => {
          const cseq = exchange.request?.cseq.number ?? 0;
          if (!response || response.status === 481 || response.status === 408) {
            this.#call.end(new Failure('session_expired'));
            resolve(response?.status ?? 408);
          } else if (response.status >= 300) resolve(response.status);
          else if (!this.#call.acknowledgedBefore(cseq)) {
            dialog.refreshTarget(response);
            this.#call.noteCapabilities(response);
            this.#call.acknowledge(dialog, cseq);
            this.#call.sessionTimer.handleResponse(response);
            this.#applyAnswer(response.sdp).then(
              () => resolve(response.status),
              (failure) => {
                // RFC 3261 §14.1: the far end has changed and we cannot follow; there is no way back to the old session.
                this.#call.end(failure, 'SIP;cause=488;text="Not Acceptable Here"');
                resolve(488);
              },
            );
          }
        },
      });
    });
  }

  /** @param {string} sdp */
  async #applyAnswer(sdp) {
    await this.#call.media.applyAnswer(sdp);
    this.#call.noteRemote(sdp);
  }

  /** @param {ServerTransaction} transaction a re-INVITE or UPDATE */
  handleOffer(transaction) {
    const { request } = transaction;
    const invite = request.method === 'INVITE';
    if (SessionTimer.tooSmall(request)) {
      this.#call.agent.reply(transaction, 422, { headers: [['Min-SE', '90']] });
      return;
    }
    const offers = invite || request.sdp !== '';
    if (offers && this.#offering) {
      this.#call.agent.reply(transaction, 491);
      return;
    }
    const early = this.#call.state !== 'connected';
    if ((offers && this.#answering) || (invite && (early || this.#call.awaitsAck))) {
      // RFC 3261 §14.2, RFC 3311 §5.2.
      this.#call.agent.reply(transaction, 500, { headers: [['Retry-After', String(Math.floor(this.#call.random() * 11))]] });
      return;
    }
    if (offers && early && this.#call.state !== 'ringing' && this.#call.state !== 'calling') {
      this.#call.agent.reply(transaction, 491);
      return;
    }
    this.#call.dialog?.refreshTarget(request);
    this.#call.noteCapabilities(request);
    const headers = early ? [] : this.#call.sessionTimer.handleRequest(request);
    if (!offers) {
      this.#call.agent.reply(transaction, 200, { headers: [['Contact', this.#call.agent.dialogContact], ['Allow', ALLOW], ['Supported', SUPPORTED], ...headers] });
      return;
    }
    this.#answering = this.#answer(transaction, headers).finally(() => {
      this.#answering = null;
    });
  }

  /**
   * @param {ServerTransaction} transaction
   * @param {[string, string][]} headers
   */
  async #answer(transaction, headers) {
    const { request } = transaction;
    const late = request.sdp === '';
    let sdp;
    try {
      sdp = late ? await this.#call.media.createOffer() : await this.#call.media.createAnswer(request.sdp);
    } catch {
      this.#call.agent.reply(transaction, 488);
      return;
    }
    if (!late) this.#call.noteRemote(request.sdp);
    if (this.#call.state === 'ended') this.#call.agent.reply(transaction, 487);
    else if (request.method === 'UPDATE') {
      this.#call.agent.reply(transaction, 200, { headers: [['Contact', this.#call.agent.dialogContact], ['Allow', ALLOW], ['Supported', SUPPORTED], ...headers], sdp });
    } else {
      this.#call.accept(transaction, {
        sdp,
        headers,
        acknowledged: (ack) => {
          if (late) this.#applyAnswer(ack.sdp).catch((failure) => this.#call.end(failure, 'SIP;cause=488;text="Not Acceptable Here"'));
        },
      });
    }
  }

  /**
   * @param {number} milliseconds
   * @returns {Promise<void>}
   */
  #wait(milliseconds) {
    return new Promise((resolve) => new Timer(this.#call.agent.clock).set(milliseconds, resolve));
  }
}

/**
 * RFC 3261 §14.1.
 * @param {number} random
 */
// Deviates: the owner of the Call-ID waits 2.1 to 4 s and the other 0 to 2 s; we wait the longer time in both cases, so
// that an eP-CSCF that offers by itself goes first.
function glareDelay(random) {
  return 2_100 + Math.floor(random * 190) * 10;
}
