import { systemClock, Timer } from '../clock.js';
import { DataChannels } from '../data/channels.js';
import { Emitter } from '../emitter.js';
import { Failure } from '../failure.js';
import { DataLine } from './data-line.js';
import { openCamera, openMicrophone } from './capture.js';
import { directions, requestEdgeProtection, withoutVideo } from './sdp.js';

/**
 * The media of one call: an RTCPeerConnection and the tracks in it. All that a Call knows of WebRTC is here.
 *
 * @typedef {object} MediaOptions
 * @property {import('./capture.js').Devices} [devices]
 * @property {(configuration: RTCConfiguration) => RTCPeerConnection} [createPeerConnection]
 * @property {import('../clock.js').Clock} [clock]
 * @property {number} [gatheringLimit] milliseconds to wait for candidates
 * @property {string} [microphoneId]
 * @property {string} [cameraId]
 * @property {() => string} [who] the other party in words
 * @property {boolean} [odd] which ids our data channels have
 * @property {boolean} [inBandChannels] whether the far end may open data channels that are not in SDP (RFC 8832)
 *
 * @typedef {object} MediaEvents
 * @property {MediaStreamTrack} remotetrack
 * @property {MediaStreamTrack | null} localvideo our picture, or null when the camera is off
 * @property {RTCPeerConnectionState} connection
 * @property {Failure} ended a device was taken away
 */

/** A gathering that has not ended by then goes out with what it has. */
const GATHERING_LIMIT = 2_000;

/** @extends {Emitter<MediaEvents>} */
export class MediaSession extends Emitter {
  #pc;
  #devices;
  #clock;
  #gatheringLimit;
  #dataLine;
  /** @type {MediaStreamTrack | null} */
  #microphone = null;
  /** @type {MediaStreamTrack | null} */
  #camera = null;
  #muted = false;
  #held = false;
  #closed = false;
  /** A description that came as provisional and may have to become final. */
  #provisional = '';
  /** @type {string | undefined} */
  microphoneId;
  /** @type {string | undefined} */
  cameraId;

  /** @param {MediaOptions} [options] */
  constructor(options = {}) {
    super();
    this.#devices = options.devices ?? (typeof navigator === 'undefined' ? undefined : navigator.mediaDevices);
    this.#clock = options.clock ?? systemClock;
    this.#gatheringLimit = options.gatheringLimit ?? GATHERING_LIMIT;
    this.microphoneId = options.microphoneId;
    this.cameraId = options.cameraId;
    const create = options.createPeerConnection ?? createPeerConnection;
    // No BUNDLE on W3 (TS 24.371 §7.4.2): each m-line gets a transport of its own. RTCP is always multiplexed.
    this.#pc = create({ bundlePolicy: 'max-compat', rtcpMuxPolicy: 'require', iceServers: [] });
    /** The data channels of the call. */
    this.channels = new DataChannels({
      peerConnection: this.#pc,
      clock: this.#clock,
      who: options.who ?? (() => ''),
      odd: options.odd,
      inBand: options.inBandChannels,
    });
    this.#dataLine = new DataLine(this.#pc);
    this.#pc.addEventListener('track', (event) => this.emit('remotetrack', event.track));
    this.#pc.addEventListener('connectionstatechange', () => this.emit('connection', this.#pc.connectionState));
  }

  /** The connection itself, for statistics. */
  get peerConnection() {
    return this.#pc;
  }

  /** True while a picture may flow, in whichever direction. */
  get hasVideo() {
    return this.#transceivers('video').some(({ currentDirection }) => currentDirection !== null && currentDirection !== 'inactive');
  }

  /** True if both sides have agreed on an m-line for video, even if it rests. */
  get videoAgreed() {
    return this.#transceivers('video').some(({ currentDirection }) => currentDirection !== null);
  }

  /** True while our picture is offered to a call that has none, and the far end has not said whether it wants it. */
  get offersVideo() {
    const speaks = this.#transceivers('audio').some(({ currentDirection }) => currentDirection !== null);
    return this.#camera !== null && speaks && !this.videoAgreed;
  }

  /** True if the far end may be sending its picture. */
  get receivesVideo() {
    return this.#transceivers('video').some(({ currentDirection }) => /recv/.test(currentDirection ?? ''));
  }

