import { systemClock, Timer } from '../lib/clock.js';
import { Failure } from '../lib/failure.js';
import { EarlyChannel } from './early-channel.js';
import { FIRST_APPLICATION_ID, HANDSHAKE, MOST_WAITING } from './messages.js';
import { SESSION_STATES } from './names.js';

/**
 * The page's half: gives one application in a frame the data channels of one call, and nothing else of it.
 *
 * @example
 * const host = new ApplicationHost({ call, application: { id: 'board' } });
 * frame.addEventListener('load', () => host.connect(frame.contentWindow), { once: true });
 *
 * @typedef {import('../lib/call/call.js').Call} Call
 * @typedef {import('../lib/data/ims-data-channel.js').ImsDataChannel} ImsDataChannel
 * @typedef {import('../lib/data/channel-request.js').ChannelRequest} ChannelRequest
 * @typedef {import('./messages.js').ToPage} ToPage
 * @typedef {import('./messages.js').ToFrame} ToFrame
 * @typedef {import('./messages.js').ChannelParameters} ChannelParameters
 * @typedef {import('./messages.js').Fault} Fault
 *
 * @typedef {object} CallLike the part of a Call that is used
 * @property {string} state
 * @property {boolean} held
 * @property {boolean} heldByRemote
 * @property {boolean} interrupted
 * @property {boolean} hasVideo
 * @property {boolean} [farDataChannels]
 * @property {(init: import('../lib/data/channels.js').ChannelInit) => ImsDataChannel} openChannel
 * @property {EventTarget['addEventListener']} addEventListener
 * @property {EventTarget['removeEventListener']} removeEventListener
 *
 * @typedef {object} HostParts
 * @property {CallLike} call
 * @property {{ id: string, qosHint?: string }} application
 * @property {string} [sessionId] what the application may call the call; it says nothing of who talks
 * @property {() => boolean | null} [network] whether the network carries data channels, null if that is not known
 * @property {() => void | Promise<void>} [permit] throws a DOMException where the application may not, as NotAllowedError
 * @property {(from: 'frame' | 'call', message: ToPage | ToFrame) => void} [trace] all that is said, for a developer
 * @property {readonly string[]} [attributes] what `a=dcsa` says of each of its channels, without `a=`
 * @property {(channel: ImsDataChannel) => void} [carried] it has another channel, whoever asked for it
 * @property {import('../lib/clock.js').Clock} [clock]
 */

/** How often what has left is looked at while something waits to leave, in milliseconds. */
const LOOK = 20;
/** What one application may have at a time. */
const MOST_CHANNELS = 64;

export class ApplicationHost {
  #call;
  #application;
  #sessionId;
  #network;
  #permit;
  #trace;
  #attributes;
  #carried;
  #clock;
  #ports = new MessageChannel();
  #associations = 0;
  #closed = false;
  /** @type {Map<number, Carried>} */
  #channels = new Map();
  /** What the far end offers and the application has not decided about. @type {Map<number, ChannelRequest | EarlyChannel>} */
  #requests = new Map();
  /** Taken before the application was there. @type {EarlyChannel[]} */
  #early = [];
  #next = 1;
  /** @type {boolean | null} */
  #remote = null;
  #stop = new AbortController();

