import { pause } from '../clock.js';
import { Failure } from '../failure.js';
import { ALLOW, SUPPORTED } from '../sip/agent.js';
import { showsVideo } from '../media/sdp.js';
import { SessionTimer } from './session-timer.js';
import { VideoRequest } from './video-request.js';

/**
 * Offers and answers inside a dialog (RFC 3264, RFC 3261 §14, RFC 3311): one at a time, ours in a queue, and what
 * happens when two meet.
 *
 * @typedef {import('../sip/message.js').Message} Message
 * @typedef {import('../sip/server-transaction.js').ServerTransaction} ServerTransaction
 * @typedef {import('../sip/dialog.js').Dialog} Dialog
 *
 * @typedef {object} ChangeOptions
 * @property {boolean} [iceRestart]
 * @property {() => boolean} [needed] whether there still is something to offer when its turn has come
 * @property {boolean} [channels] with the data channels that are to be opened
 * @property {Failure} [refused] what it means if the far end will not have it
 * @property {boolean} [yields] a person at the far end may be asked about it, which takes time: what is urgent goes first, and
 *   it is offered again after that
 * @property {boolean} [urgent] it does not wait for what somebody is asked about
 *
 * @typedef {{ options: ChangeOptions, withdrawn: boolean, exchange: import('../sip/agent.js').Exchange | null }} Turn an offer of ours
 */

/** RFC 3261 §14.1: how often an offer that met another one is tried again. */
const GLARE_ATTEMPTS = 4;

/** The far end understood and said no; any other status says that something went wrong. */
const UNWANTED = new Set([403, 415, 488, 603, 606]);

export class Negotiation {
  #call;
  /** @type {Promise<unknown>} our offers wait for one another here */
  #changes = Promise.resolve();
  #offering = false;
  /** Whose turn it is. @type {Turn | null} */
  #turn = null;
  /** @type {Promise<void> | null} an offer of the far end that is being answered */
  #answering = null;
  /** An offer of the far end that waits for a decision. @type {VideoRequest | null} */
  videoRequest = null;

  /** @param {import('./call.js').Call} call */
  constructor(call) {
    this.#call = call;
  }

  /**
   * One offer of ours: what it changes, and how to take that back if the far end refuses.
   *
   * @param {() => void | Promise<void>} apply
   * @param {() => void | Promise<void>} undo
   * @param {ChangeOptions} [options]
   * @returns {Promise<void>}
   */
  async change(apply, undo, options = {}) {
    if (options.urgent) this.#withdraw();
    const run = this.#changes.then(() => this.#negotiate(apply, undo, options));
    this.#changes = run.catch(() => {});
    // What was urgent has its place in the queue by then.
    if (!(await run)) await this.change(apply, undo, options);
  }