  get cameraOn() {
    return this.#camera !== null;
  }

  get localVideo() {
    return this.#camera;
  }

  get muted() {
    return this.#muted;
  }

  /** @returns {MediaStreamTrack[]} */
  get remoteTracks() {
    return this.#pc.getReceivers().map(({ track }) => track);
  }

  /** True while an offer of ours waits for its answer. */
  get offering() {
    return this.#pc.signalingState === 'have-local-offer' || this.#pc.signalingState === 'have-remote-pranswer';
  }

  /**
   * Opens the devices. Without a microphone there is no call; without a camera there is one, and the failure is returned.
   *
   * @param {{ video: boolean }} wanted
   * @returns {Promise<Failure | null>}
   */
  async open({ video }) {
    const microphone = await openMicrophone(this.#devices, this.microphoneId);
    if (this.#closed) {
      microphone.stop();
      throw new Failure('cancelled');
    }
    this.#setMicrophone(microphone);
    return video ? this.openCamera() : null;
  }

  /**
   * RFC 3264 §5: our offer, for the first time or again.
   * @param {{ video?: boolean, iceRestart?: boolean, channels?: boolean }} [options] channels: with those that are to be opened
   */
  async createOffer({ video = false, iceRestart = false, channels = false } = {}) {
    if (this.#pc.getTransceivers().length === 0) {
      this.#pc.addTransceiver(this.#microphone ?? 'audio', { direction: 'sendrecv' });
      if (video) this.#pc.addTransceiver(this.#camera ?? 'video', { direction: this.#camera ? 'sendrecv' : 'recvonly' });
    }
    if (channels) this.channels.begin();
    let offer = await this.#pc.createOffer({ iceRestart });
    if (channels && this.channels.isMissingIn(offer.sdp)) {
      this.channels.suspend();
      await this.#dataLine.restore();
      this.channels.begin();
      offer = await this.#pc.createOffer({ iceRestart });
    }
    this.#dataLine.noteOffer(offer.sdp);
    await this.#pc.setLocalDescription(offer);
    await this.#gathered();
    return requestEdgeProtection(this.channels.describeOffer(this.#pc.localDescription?.sdp ?? ''));
  }

  /**
   * RFC 3264 §6: our answer to an offer of the far end.
   * @param {string} offer as `channels.consider` has left it
   * @param {{ refuseVideo?: boolean }} [options] refuseVideo: its m-lines for video get port 0
   */
  async createAnswer(offer, { refuseVideo = false } = {}) {
    await this.#settle();
    const padded = this.#dataLine.pad(refuseVideo ? withoutVideo(offer) : offer);
    try {
      // A browser refuses no m-line that it could take; one that is offered with port 0 it answers so.
      await this.#pc.setRemoteDescription({ type: 'offer', sdp: padded.offer });
    } catch (error) {
      throw new Failure('incompatible', { cause: error });
    }
    await this.#attach();
    await this.#pc.setLocalDescription(await this.#pc.createAnswer());
    await this.#gathered();
    this.#reconcile();
    return this.channels.describeAnswer(padded.own(this.#pc.localDescription?.sdp ?? ''));
  }

  /**
   * The far end's answer. A provisional one (early media) may be followed by others.
   * @param {string} answer
   * @param {{ provisional?: boolean }} [options]
   */
  async applyAnswer(answer, { provisional = false } = {}) {
    if (!this.offering) return;
    if (!provisional) this.channels.applyAnswer(answer);
    try {
      await this.#pc.setRemoteDescription({ type: provisional ? 'pranswer' : 'answer', sdp: answer });
    } catch (error) {
      throw new Failure('incompatible', { cause: error });
    }
    this.#provisional = provisional ? answer : '';
    if (provisional) this.channels.applyProvisional(answer);
    else this.#reconcile();
  }

  /** The last provisional answer was the answer: the 2xx came without a body (RFC 3262 §5). */
  async confirmAnswer() {
    await this.#settle();
  }

  /** Takes our offer back. */
  async rollback() {
    if (!this.offering) return;
    await this.#pc.setLocalDescription({ type: 'rollback' });
    this.channels.suspend();
  }

  /**
   * RFC 3264 §8.4: on hold we send nothing that is worth hearing and take nothing. Needs an offer to take effect.
   * @param {boolean} held
   */
  setHeld(held) {
    this.#held = held;
    for (const transceiver of this.#pc.getTransceivers()) {
      if (transceiver.direction === 'stopped') continue;
      const sends = transceiver.sender.track !== null;
      if (held) transceiver.direction = sends ? 'sendonly' : 'inactive';
      else transceiver.direction = sends ? 'sendrecv' : 'recvonly';
    }
    this.#applyEnabled();
    this.#restPicture();
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    this.#muted = muted;
    this.#applyEnabled();
  }

  /**
   * Turns the camera on or off. Needs an offer to take effect; returns why the camera did not open.
   *
   * A picture that flows in neither direction any more takes its m-line with it (RFC 3264 §8.2). On hold nobody knows what
   * the far end wants to show, so then it only rests.
   * @param {boolean} on
   * @returns {Promise<Failure | null>}
   */
  async setCamera(on) {
    const [existing] = this.#transceivers('video');
    if (!on) {
      this.#closeCamera();
      if (!existing) return null;
      await existing.sender.replaceTrack(null);
      if (!this.#held && !this.receivesVideo) this.stopVideo();
      else existing.direction = this.#held ? 'inactive' : 'recvonly';
      return null;
    }
    const failure = await this.openCamera();
    if (failure || !this.#camera) return failure;
    const direction = this.#held ? 'sendonly' : 'sendrecv';
    if (existing) {
      await existing.sender.replaceTrack(this.#camera);
      existing.direction = direction;
    } else this.#pc.addTransceiver(this.#camera, { direction });
    return null;
  }

  /** Takes back that the camera was turned on, after the offer of it was refused. */
  async takeBackCamera() {
    this.#closeCamera();
    for (const transceiver of this.#transceivers('video')) {
      if (transceiver.currentDirection === null) transceiver.stop();
      else {
        await transceiver.sender.replaceTrack(null);
        transceiver.direction = this.#held ? 'inactive' : 'recvonly';
      }
    }
  }

  /**
   * Ends video in both directions: the next offer has port 0 in its place, which a later picture takes again
   * (RFC 3264 §8.1, §8.2).
   */
  stopVideo() {
    this.#closeCamera();
    for (const transceiver of this.#transceivers('video')) transceiver.stop();
  }

  /**
   * Another microphone, without a new offer.
   * @param {string} deviceId
   */
  async useMicrophone(deviceId) {
    this.microphoneId = deviceId;
    if (!this.#microphone) return;
    const before = this.#microphone;
    const [transceiver] = this.#transceivers('audio');
    const track = await openMicrophone(this.#devices, deviceId);
    this.#setMicrophone(track);
    await transceiver?.sender.replaceTrack(track);
    before.stop();
  }

  /** @param {string} deviceId */
  async useCamera(deviceId) {
    this.cameraId = deviceId;
    if (!this.#camera) return;
    const before = this.#camera;
    const [transceiver] = this.#transceivers('video');
    const failure = await this.openCamera();
    if (failure) throw failure;
    await transceiver?.sender.replaceTrack(this.#camera);
    before.stop();
  }

  /**
   * RFC 4733 through the browser.
   * @param {string} tones
   * @returns {boolean} false if the connection has no telephone-event
   */
  sendTones(tones) {
    const dtmf = this.#transceivers('audio')[0]?.sender.dtmf;
    if (!dtmf?.canInsertDTMF) return false;
    // What is still being sent stays in front.
    dtmf.insertDTMF(dtmf.toneBuffer + tones, 160, 70);
    return true;
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#microphone?.stop();
    this.#closeCamera();
    this.channels.close();
    this.#pc.close();
  }

  /** A provisional answer becomes final, so that another offer can follow. */
  async #settle() {
    if (this.#provisional === '' || this.#pc.signalingState !== 'have-remote-pranswer') return;
    const sdp = this.#provisional;
    this.#provisional = '';
    this.channels.applyAnswer(sdp);
    await this.#pc.setRemoteDescription({ type: 'answer', sdp });
    this.#reconcile();
  }

  /** After an offer of the far end: our tracks go where they fit. */
  async #attach() {
    await this.#moveCamera();
    for (const transceiver of this.#pc.getTransceivers()) {
      if (transceiver.direction === 'stopped' || transceiver.sender.track) continue;
      const track = transceiver.receiver.track.kind === 'audio' ? this.#microphone : this.#camera;
      const taken = this.#pc.getSenders().some((sender) => sender.track === track);
      if (!track || taken) {
        // What comes new while we hold rests like the rest.
        if (this.#held) transceiver.direction = 'inactive';
        continue;
      }
      await transceiver.sender.replaceTrack(track);
      transceiver.direction = this.#held ? 'sendonly' : 'sendrecv';
    }
  }

  /** @param {MediaStreamTrack} track */
  #setMicrophone(track) {
    this.#microphone = track;
    track.addEventListener('ended', () => {
      if (this.#microphone === track && !this.#closed) this.emit('ended', new Failure('no_microphone'));
    });
    this.#applyEnabled();
  }

  /**
   * Both sides asked for video at once, and theirs came first: our picture goes into their m-line, and ours is not offered
   * beside it (RFC 9429 §5.10 puts only what `addTrack` made into an m-line of the far end).
   */
  async #moveCamera() {
    const video = this.#transceivers('video');
    const ours = video.find(({ mid, sender }) => mid === null && sender.track !== null);
    const theirs = video.find(({ mid, sender }) => mid !== null && sender.track === null);
    if (!ours || !theirs) return;
    await ours.sender.replaceTrack(null);
    ours.stop();
  }

  /** A disabled camera sends black pictures; on hold not even those are worth their bits. */
  #restPicture() {
    for (const { sender } of this.#transceivers('video')) {
      const parameters = sender.getParameters();
      if (parameters.encodings.every(({ active }) => active === !this.#held)) continue;
      for (const encoding of parameters.encodings) encoding.active = !this.#held;
      // Between two negotiations a browser may refuse; the picture is black in any case.
      sender.setParameters(parameters).catch(() => {});
    }
  }

  /** Where neither side wants a picture any more, our camera has no reason to look. */
  #reconcile() {
    const carried = this.#transceivers('video').some(({ sender }) => sender.track === this.#camera);
    if (this.#camera && !carried) this.#closeCamera();
    this.#restPicture();
  }

  /**
   * Opens the camera for the answer that comes next.
   * @returns {Promise<Failure | null>} why it did not open
   */
  async openCamera() {
    try {
      const camera = await openCamera(this.#devices, this.cameraId);
      if (this.#closed) {
        camera.stop();
        return null;
      }
      this.#camera = camera;
      this.#applyEnabled();
      this.emit('localvideo', camera);
      return null;
    } catch (error) {
      return /** @type {Failure} */ (error);
    }
  }

  #closeCamera() {
    if (!this.#camera) return;
    this.#camera.stop();
    this.#camera = null;
    this.emit('localvideo', null);
  }

  #applyEnabled() {
    if (this.#microphone) this.#microphone.enabled = !this.#muted && !this.#held;
    if (this.#camera) this.#camera.enabled = !this.#held;
  }

  /** @param {'audio' | 'video'} kind */
  #transceivers(kind) {
    return this.#pc.getTransceivers().filter(({ receiver, direction }) => receiver.track.kind === kind && direction !== 'stopped');
  }

  /** @returns {Promise<void>} when all candidates are known, or the wait was long enough */
  #gathered() {
    if (this.#pc.iceGatheringState === 'complete') return Promise.resolve();
    return new Promise((resolve) => {
      const timer = new Timer(this.#clock);
      const done = () => {
        timer.stop();
        this.#pc.removeEventListener('icegatheringstatechange', check);
        resolve();
      };
      const check = () => {
        if (this.#pc.iceGatheringState === 'complete') done();
      };
      this.#pc.addEventListener('icegatheringstatechange', check);
      timer.set(this.#gatheringLimit, done);
    });
  }
}

/** @param {RTCConfiguration} configuration */
function createPeerConnection(configuration) {
  if (typeof RTCPeerConnection === 'undefined') throw new Failure('not_supported');
  return new RTCPeerConnection(configuration);
}

/**
 * True if the far end has put us on hold: it takes no audio from us (RFC 3264 §8.4).
 * @param {string} sdp the far end's offer or answer
 */
export function holdsUs(sdp) {
  const audio = directions(sdp, 'audio');
  return audio.length > 0 && audio.every((direction) => direction === 'sendonly' || direction === 'inactive');
}
