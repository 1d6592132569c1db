import { spoken } from '../lib/dial.js';
import { IncomingCall } from '../lib/call/incoming-call.js';
import { Failure } from '../lib/failure.js';
import { button, element, initials } from './elements.js';
import { Keypad } from './keypad.js';
import { Tones } from './tones.js';
import { callWords, duration } from './words.js';

/**
 * The view of one call, from its beginning to its end.
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
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;
  #say;

  /** @param {(words: string) => void} say */
  constructor(say) {
    this.#say = say;
    this.#keypad = new Keypad((tone) => this.#call?.sendTones(tone));
    button('answer').addEventListener('click', () => this.#answer({}));
    button('answer-audio').addEventListener('click', () => this.#answer({ video: false }));
    button('reject').addEventListener('click', () => this.#call?.hangUp());
    button('hang-up').addEventListener('click', () => this.#call?.hangUp());
    button('mute').addEventListener('click', () => this.#call?.setMuted(!this.#call.muted));
    button('hold').addEventListener('click', () => this.#attempt(button('hold'), (call) => call.setHeld(!call.held)));
    button('camera').addEventListener('click', () => this.#attempt(button('camera'), (call) => call.setCamera(!call.cameraOn)));
  }

  get call() {
    return this.#call;
  }

  /** @param {string} id a speaker's, or '' for the system's choice */
  useSpeaker(id) {
    if ('setSinkId' in this.#remoteAudio) this.#remoteAudio.setSinkId(id).catch(() => this.#say('This speaker cannot be used.'));
  }

  /** @param {Call} call */
  show(call) {
    this.#call = call;
    this.#stopListening = [
      call.on('state', () => this.#update()),
      call.on('change', () => this.#update()),
      call.on('notice', (failure) => this.#say(failure.message)),
      call.on('media', (flows) => this.#say(flows ? callWords(call) : 'The sound is interrupted. Trying to come back…')),
      call.on('remotetrack', () => this.#attachRemote()),
      call.on('localvideo', () => this.#attachLocal()),
    ];
    element('stage-who', HTMLElement).textContent = call.who;
    element('stage-avatar', HTMLElement).textContent = initials(call.who);
    this.#stage.hidden = false;
    this.#attachRemote();
    this.#update();
    // The stage takes the focus, not a button: a key that was meant for the page before must not answer a call.
    this.#stage.focus();
  }

  /** Back to nothing; the caller shows the dial view again. */
  clear() {
    for (const stop of this.#stopListening.splice(0)) stop();
    this.#call = null;
    this.#tones.stop();
    clearInterval(this.#clock);
    this.#keypad.close();
    for (const media of [this.#remoteAudio, this.#remoteVideo, this.#localVideo]) media.srcObject = null;
    this.#remoteVideo.hidden = true;
    this.#localVideo.hidden = true;
    this.#stage.hidden = true;
    this.#stage.classList.remove('seen');
  }

  /** Says again what state the call is in. */
  announce() {
    if (this.#call) this.#say(callWords(this.#call));
  }

  /** @param {{ video?: boolean }} options */
  #answer(options) {
    if (this.#call instanceof IncomingCall) void this.#call.answer(options);
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
    const incoming = call.state === 'incoming';
    const connected = call.state === 'connected';
    const withVideo = call instanceof IncomingCall && call.offersVideo;
    element('incoming-controls', HTMLElement).hidden = !incoming;
    button('answer-audio').hidden = !withVideo;
    element('call-controls', HTMLElement).hidden = incoming;
    for (const id of ['hold', 'camera', 'keypad', 'settings-call']) button(id).disabled = !connected;
    press(button('mute'), call.muted);
    button('mute').querySelector('use')?.setAttribute('href', call.muted ? '#i-mic-off' : '#i-mic');
    press(button('hold'), call.held);
    press(button('camera'), call.cameraOn);
    element('stage-detail', HTMLElement).textContent = this.#detail(call, withVideo);
    this.#stage.dataset.state = call.state;
    this.#showTime(call);
    this.#attachRemote();
    this.#attachLocal();
    this.#sound(call);
    if (call.state !== 'ended') this.#say(callWords(call));
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
        if (call.held) return 'On hold · ';
        return call.heldByRemote ? 'You are on hold · ' : '';
      case 'answering':
        return 'Connecting…';
      default:
        return spoken(call.remote.uri) === call.who ? 'Calling…' : `Calling ${spoken(call.remote.uri)}…`;
    }
  }

  /** @param {Call} call */
  #showTime(call) {
    clearInterval(this.#clock);
    this.#time.hidden = call.state !== 'connected';
    if (call.state !== 'connected') return;
    const tick = () => {
      this.#time.textContent = duration(Date.now() - call.connectedAt);
    };
    tick();
    this.#clock = setInterval(tick, 1000);
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
    const receiving = this.#call?.media.peerConnection
      .getTransceivers()
      .some(({ receiver, currentDirection }) => receiver.track.kind === 'video' && /recv/.test(currentDirection ?? ''));
    setTracks(this.#remoteVideo, receiving ? tracks.filter(({ kind }) => kind === 'video') : []);
    const visible = Boolean(receiving) && this.#call?.state === 'connected' && !this.#call.held;
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

/**
 * @param {HTMLButtonElement} toggle
 * @param {boolean} pressed
 */
function press(toggle, pressed) {
  toggle.setAttribute('aria-pressed', String(pressed));
}