  /** RFC 3261 §9.1: what the far end's person is being asked about is cancelled. */
  #withdraw() {
    const turn = this.#turn;
    if (!turn?.options.yields || turn.withdrawn) return;
    turn.withdrawn = true;
    turn.exchange?.cancel();
  }

  /**
   * @param {() => void | Promise<void>} apply
   * @param {() => void | Promise<void>} undo
   * @param {ChangeOptions} options
   * @returns {Promise<boolean>} false if it was withdrawn for one that is urgent
   */
  async #negotiate(apply, undo, options) {
    /** @type {Turn} */
    const turn = { options, withdrawn: false, exchange: null };
    this.#turn = turn;
    try {
      // What they offered is answered as things were when they did.
      if (this.#answering) await this.#answering;
      if (this.#call.state !== 'connected' || options.needed?.() === false) return true;
      await apply();
      const status = await this.#offer(turn);
      if (status < 300 || this.#call.state !== 'connected') return true;
      await undo();
      if (turn.withdrawn) return false;
      throw (UNWANTED.has(status) ? options.refused : undefined) ?? new Failure('change_refused', { status });
    } finally {
      this.#turn = null;
    }
  }

  /**
   * RFC 3261 §14.1: tried again where it met another one.
   * @param {Turn} turn
   * @returns {Promise<number>} the last status
   */
  async #offer(turn) {
    let status = 491;
    for (let attempt = 0; attempt < GLARE_ATTEMPTS && this.#call.state === 'connected' && !turn.withdrawn; attempt += 1) {
      if (this.#answering) await this.#answering;
      this.#offering = true;
      try {
        const sdp = await this.#call.media.createOffer(turn.options);
        status = this.#call.state === 'connected' ? await this.#reinvite(sdp, turn) : 487;
        if (status >= 300 && this.#call.state === 'connected') await this.#call.media.rollback();
      } finally {
        this.#offering = false;
      }
      if (status !== 491 || this.#call.state !== 'connected') break;
      await pause(this.#call.agent.clock, glareDelay(this.#call.random()));
    }
    return status;
  }

  /**
   * @param {string} sdp
   * @param {Turn} turn
   * @returns {Promise<number>} the status
   */
  #reinvite(sdp, turn) {
    return new Promise((resolve) => {
      const dialog = /** @type {Dialog} */ (this.#call.dialog);
      const exchange = this.#call.agent.exchange({
        build: () => {
          const invite = dialog.request('INVITE');
          invite.add('Contact', this.#call.agent.dialogContact).add('Allow', ALLOW).add('Supported', SUPPORTED);
          for (const [name, value] of this.#call.sessionTimer.headers()) invite.add(name, value);
          return invite.setBody('application/sdp', sdp);
        },
        final: ({ response, failure }) => {
          const cseq = exchange.request?.cseq.number ?? 0;
          turn.exchange = null;
          if (failure?.code === 'cancelled') resolve(487);
          else if (!response || response.status === 481 || response.status === 408) {
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
      turn.exchange = exchange;
      if (turn.withdrawn) exchange.cancel();
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
    const { media } = this.#call;
    const late = request.sdp === '';
    let sdp;
    try {
      const consent = await this.#consent(transaction);
      if (!consent) {
        media.channels.abandon();
        return;
      }
      const { video, offer } = consent;
      if (video === 'camera' && !media.cameraOn) {
        const failure = await media.openCamera();
        if (failure) this.#call.emit('notice', failure);
      }
      sdp = late ? await media.createOffer() : await media.createAnswer(offer, { refuseVideo: video === 'refuse' });
    } catch {
      media.channels.abandon();
      this.#call.agent.reply(transaction, this.#call.state === 'ended' ? 487 : 488);
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
   * What comes new in a call is asked about. An UPDATE has to be answered at once (RFC 3311 §5.2).
   * @param {ServerTransaction} transaction
   * @returns {Promise<{ video: import('./video-request.js').VideoConsent, offer: string } | null>} what becomes of video, and the
   *   offer for the browser; null if it was taken back meanwhile
   */
  async #consent(transaction) {
    const { request } = transaction;
    const call = this.#call;
    const { channels } = call.media;
    let gone = false;
    transaction.onCancel = () => {
      gone = true;
      call.agent.reply(transaction, 487, { toTag: call.dialog?.local.tag });
      this.videoRequest?.refuse();
      channels.refuseRequests();
    };
    const video = await this.#videoConsent(request);
    const offer = gone ? '' : await channels.consider(request.sdp, { atOnce: request.method === 'UPDATE' });
    transaction.onCancel = () => {};
    return gone ? null : { video, offer };
  }

  /**
   * Video is asked about by who wants to be asked; to look on costs nothing.
   * @param {Message} request
   * @returns {Promise<import('./video-request.js').VideoConsent>}
   */
  async #videoConsent(request) {
    const call = this.#call;
    const asks = call.asksForVideo && call.state === 'connected' && request.method === 'INVITE';
    // Who has just asked for the same agrees.
    if (!asks || call.media.cameraOn || call.media.videoAgreed || !showsVideo(request.sdp)) return 'watch';
    const asked = new VideoRequest(call.agent.clock);
    this.videoRequest = asked;
    call.emit('videorequest', asked);
    const consent = await asked.decided;
    this.videoRequest = null;
    call.emit('videorequest', null);
    return consent;
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
