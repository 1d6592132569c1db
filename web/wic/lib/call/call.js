import { Emitter } from '../emitter.js';
import { Failure } from '../failure.js';
import { spoken } from '../dial.js';
import { holdsUs, MediaSession } from '../media/session.js';
import { ALLOW, SUPPORTED } from '../sip/agent.js';
import { params, split } from '../sip/params.js';
import { AcceptedResponse } from './accepted-response.js';
import { FarParty } from './far-party.js';
import { IceRestart } from './ice-restart.js';
import { Negotiation } from './negotiation.js';
import { SessionTimer } from './session-timer.js';

/**
 * A call, from its first message to its last; OutgoingCall and IncomingCall add how it begins.
 *
 *   outgoing: preparing ──> calling ──180──> ringing ──2xx──> connected ──> ended
 *   incoming: incoming ──answer()──> answering ──2xx──> connected ──> ended
 *
 * @typedef {'preparing' | 'calling' | 'ringing' | 'incoming' | 'answering' | 'connected' | 'ended'} CallState
 * @typedef {import('../sip/message.js').Message} Message
 * @typedef {import('../sip/server-transaction.js').ServerTransaction} ServerTransaction
 * @typedef {import('../sip/dialog.js').Dialog} Dialog
 * @typedef {import('./video-request.js').VideoRequest} VideoRequest
 *
 * @typedef {object} CallEvents
 * @property {CallState} state
 * @property {MediaStreamTrack} remotetrack sound or picture of the far end
 * @property {MediaStreamTrack | null} localvideo
 * @property {{ held: boolean, heldByRemote: boolean, muted: boolean, camera: boolean, video: boolean }} change
 * @property {VideoRequest | null} videorequest the far end wants to add video, or no longer
 * @property {import('../data/channel-request.js').ChannelRequest} channelrequest the far end wants a data channel; what nobody accepts is refused
 * @property {Failure} notice something failed, and the call goes on
 * @property {boolean} media false while the sound is interrupted
 * @property {null} party another one is at the far end, to whom the call was handed over
 *
 * @typedef {object} CallParts
 * @property {import('../sip/agent.js').Agent} agent
 * @property {import('../sip/name-addr.js').NameAddr} remote
 * @property {import('../media/session.js').MediaOptions} [media]
 * @property {() => number} [random]
 * @property {boolean} [asksForVideo] whether a picture that the far end adds waits for a decision; if not, it is taken at
 *   once, and our camera stays off
 */

/** @extends {Emitter<CallEvents>} */
export class Call extends Emitter {
  /** @type {CallState} */
  state;
  /** Why the call ended, or null for an ordinary end. @type {Failure | null} */
  failure = null;
  /** When the call was connected, in milliseconds since the epoch. */
  connectedAt = 0;
  held = false;
  heldByRemote = false;
  /** Whether the far end has said that it knows data channels (TS 26.114 §6.2.10.1); who says nothing may still know them. */
  farDataChannels = false;
  /** @type {Dialog | null} */
  dialog = null;
  #timer;
  #ice;
  #negotiation;
  /** @type {AcceptedResponse | null} */
  #unacknowledged = null;
  /** @type {Message | null} a BYE that waits for the ACK (RFC 3261 §15.1.1) */
  #byeAfterAck = null;
  /** @type {{ cseq: number, ack: Message } | null} */
  #acknowledged = null;
  #farAllowsUpdate = false;
  #farParty = new FarParty();
  /** An offer waits for its turn, and will have all channels that there are by then. */
  #offersChannels = false;

