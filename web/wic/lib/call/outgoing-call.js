import { Failure, codeOfStatus } from '../failure.js';
import { ALLOW, SUPPORTED } from '../sip/agent.js';
import { Dialog } from '../sip/dialog.js';
import { callId, tag } from '../sip/ids.js';
import { Call } from './call.js';
import { MIN_SE, SESSION_EXPIRES } from './session-timer.js';

/**
 * A call that we make (TS 24.371 §7.2.2, RFC 3261 §13.2).
 *
 * @typedef {import('../sip/message.js').Message} Message
 */
export class OutgoingCall extends Call {
  direction = /** @type {const} */ ('outgoing');
  #identity;
  #video;
  #callId = callId();
  #fromTag = tag();
  #cseq = 0;
  #sessionExpires = SESSION_EXPIRES;
  #minSe = MIN_SE;
  #offer = '';
  /** @type {import('../sip/agent.js').Exchange | null} */
  #exchange = null;
  /** Early dialogs of the forks, by the far end's tag, with the last RSeq. @type {Map<string, { dialog: Dialog, rseq: number }>} */
  #early = new Map();
  /** The far end's sound can be heard before it answers. */
  earlyMedia = false;

  /**
   * @param {import('./call.js').CallParts & { identity: string, video?: boolean }} parts identity: our address, `<sip:…>` with a name before it
   */
  constructor(parts) {
    super(parts, 'preparing');
    this.#identity = parts.identity;
    this.#video = parts.video ?? false;
  }

  /** Opens the devices and calls. Never rejects: what fails ends the call. */
  async start() {
    try {
      const missing = await this.media.open({ video: this.#video });
      if (missing) this.emit('notice', missing);
      this.#offer = await this.media.createOffer({ video: this.#video, channels: true });
    } catch (error) {
      this.finish(error instanceof Failure ? error : new Failure('not_supported', { cause: error }));
      return;
    }
    if (this.state !== 'preparing') return;
    this.enter('calling');
    this.#invite();
  }

  /** @override */
  hangUp() {
    if (this.state === 'calling' || this.state === 'ringing') this.#exchange?.cancel();
    super.hangUp();
  }

  /**
   * @override
   * @param {Failure | null} failure
   */
  finish(failure) {
    for (const { dialog } of this.#early.values()) if (dialog !== this.dialog) this.agent.removeDialog(dialog.id);
    super.finish(failure);
  }

  #invite() {
    this.#exchange = this.agent.exchange({
      build: () => {
        this.#cseq += 1;
        const target = this.remote.uri.toString();
        const invite = this.agent.newRequest('INVITE', target, {
          from: this.#identity,
          to: `<${target}>`,
          callId: this.#callId,
          fromTag: this.#fromTag,
          cseq: this.#cseq,
        });
        invite.add('Contact', this.agent.dialogContact);
        invite.add('P-Preferred-Identity', this.#identity);
        // TS 24.173 §5.2: this is multimedia telephony.
        invite.add('P-Preferred-Service', 'urn:urn-7:3gpp-service.ims.icsi.mmtel');
        invite.add('Allow', ALLOW).add('Supported', SUPPORTED);
        invite.add('Accept', 'application/sdp, application/3gpp-ims+xml');
        invite.add('Session-Expires', String(this.#sessionExpires)).add('Min-SE', String(this.#minSe));
        return invite.setBody('application/sdp', this.#offer);
      },
      provisional: (response, request) => this.#provisional(response, request),
      final: (outcome) => this.#final(outcome),
    });
  }

  /**
   * @param {Message} response
   * @param {Message} request
   */
  #provisional(response, request) {
    if (this.state === 'ended' || response.status === 100) return;
    const remoteTag = response.address('To')?.tag ?? '';
    if (remoteTag !== '') this.#earlyDialog(response, request, remoteTag);
    if (response.sdp !== '' && this.state !== 'connected') {
      this.earlyMedia = true;
      this.media.applyAnswer(response.sdp, { provisional: true }).catch(() => {
        // A fork that we cannot follow may still not be the one that answers.
        this.earlyMedia = false;
      });
    }
    if (response.status === 180 && this.state === 'calling') this.enter('ringing');
  }

  /**
   * RFC 3261 §12.1.2, RFC 3262 §4.
   * @param {Message} response
   * @param {Message} request
   * @param {string} remoteTag
   */
  #earlyDialog(response, request, remoteTag) {
    let early = this.#early.get(remoteTag);
    if (!early) {
      early = { dialog: Dialog.fromResponse(request, response), rseq: 0 };
      this.#early.set(remoteTag, early);
      if (this.dialog) this.agent.addDialog(early.dialog.id, this);
      else this.adopt(early.dialog);
    }
    const rseq = Number(response.get('RSeq'));
    if (!response.has('Require', '100rel') || !Number.isInteger(rseq) || rseq <= 0) return;
    if (early.rseq !== 0 && rseq !== early.rseq + 1) return;
    early.rseq = rseq;
    const { dialog } = early;
    this.agent.exchange({
      build: () => dialog.request('PRACK').add('RAck', `${rseq} ${response.cseq.number} INVITE`),
      final: () => {},
    });
  }

  /** @param {import('../sip/agent.js').Outcome} outcome */
  #final({ response, failure }) {
    if (!response) {
      this.finish(new Failure(failure.code, { who: this.who, cause: failure }));
    } else if (response.status < 300) this.#accepted(response);
    else if (response.status === 422 && this.state !== 'ended') this.#longerSession(response);
    else this.finish(this.#failureOf(response));
  }

  /** @param {Message} response */
  #accepted(response) {
    const request = this.#exchange?.request;
    const remoteTag = response.address('To')?.tag ?? '';
    if (!request) return;
    if (this.dialog?.remote.tag === remoteTag && this.acknowledgedBefore(response.cseq.number)) return;
    const dialog = this.#early.get(remoteTag)?.dialog ?? Dialog.fromResponse(request, response);
    dialog.confirm(response);
    if (this.state === 'ended' || this.state === 'connected') {
      // RFC 3261 §13.2.2.4: another fork, or an answer that crossed our CANCEL.
      this.agent.sendAck(dialog.request('ACK', response.cseq.number));
      this.agent.exchange({ build: () => dialog.request('BYE'), final: () => {} });
      return;
    }
    for (const early of this.#early.values()) if (early.dialog !== dialog) this.agent.removeDialog(early.dialog.id);
    this.#early.clear();
    this.adopt(dialog);
    this.acknowledge(dialog, response.cseq.number);
    this.noteCapabilities(response);
    this.sessionTimer.handleResponse(response);
    this.enter('connected');
    const answered = response.sdp === '' ? this.media.confirmAnswer() : this.media.applyAnswer(response.sdp);
    answered.then(
      () => this.noteRemote(response.sdp),
      () => this.end(new Failure('incompatible', { who: this.who }), 'SIP;cause=488;text="Not Acceptable Here"'),
    );
  }

  /** RFC 4028 §7.3. @param {Message} response */
  #longerSession(response) {
    const least = Number.parseInt(response.get('Min-SE') ?? '', 10);
    if (!(least > this.#minSe)) {
      this.finish(new Failure('call_failed', { status: 422 }));
      return;
    }
    this.#minSe = least;
    this.#sessionExpires = Math.max(least, this.#sessionExpires);
    this.#invite();
  }

  /** @param {Message} response */
  #failureOf(response) {
    return new Failure(codeOfStatus(response.status), { who: this.who, status: response.status });
  }
}
