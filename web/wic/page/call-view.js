import { spoken } from '../lib/dial.js';
import { IncomingCall } from '../lib/call/incoming-call.js';
import { Failure } from '../lib/failure.js';
import { button, element, initials, paintToggle } from './elements.js';
import { Keypad } from './keypad.js';
import { Tones } from './tones.js';
import { showRunning } from './running-time.js';

/**
 * The view of the call that is in front, from its beginning to its end.
 *
 * @typedef {import('../lib/call/call.js').Call} Call
 */
export class CallView {
  #stage = element('stage', HTMLElement);
  #remoteVideo = element('remote-video', HTMLVideoElement);
  #localVideo = element('local-video', HTMLVideoElement);
  #remoteAudio = element('remote-audio', HTMLAudioElement);
  #time = element('stage-time', HTMLElement);
  #tones = new Tones();
  #keypad;
  /** @type {Call | null} */
  #call = null;
  /** @type {(() => void)[]} */
  #stopListening = [];
  #stopTime = () => {};
  #say;
  #describe;
  #answer;

  /**
   * @param {object} parts
   * @param {(words: string) => void} parts.say
   * @param {() => string} parts.describe the words for all calls there are
   * @param {(call: IncomingCall, options: { video?: boolean }) => void} parts.answer
   */
  constructor({ say, describe, answer }) {
    this.#say = say;
    this.#describe = describe;
    this.#answer = (/** @type {{ video?: boolean }} */ options) => {
      if (this.#call instanceof IncomingCall) answer(this.#call, options);
    };
    this.#keypad = new Keypad((tone) => this.#call?.sendTones(tone));
    button('answer').addEventListener('click', () => this.#answer({}));
    button('answer-audio').addEventListener('click', () => this.#answer({ video: false }));
    button('reject').addEventListener('click', () => this.#call?.hangUp());
    button('hang-up').addEventListener('click', () => this.#call?.hangUp());
    button('mute').addEventListener('click', () => this.#call?.setMuted(!this.#call.muted));
    button('hold').addEventListener('click', () => this.#attempt(button('hold'), (call) => call.setHeld(!call.held)));
    button('camera').addEventListener('click', () => this.#attempt(button('camera'), (call) => call.setCamera(!call.cameraOn)));
    button('audio-only').addEventListener('click', () => this.#attempt(button('audio-only'), (call) => call.stopVideo()));
    button('video-refuse').addEventListener('click', () => this.#call?.videoRequest?.refuse());
    button('video-watch').addEventListener('click', () => this.#call?.videoRequest?.accept());
    button('video-camera').addEventListener('click', () => this.#call?.videoRequest?.accept({ camera: true }));
  }

  get call() {
    return this.#call;
  }

  /** @param {string} id a speaker's, or '' for the system's choice */
  useSpeaker(id) {
    if ('setSinkId' in this.#remoteAudio) this.#remoteAudio.setSinkId(id).catch(() => this.#say('This speaker cannot be used.'));
  }

  /**
   * @param {Call} call
   * @param {{ focus?: boolean }} [options]
   */
  show(call, { focus = true } = {}) {
    this.clear();
    this.#call = call;
    this.#stopListening = [
      call.on('state', () => this.#update()),
      call.on('change', () => this.#update()),
      call.on('videorequest', () => this.#update()),
      call.on('notice', (failure) => this.#say(failure.message)),
      call.on('media', () => this.#update()),
      call.on('remotetrack', () => this.#attachRemote()),
      call.on('localvideo', () => this.#attachLocal()),
    ];
    this.#stage.hidden = false;
    this.#attachRemote();
    this.#update();
    // The stage takes the focus, not a button: a key that was meant for the page before must not answer a call.
    if (focus) this.#stage.focus();
  }

  /** Back to nothing; the caller shows the dial view again. */
  clear() {
    for (const stop of this.#stopListening.splice(0)) stop();
    this.#call = null;
    this.#tones.stop();
    this.#stopTime();
    this.#keypad.clear();
    for (const media of [this.#remoteAudio, this.#remoteVideo, this.#localVideo]) media.srcObject = null;
    this.#remoteVideo.hidden = true;
    this.#localVideo.hidden = true;
    this.#stage.hidden = true;
    this.#stage.classList.remove('seen');
  }

  /** Says again what state the call is in. */
  announce() {
    if (this.#call) this.#say(this.#describe());
  }

  /**
   * @param {HTMLButtonElement} pressed
   * @param {(call: Call) => Promise<void>} change
   */
  async #attempt(pressed, change) {
    if (!this.#call) return;
    pressed.setAttribute('aria-busy', 'true');
    try {
      await change(this.#call);
    } catch (error) {
      this.#say(error instanceof Failure ? error.message : 'That did not work.');
    }
    pressed.removeAttribute('aria-busy');
  }

  #update() {
    const call = this.#call;
    if (!call) return;
    const focused = document.activeElement;
    const incoming = call.state === 'incoming';
    const connected = call.state === 'connected';
    const withVideo = call instanceof IncomingCall && call.offersVideo;
    // A call may be handed over to another one.
    const who = element('stage-who', HTMLElement);
    if (who.textContent !== call.who) {
      who.textContent = call.who;
      element('stage-avatar', HTMLElement).textContent = initials(call.who);
    }
    element('incoming-controls', HTMLElement).hidden = !incoming;
    button('answer-audio').hidden = !withVideo;
    element('call-controls', HTMLElement).hidden = incoming;
    for (const id of ['hold', 'camera', 'keypad', 'settings-call']) button(id).disabled = !connected;
    paintToggle(button('mute'), call.muted, call.muted ? 'Unmute' : 'Mute', call.muted ? '#i-mic-off' : '#i-mic');
    paintToggle(button('hold'), call.held, call.held ? 'Resume' : 'Hold');
    paintToggle(button('camera'), call.cameraOn, call.cameraOn ? 'Stop camera' : 'Start camera');
    button('audio-only').hidden = !call.media.receivesVideo;
    if (call.videoRequest) this.#keypad.close();
    element('video-ask', HTMLElement).hidden = call.videoRequest === null;
    element('video-ask-words', HTMLElement).textContent = `${call.who} wants to add video.`;
    element('stage-detail', HTMLElement).textContent = this.#detail(call, withVideo);
    // What was pressed may be gone, and the focus with it: who listens goes on where the call is.
    if (focused && this.#stage.contains(focused) && focused.closest('[hidden]')) this.#stage.focus();
    this.#stage.dataset.state = call.state;
    this.#stopTime();
    this.#stopTime = showRunning(this.#time, call);
    this.#attachRemote();
    this.#attachLocal();
    this.#sound(call);
    if (call.state !== 'ended') this.#say(this.#describe());
  }

  /**
   * @param {Call} call
   * @param {boolean} withVideo
   */
  #detail(call, withVideo) {
    switch (call.state) {
      case 'incoming':
        return withVideo ? 'Incoming video call' : 'Incoming call';
      case 'ringing':
        return 'Ringing…';
      case 'connected':
        if (call.interrupted) return 'Interrupted · ';
        if (call.held) return 'On hold · ';
        if (call.heldByRemote) return 'You are on hold · ';
        return call.muted ? 'Muted · ' : '';
      case 'answering':
        return 'Connecting…';
      default:
        return spoken(call.remote.uri).toLowerCase() === call.who.toLowerCase() ? 'Calling…' : `Calling ${spoken(call.remote.uri)}…`;
    }
  }

  /** @param {Call} call */
  #sound(call) {
    if (call.state === 'incoming') this.#tones.play('ring');
    else if (call.state === 'ringing' && !('earlyMedia' in call && call.earlyMedia)) this.#tones.play('ringback');
    else this.#tones.stop();
  }

  #attachRemote() {
    const tracks = this.#call?.media.remoteTracks ?? [];
    setTracks(this.#remoteAudio, tracks.filter(({ kind }) => kind === 'audio'));
    const receiving = this.#call?.media.receivesVideo;
    setTracks(this.#remoteVideo, receiving ? tracks.filter(({ kind }) => kind === 'video') : []);
    const visible = Boolean(receiving) && this.#call?.state === 'connected' && !this.#call.held && !this.#call.heldByRemote;
    this.#remoteVideo.hidden = !visible;
    this.#stage.classList.toggle('seen', visible);
  }

  #attachLocal() {
    const track = this.#call?.media.localVideo ?? null;
    setTracks(this.#localVideo, track ? [track] : []);
    this.#localVideo.hidden = track === null;
  }
}

/**
 * @param {HTMLMediaElement} media
 * @param {MediaStreamTrack[]} tracks
 */
function setTracks(media, tracks) {
  const before = media.srcObject instanceof MediaStream ? media.srcObject.getTracks() : [];
  if (before.length === tracks.length && before.every((track, index) => track === tracks[index])) return;
  media.srcObject = tracks.length === 0 ? null : new MediaStream(tracks);
  // A page that nobody has touched may not play; the press on Answer or Call has already allowed it.
  if (tracks.length > 0) media.play().catch(() => {});
}