  /**
   * @param {CallParts} parts
   * @param {CallState} state
   */
  constructor({ agent, remote, media, random = Math.random, asksForVideo = false }, state) {
    super();
    this.asksForVideo = asksForVideo;
    this.agent = agent;
    this.remote = remote;
    this.state = state;
    this.random = random;
    this.media = new MediaSession({ clock: agent.clock, who: () => this.who, odd: state === 'incoming', ...media });
    this.#timer = new SessionTimer(agent.clock, {
      refresh: () => void this.#refresh(),
      expire: () => this.end(new Failure('session_expired'), 'SIP;cause=408;text="Session expired"'),
    });
    this.#negotiation = new Negotiation(this);
    this.#ice = new IceRestart({
      clock: agent.clock,
      alive: () => this.state === 'connected',
      reachable: () => agent.ready,
      flows: () => this.media.peerConnection.connectionState === 'connected',
      offer: () => {
        // The media cannot wait for a person; who wants video asks again.
        this.#decideRequests();
        return this.#negotiation.change(() => {}, () => {}, { iceRestart: true, urgent: true });
      },
      changed: (interrupted) => this.emit('media', !interrupted),
      lost: () => this.end(new Failure('media_failed'), 'SIP;cause=503;text="Media lost"'),
    });
    this.media.on('remotetrack', (track) => this.emit('remotetrack', track));
    this.media.on('localvideo', (track) => this.emit('localvideo', track));
    this.media.on('ended', (failure) => this.emit('notice', failure));
    this.media.channels.on('wanted', () => void this.#offerChannels());
    this.media.channels.on('request', (request) => this.emit('channelrequest', request));
    this.media.on('connection', (connection) => this.#ice.handleConnection(connection));
  }

  /** The other party in words: display name, name or number. */
  get who() {
    // A user name that is a plain word is written as a name is.
    return this.remote.name || spoken(this.remote.uri).replace(/^\p{Ll}(?=\p{Ll}+$)/u, (letter) => letter.toUpperCase());
  }

  get muted() {
    return this.media.muted;
  }

  get cameraOn() {
    return this.media.cameraOn;
  }

  /** True while a picture may flow, in whichever direction. */
  get hasVideo() {
    return this.media.hasVideo;
  }

  /** What the far end asks of us now. @type {VideoRequest | null} */
  get videoRequest() {
    return this.#negotiation.videoRequest;
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    this.media.setMuted(muted);
    this.#changed();
  }

  /**
   * Puts the far end on hold or takes it back (TS 24.610).
   * @param {boolean} held
   * @returns {Promise<void>} rejects with a Failure if the far end refused
   */
  async setHeld(held) {
    if (this.state !== 'connected' || this.held === held) return;
    this.#decideRequests();
    const apply = (/** @type {boolean} */ value) => {
      this.held = value;
      this.media.setHeld(value);
      this.#changed();
    };
    await this.#negotiation.change(() => apply(held), () => apply(!held), { urgent: true });
  }

  /**
   * Turns our camera on or off in the call. On: the far end is offered our picture. Off: it is told that there is none any
   * more, and if it shows none either, video ends.
   * @param {boolean} on
   * @returns {Promise<void>} rejects with a Failure if there is no camera, or the far end did not want the picture
   */
  async setCamera(on) {
    if (this.state !== 'connected') return;
    if (on && this.videoRequest) {
      this.videoRequest.accept({ camera: true });
      return;
    }
    await this.#negotiation.change(
      async () => {
        // Asked twice while it opens, it is opened once.
        if (this.media.cameraOn === on) return;
        const failure = await this.media.setCamera(on);
        if (failure) throw failure;
        this.#changed();
      },
      async () => {
        if (on) await this.media.takeBackCamera();
        this.#changed();
      },
      on ? { refused: new Failure('video_refused', { who: this.who }) } : { urgent: true },
    );
    // RFC 3264 §6: an answer may take the rest of an offer and put port 0 where the picture would have gone.
    if (on && this.state === 'connected' && !this.media.cameraOn) throw new Failure('video_refused', { who: this.who });
  }

  /**
   * Ends video in both directions; the call goes on with sound.
   * @returns {Promise<void>} rejects with a Failure if the far end refused
   */
  async stopVideo() {
    if (this.state !== 'connected') return;
    this.#decideRequests();
    await this.#negotiation.change(
      () => {
        this.media.stopVideo();
        this.#changed();
      },
      () => this.#changed(),
      { urgent: true },
    );
  }

  /**
   * Opens a data channel; one that is opened before the call is connected waits for that. Throws as `DataChannels.open` does.
   * What becomes of it is told by the channel: `await channel.opened`.
   * @param {import('../data/channels.js').ChannelInit} [init]
   */
  openChannel(init) {
    return this.media.channels.open(init);
  }

  /** The data channels that are not closed. */
  get channels() {
    return this.media.channels.all;
  }

  /**
   * DTMF: as telephone-event, or by INFO when the call has none.
   * @param {string} tones
   */
  sendTones(tones) {
    if (this.state !== 'connected' || !/^[0-9A-D*#]+$/i.test(tones)) return;
    if (this.media.sendTones(tones)) return;
    for (const tone of tones.toUpperCase()) {
      this.#request('INFO', (info) => info.setBody('application/dtmf-relay', `Signal=${tone}\r\nDuration=160\r\n`));
    }
  }

  /** Ends the call, whatever its state. */
  hangUp() {
    this.end(null);
  }

  /**
   * @param {Failure | null} failure
   * @param {string} [reason] the value of a Reason header (RFC 3326)
   */
  end(failure, reason) {
    if (this.state === 'ended') return;
    if (this.state === 'connected') this.#bye(reason);
    this.finish(failure);
  }

  /**
   * The call is over on the wire; what is left is to clean up.
   * @param {Failure | null} failure
   */
  finish(failure) {
    if (this.state === 'ended') return;
    this.failure = failure;
    this.#timer.stop();
    this.#ice.stop();
    this.videoRequest?.refuse();
    this.media.close();
    if (!this.#unacknowledged) this.#release();
    this.enter('ended');
  }

  /** True while nothing is heard because the way of the media broke. */
  get interrupted() {
    return this.#ice.interrupted;
  }

  /** The network is another one, or is there again: the media find their way anew. */
  networkChanged() {
    if (this.state === 'connected') void this.#ice.restart();
  }

  /** @param {ServerTransaction} transaction an in-dialog request */
  handleRequest(transaction) {
    const { request } = transaction;
    const { dialog } = this;
    if (dialog && !dialog.accept(request)) {
      this.agent.reply(transaction, 500);
      return;
    }
    switch (request.method) {
      case 'BYE':
        this.agent.reply(transaction, 200);
        this.#unacknowledged?.stop();
        this.#unacknowledged = null;
        this.finish(failureOfBye(request, this.who));
        return;
      case 'INVITE':
      case 'UPDATE':
        this.#negotiation.handleOffer(transaction);
        return;
      case 'INFO':
        // RFC 6086 §4.2.2: packages are negotiated, and we take none; the old kind is accepted and ignored.
        if (request.get('Info-Package')) this.agent.reply(transaction, 469, { headers: [['Recv-Info', '']] });
        else this.agent.reply(transaction, 200);
        return;
      case 'OPTIONS':
        this.agent.reply(transaction, 200, { headers: [['Allow', ALLOW]] });
        return;
      case 'PRACK':
        this.agent.reply(transaction, 481);
        return;
      case 'NOTIFY':
        this.agent.reply(transaction, 489);
        return;
      default:
        this.agent.reply(transaction, 405, { headers: [['Allow', ALLOW]] });
    }
  }

  /** @param {Message} ack */
  handleAck(ack) {
    if (this.#unacknowledged?.cseq !== ack.cseq.number) return;
    const owed = this.#unacknowledged;
    this.#unacknowledged = null;
    owed.acknowledged(ack);
    if (this.#byeAfterAck) this.#sendBye(this.#byeAfterAck);
    this.#byeAfterAck = null;
    void this.#offerChannels();
  }

  // What the two kinds of call use to begin.

  /** @param {CallState} state */
  enter(state) {
    if (this.state === state) return;
    this.state = state;
    if (state === 'connected') this.connectedAt = this.agent.clock.now();
    this.emit('state', state);
  }

  /**
   * An offer and its answer are complete: what flows may have changed.
   * @param {string} sdp what the far end said about its media
   */
  noteRemote(sdp) {
    if (sdp !== '') this.heldByRemote = holdsUs(sdp);
    this.#changed();
    void this.#offerChannels();
  }

  /** @param {Message} message an INVITE, UPDATE or 2xx of the far end */
  noteCapabilities(message) {
    const features = message.address('Contact')?.params.get('+sip.app-subtype')?.toLowerCase().split(',') ?? [];
    if (features.some((each) => each.trim() === 'webrtc-datachannel')) this.farDataChannels = true;
    if (message.get('Allow')) this.#farAllowsUpdate = message.has('Allow', 'UPDATE');
    const another = this.#farParty.note(message);
    if (!another) return;
    this.remote = another;
    this.farDataChannels = features.some((each) => each.trim() === 'webrtc-datachannel');
    this.emit('party', null);
    this.#changed();
  }

  /** True while a 2xx of ours has not been acknowledged. */
  get awaitsAck() {
    return this.#unacknowledged !== null;
  }

  /** @param {Dialog} dialog the dialog that this call is from now on */
  adopt(dialog) {
    this.dialog = dialog;
    this.agent.addDialog(dialog.id, this);
  }

  get sessionTimer() {
    return this.#timer;
  }

  /**
   * Sends the 2xx of an INVITE until its ACK comes.
   * @param {ServerTransaction} transaction
   * @param {{ sdp: string, headers: [string, string][], acknowledged: (ack: Message) => void }} parts
   */
  accept(transaction, { sdp, headers, acknowledged }) {
    /** @type {Message | null} */
    let response = null;
    this.#unacknowledged = new AcceptedResponse(this.agent.clock, {
      cseq: transaction.request.cseq.number,
      send: () => {
        if (response) transaction.respond(response);
        else {
          response = this.agent.reply(transaction, 200, {
            toTag: this.dialog?.local.tag,
            headers: [['Contact', this.agent.dialogContact], ['Allow', ALLOW], ['Supported', SUPPORTED], ...headers],
            sdp,
          });
        }
      },
      giveUp: () => {
        // RFC 3261 §13.3.1.4: no ACK ever came.
        this.#unacknowledged = null;
        const waiting = this.#byeAfterAck;
        this.#byeAfterAck = null;
        if (waiting) this.#sendBye(waiting);
        else this.end(new Failure('session_expired'), 'SIP;cause=408;text="No ACK"');
      },
      acknowledged,
    });
  }

  /**
   * RFC 3261 §13.2.2.4: the ACK of a 2xx; sent again whenever that 2xx comes again.
   * @param {Dialog} dialog
   * @param {number} cseq
   */
  acknowledge(dialog, cseq) {
    const ack = dialog.request('ACK', cseq);
    this.#acknowledged = { cseq, ack };
    this.agent.sendAck(ack);
  }

  /**
   * True if this 2xx was seen before; then its ACK has been repeated.
   * @param {number} cseq
   */
  acknowledgedBefore(cseq) {
    if (this.#acknowledged?.cseq !== cseq) return false;
    this.#acknowledged.ack.remove('Via');
    this.agent.sendAck(this.#acknowledged.ack);
    return true;
  }

  // Inside.

  #changed() {
    const { held, heldByRemote, muted } = this;
    this.emit('change', { held, heldByRemote, muted, camera: this.media.cameraOn, video: this.media.hasVideo });
  }

  /** What waits for a person waits no longer: we want something ourselves. */
  #decideRequests() {
    this.videoRequest?.refuse();
    this.media.channels.refuseRequests();
  }

  /** RFC 8864 §6.6: one offer for all channels that were opened or closed at once. */
  async #offerChannels() {
    const { channels } = this.media;
    if (!channels.wanting || this.#offersChannels || this.state !== 'connected' || this.awaitsAck) return;
    this.#offersChannels = true;
    const begin = () => {
      this.#offersChannels = false;
    };
    try {
      await this.#negotiation.change(begin, () => {}, { channels: true, yields: true, needed: () => channels.wanting, refused: new Failure('channels_unsupported', { who: this.who }) });
    } catch (failure) {
      channels.refused(/** @type {Failure} */ (failure));
    }
    this.#offersChannels = false;
  }

  #release() {
    if (this.dialog) this.agent.removeDialog(this.dialog.id);
  }

  /** @param {string} [reason] */
  #bye(reason) {
    if (!this.dialog) return;
    const bye = this.dialog.request('BYE');
    if (reason) bye.add('Reason', reason);
    // RFC 3261 §15.1.1: the callee must not send BYE before the ACK.
    if (this.#unacknowledged) this.#byeAfterAck = bye;
    else this.#sendBye(bye);
  }

  /** @param {Message} bye */
  #sendBye(bye) {
    let first = true;
    this.agent.exchange({
      build: () => {
        if (!first) {
          bye.remove('Via').set('CSeq', `${(/** @type {Dialog} */ (this.dialog).localCSeq += 1)} BYE`);
        }
        first = false;
        return bye;
      },
      final: () => this.#release(),
    });
  }

  /**
   * A request inside the dialog whose answer matters only if it says that the dialog is gone (RFC 3261 §12.2.1.2).
   * @param {string} method
   * @param {(request: Message) => void} fill
   * @returns {Promise<Message | null>}
   */
  #request(method, fill) {
    return new Promise((resolve) => {
      this.agent.exchange({
        build: () => {
          const request = /** @type {Dialog} */ (this.dialog).request(method);
          fill(request);
          return request;
        },
        final: ({ response }) => {
          if (!response || response.status === 481 || response.status === 408) this.end(new Failure('session_expired'));
          resolve(response ?? null);
        },
      });
    });
  }

  /** RFC 4028 §10: UPDATE if the far end knows it, else a re-INVITE. */
  async #refresh() {
    if (this.state !== 'connected') return;
    if (!this.#farAllowsUpdate) {
      await this.#negotiation.change(() => {}, () => {}).catch(() => {});
      return;
    }
    const response = await this.#request('UPDATE', (update) => {
      update.add('Contact', this.agent.dialogContact).add('Supported', SUPPORTED);
      for (const [name, value] of this.#timer.headers()) update.add(name, value);
    });
    if (response && response.status < 300) this.#timer.handleResponse(response);
  }
}

/**
 * @param {Message} bye
 * @param {string} who
 */
function failureOfBye(bye, who) {
  for (const value of bye.values('Reason')) {
    const [protocol, ...more] = split(value, ';');
    const cause = Number(params(more).get('cause'));
    if (protocol.toUpperCase() === 'SIP' && cause === 503) return new Failure('service_ended', { who, status: cause });
    if (protocol.toUpperCase() === 'SIP' && cause === 488) return new Failure('incompatible', { who, status: cause });
    if (protocol.toUpperCase() === 'SIP' && cause === 408) return new Failure('session_expired', { status: cause });
  }
  return null;
}
