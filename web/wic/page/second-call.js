import { IncomingCall } from '../lib/call/incoming-call.js';
import { button, element, initials } from './elements.js';
import { showRunning } from './running-time.js';
import { Tones } from './tones.js';

/**
 * The call beside the one in front: one that comes while another is talked in, or one that is on hold.
 *
 * @typedef {import('../lib/call/call.js').Call} Call
 */
export class SecondCall {
  #section = element('second', HTMLElement);
  #time = element('second-time', HTMLElement);
  #tones = new Tones();
  /** @type {Call | null} */
  #call = null;
  /** @type {(() => void)[]} */
  #stopListening = [];
  #stopTime = () => {};
  #changed;

  /**
   * @param {object} parts
   * @param {() => void} parts.changed something of it is other than it was
   * @param {(call: IncomingCall) => Promise<void>} parts.answer
   * @param {(call: Call) => Promise<void>} parts.swap
   */
  constructor({ changed, answer, swap }) {
    this.#changed = changed;
    button('second-reject').addEventListener('click', () => this.#call?.hangUp());
    button('second-end').addEventListener('click', () => this.#call?.hangUp());
    button('second-answer').addEventListener('click', () => {
      if (this.#call instanceof IncomingCall) void busy(button('second-answer'), answer(this.#call));
    });
    button('swap').addEventListener('click', () => {
      if (this.#call) void busy(button('swap'), swap(this.#call));
    });
  }

  get call() {
    return this.#call;
  }

  /** @param {Call} call */
  show(call) {
    this.clear();
    this.#call = call;
    this.#stopListening = [call.on('state', () => this.#update()), call.on('change', () => this.#update())];
    this.#section.hidden = false;
    this.#update();
  }

  clear() {
    for (const stop of this.#stopListening.splice(0)) stop();
    this.#stopTime();
    this.#tones.stop();
    this.#call = null;
    this.#section.hidden = true;
  }

  #update() {
    const call = this.#call;
    if (!call) return;
    const incoming = call.state === 'incoming';
    const connected = call.state === 'connected';
    // A call may be handed over to another one.
    element('second-who', HTMLElement).textContent = call.who;
    element('second-avatar', HTMLElement).textContent = initials(call.who);
    button('second-end').setAttribute('aria-label', `End the call with ${call.who}`);
    for (const id of ['second-reject', 'second-answer']) button(id).hidden = !incoming;
    for (const id of ['second-end', 'swap']) button(id).hidden = !connected;
    element('second-detail', HTMLElement).textContent = detail(call);
    this.#section.dataset.state = call.state;
    this.#stopTime();
    this.#stopTime = showRunning(this.#time, call);
    if (incoming) this.#tones.play('waiting');
    else this.#tones.stop();
    if (call.state !== 'ended') this.#changed();
  }
}

/** @param {Call} call */
function detail(call) {
  if (call instanceof IncomingCall && call.state === 'incoming') return call.offersVideo ? 'Incoming video call' : 'Incoming call';
  if (call.state !== 'connected') return 'Connecting…';
  return call.held ? 'On hold · ' : '';
}

/**
 * @param {HTMLButtonElement} pressed
 * @param {Promise<void>} work
 */
async function busy(pressed, work) {
  pressed.setAttribute('aria-busy', 'true');
  await work;
  pressed.removeAttribute('aria-busy');
}