  /** @param {HostParts} parts */
  constructor({ call, application, sessionId = crypto.randomUUID(), network = () => null, permit = () => {}, trace = () => {}, attributes = [], carried = () => {}, clock = systemClock }) {
    this.#call = call;
    this.#application = application;
    this.#sessionId = sessionId;
    this.#network = network;
    this.#permit = permit;
    this.#trace = trace;
    this.#attributes = attributes;
    this.#carried = carried;
    this.#clock = clock;
    this.#ports.port1.onmessage = ({ data }) => this.#handle(data);
    const { signal } = this.#stop;
    for (const type of ['state', 'change', 'media']) call.addEventListener(type, () => this.#callChanged(), { signal });
    call.addEventListener('party', () => this.#handedOver(), { signal });
    call.addEventListener('channelrequest', (event) => this.#requested(/** @type {CustomEvent<ChannelRequest>} */ (event).detail), { signal });
  }

  /**
   * Gives a frame its port. Its window must have run the frame's script before, so this is for its load event.
   * @param {Window} frame
   */
  connect(frame) {
    // An opaque origin has no name that could be aimed at; the port is for whoever is in that frame.
    frame.postMessage({ type: HANDSHAKE }, '*', [this.#ports.port2]);
  }

  /** The application's end of the port, for one that is in no frame. */
  get port() {
    return this.#ports.port2;
  }

  /** True while the application is associated. */
  get associated() {
    return this.#associations > 0;
  }

  /** Its channels, for whoever wants to know what it does. @returns {ImsDataChannel[]} */
  get channels() {
    return [...this.#channels.values()].map(({ channel }) => channel);
  }

  /**
   * A channel of this application that was accepted before it was there; it is asked about it when it has associated, and hears
   * what came meanwhile.
   * @param {EarlyChannel} early
   */
  take(early) {
    if (this.#closed || this.#channels.size + this.#requests.size + this.#early.length >= MOST_CHANNELS) {
      early.refuse();
      return;
    }
    this.#early.push(early);
    if (this.associated) this.#tellEarly();
  }

  /** The application is gone: so are its channels. The call goes on. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop.abort();
    this.#associations = 0;
    for (const request of [...this.#requests.values(), ...this.#early]) request.refuse();
    for (const carried of this.#channels.values()) carried.close();
    this.#requests.clear();
    this.#ports.port1.close();
  }

  /** @param {ToFrame} message */
  #tell(message) {
    if (this.#closed) return;
    this.#trace('call', message);
    this.#ports.port1.postMessage(message, message.type === 'message' && typeof message.data !== 'string' ? [message.data] : []);
  }

  /**
   * What a frame says may be anything.
   * @param {any} message
   */
  #handle(message) {
    if (this.#closed || typeof message !== 'object' || message === null) return;
    this.#trace('frame', message);
    if (message.type === 'associate') void this.#associate(message);
    if (this.#associations === 0) {
      if (message.type === 'open') this.#refuse(message.channel, 'InvalidStateError', 'There is no association');
      return;
    }
    if (message.type === 'dissociate') {
      this.#associations -= 1;
      if (this.#associations === 0) for (const carried of this.#channels.values()) carried.close();
      return;
    }
    const carried = this.#channels.get(message.channel);
    const request = this.#requests.get(message.channel);
    if (message.type === 'open') this.#open(message.channel, message.parameters);
    else if (message.type === 'send') carried?.send(message.data);
    else if (message.type === 'close') carried?.close();
    else if (request && (message.type === 'accept' || message.type === 'refuse')) this.#decide(message.channel, request, message.type === 'accept');
  }

  /** @param {{ request: number, sessionId: unknown, applicationId: unknown }} message */
  async #associate({ request, sessionId, applicationId }) {
    try {
      if (applicationId !== null && applicationId !== this.#application.id) throw new DOMException('This is another application', 'NotAllowedError');
      if (sessionId !== null && sessionId !== this.#sessionId) throw new DOMException('There is no such session', 'NotFoundError');
      if (this.#call.state === 'ended') throw new DOMException('The call has ended', 'NotFoundError');
      if (this.#network() === false) throw new DOMException('The network carries no data channels', 'NotSupportedError');
      await this.#permit();
    } catch (error) {
      this.#tell({ type: 'refused', request, fault: faultOf(error) });
      return;
    }
    if (this.#closed) return;
    this.#associations += 1;
    this.#tell({ type: 'associated', request, session: this.#session() });
    this.#tellEarly();
  }

  /** @returns {import('./messages.js').Session} */
  #session() {
    return {
      id: this.#sessionId,
      state: sessionState(this.#call),
      media: this.#call.hasVideo ? ['audio', 'video'] : ['audio'],
      network: this.#network(),
      remote: this.#remote ?? (this.#call.farDataChannels || null),
      applicationId: this.#application.id,
    };
  }

  #callChanged() {
    if (this.#call.state !== 'ended') {
      if (this.associated) this.#tell({ type: 'session', session: this.#session() });
      return;
    }
    if (this.associated) this.#tell({ type: 'lost' });
    // What was told is still to arrive.
    this.#clock.setTimeout(() => this.close(), 0);
  }

  /** Another party is there: what the application had with the one before is over, and it may associate anew. */
  #handedOver() {
    this.#remote = null;
    this.#sessionId = crypto.randomUUID();
    if (!this.associated) return;
    this.#tell({ type: 'lost' });
    this.#associations = 0;
    for (const [number, request] of this.#requests) {
      request.refuse();
      this.#requests.delete(number);
    }
    for (const carried of this.#channels.values()) carried.close();
  }

  /**
   * @param {number} number
   * @param {ChannelParameters} parameters
   */
  #open(number, parameters) {
    if (!Number.isSafeInteger(number) || number % 2 !== 0 || this.#channels.has(number)) return;
    try {
      if (this.#channels.size >= MOST_CHANNELS) throw new DOMException(`An application has at most ${MOST_CHANNELS} channels`, 'OperationError');
      this.#carry(number, this.#call.openChannel(this.#init(parameters)));
    } catch (error) {
      this.#tell({ type: 'closed', channel: number, fault: faultOf(error) });
    }
  }

  /**
   * @param {ChannelParameters} parameters as a frame says them, so they are looked at again
   * @returns {import('../lib/data/channels.js').ChannelInit}
   */
  #init({ label, protocol, ordered, maxRetransmits, maxPacketLifeTime, priority, id, negotiated, endpoint, qosHint }) {
    if (id !== null && !(id >= FIRST_APPLICATION_ID)) throw new DOMException(`An application's channels have ids from ${FIRST_APPLICATION_ID}`, 'OperationError');
    return {
      label: String(label),
      protocol: String(protocol),
      ordered: ordered !== false,
      maxRetransmits,
      maxPacketLifeTime,
      priority,
      joins: negotiated === true,
      ...(id !== null && { id }),
      application: { id: this.#application.id, endpoint: endpoint === 'server' ? 'server' : 'ue' },
      // TS 29.392 §6.1.6.2.3, `qosReq`: what its profile says that its channels need, unless it says it better itself.
      qosHint: String(qosHint ?? '') || (this.#application.qosHint ?? ''),
      attributes: this.#attributes,
    };
  }

  /** @param {ChannelRequest} request */
  #requested(request) {
    if (request.application?.id !== this.#application.id || this.#closed) return;
    if (!this.associated || request.id < FIRST_APPLICATION_ID || this.#channels.size + this.#requests.size >= MOST_CHANNELS) return;
    request.wait();
    const number = this.#ask(request, request.application.endpoint);
    void request.decided.then(() => this.#requests.delete(number));
  }

  /** What was taken for an application that is there now. */
  #tellEarly() {
    for (const early of this.#early.splice(0)) if (early.channel.readyState !== 'closed') this.#ask(early, early.channel.application?.endpoint ?? 'ue');
  }

  /**
   * @param {ChannelRequest | EarlyChannel} request
   * @param {'ue' | 'server'} endpoint
   */
  #ask(request, endpoint) {
    const number = this.#next;
    this.#next += 2;
    this.#requests.set(number, request);
    const { id, label, protocol, ordered, maxRetransmits, maxPacketLifeTime, priority } = request.description;
    this.#tell({ type: 'requested', channel: number, parameters: { id, label, protocol, ordered, maxRetransmits, maxPacketLifeTime, priority, endpoint } });
    return number;
  }

  /**
   * @param {number} number
   * @param {ChannelRequest | EarlyChannel} request
   * @param {boolean} accepted
   */
  #decide(number, request, accepted) {
    this.#requests.delete(number);
    if (!accepted) {
      request.refuse();
      return;
    }
    const channel = request.accept({ attributes: this.#attributes });
    if (!channel) {
      this.#refuse(number, 'OperationError', 'It was too late');
      return;
    }
    this.#carry(number, channel);
    if (request instanceof EarlyChannel) for (const data of request.heard()) this.#tell({ type: 'message', channel: number, data });
  }

  /**
   * @param {number} number
   * @param {string} name
   * @param {string} message
   */
  #refuse(number, name, message) {
    this.#tell({ type: 'closed', channel: number, fault: { name, message } });
  }

  /**
   * @param {number} number
   * @param {ImsDataChannel} channel
   */
  #carry(number, channel) {
    this.#carried(channel);
    this.#channels.set(number, new Carried(channel, this.#clock, {
      opened: () => {
        this.#noteRemote(true);
        this.#tell({ type: 'opened', channel: number, id: channel.id, maxMessageSize: channel.maxMessageSize });
      },
      message: (data) => this.#tell({ type: 'message', channel: number, data }),
      left: (octets) => this.#tell({ type: 'left', channel: number, octets }),
      closing: () => this.#tell({ type: 'closing', channel: number }),
      closed: (failure) => {
        this.#channels.delete(number);
        if (failure?.code === 'channels_unsupported' && !this.#call.farDataChannels) this.#noteRemote(false);
        this.#tell({ type: 'closed', channel: number, fault: failure && faultOf(failure) });
      },
    }));
  }

  /** @param {boolean} takes whether the other party takes data channels */
  #noteRemote(takes) {
    if (this.#remote === takes) return;
    this.#remote = takes;
    this.#tell({ type: 'session', session: this.#session() });
  }
}

/**
 * A channel that is carried for an application: what it sends is counted until it has left.
 *
 * @typedef {object} Told
 * @property {() => void} opened
 * @property {(data: string | ArrayBuffer) => void} message
 * @property {(octets: number) => void} left
 * @property {() => void} closing
 * @property {(failure: Failure | null) => void} closed
 */
class Carried {
  #told;
  #timer;
  /** Given to the channel, and not yet reported as having left. */
  #waiting = 0;

  /**
   * @param {ImsDataChannel} channel
   * @param {import('../lib/clock.js').Clock} clock
   * @param {Told} told
   */
  constructor(channel, clock, told) {
    this.channel = channel;
    this.#told = told;
    this.#timer = new Timer(clock);
    channel.on('open', () => told.opened());
    channel.on('message', (data) => told.message(data));
    channel.on('bufferedamountlow', () => this.#look());
    channel.on('closing', () => told.closing());
    channel.on('close', (failure) => {
      this.#timer.stop();
      told.closed(failure);
    });
    if (channel.readyState === 'open') told.opened();
  }

  /** @param {unknown} data */
  send(data) {
    if (typeof data !== 'string' && !(data instanceof ArrayBuffer)) return;
    try {
      const size = typeof data === 'string' ? new TextEncoder().encode(data).byteLength : data.byteLength;
      // The frame's own count stops an honest application before this does.
      if (this.#waiting + size > 2 * MOST_WAITING) throw new DOMException('Too much is waiting', 'OperationError');
      this.channel.send(data);
      this.#waiting += size;
    } catch (error) {
      // A channel that closed meanwhile takes nothing any more; anything else leaves a gap that must not go unseen.
      if (this.channel.readyState === 'open') this.channel.end(new Failure('channel_failed', { cause: error }));
      return;
    }
    if (!this.#timer.running) this.#timer.set(0, () => this.#look());
  }

  close() {
    this.channel.close();
  }

  #look() {
    const left = this.#waiting - this.channel.bufferedAmount;
    if (left > 0) {
      this.#waiting -= left;
      this.#told.left(left);
    }
    if (this.#waiting > 0) this.#timer.set(LOOK, () => this.#look());
    else this.#timer.stop();
  }
}

/** @param {CallLike} call */
function sessionState(call) {
  if (call.state === 'ended') return SESSION_STATES.ended;
  if (call.state !== 'connected') return SESSION_STATES.early;
  if (call.interrupted) return SESSION_STATES.interrupted;
  return call.held || call.heldByRemote ? SESSION_STATES.held : SESSION_STATES.active;
}

/**
 * @param {unknown} error
 * @returns {Fault}
 */
function faultOf(error) {
  if (error instanceof DOMException || error instanceof TypeError) return { name: error.name, message: error.message };
  return { name: 'OperationError', message: error instanceof Failure ? error.message : 'It failed' };
}
