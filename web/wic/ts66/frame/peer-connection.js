import { CONFIGURATION, REQUEST, SERVICE, SERVICE_EVENTS, SESSION_STATES, STATES } from '../names.js';
import { ABANDON, COUNTS, DataChannel, END, OURS } from './data-channel.js';
import { defineHandlers } from './events.js';
import { channelParameters } from './parameters.js';
import { SignallingService } from './signalling-service.js';
import { StatsReport, statsTime } from './stats.js';

/**
 * RTCPeerConnection of W3C WebRTC §4.4, adapted: the connection is the call's, and what is left of it to an application is
 * its data channels. SDP, ICE and media are the phone's.
 *
 * @typedef {import('./link.js').Link} Link
 * @typedef {import('../messages.js').Fault} Fault
 */

/** An association has a largest number of streams (RFC 8831 §6.2). */
const MOST_CHANNELS = 65_535;

/**
 * A channel has come from the other side, and is open; the browser's own event takes the browser's own channels only.
 * W3C WebRTC §6.3.
 */
export class ChannelEvent extends Event {
  #channel;

  /**
   * @param {string} type
   * @param {{ channel: DataChannel } & EventInit} init
   */
  constructor(type, init) {
    super(type, init);
    if (!(init?.channel instanceof DataChannel)) throw new TypeError('RTCDataChannelEventInit has a channel');
    this.#channel = init.channel;
  }

  get channel() {
    return this.#channel;
  }
}

/**
 * The other side offers a channel. It is taken unless a listener refuses it, or calls `preventDefault()` to decide later.
 */
export class RequestEvent extends Event {
  #decide;
  #parameters;

  /**
   * @param {import('../messages.js').ChannelParameters} parameters
   * @param {(accepted: boolean) => void} decide
   */
  constructor(parameters, decide) {
    super(REQUEST.event, { cancelable: true });
    this.#parameters = parameters;
    this.#decide = decide;
  }

  get label() {
    return this.#parameters.label;
  }

  get protocol() {
    return this.#parameters.protocol;
  }

  get id() {
    return this.#parameters.id;
  }

  get endpoint() {
    return this.#parameters.endpoint;
  }

  [REQUEST.accept]() {
    this.#decide(true);
  }

  [REQUEST.refuse]() {
    this.#decide(false);
  }
}

export class PeerConnection extends EventTarget {
  #link;
  #configuration;
  #service;
  #closed = false;
  #failed = false;
  /** @type {Set<DataChannel>} */
  #channels = new Set();
  /** @type {RTCPeerConnectionState} */
  #state = 'new';
  #maxMessageSize = 0;
  /** How many of its channels have been open, and have left that state: WebRTC Statistics §8.8. */
  #opened = 0;
  #left = 0;
  /** @type {Set<DataChannel>} */
  #open = new Set();
  #sctp = associationOf(() => ({ over: this.#closed || this.#failed, maxMessageSize: this.#maxMessageSize }));
  #listener = {
    lost: () => this.#end({ name: 'OperationError', message: 'The call has ended' }),
    requested: (/** @type {import('./link.js').OfChannel & { type: 'requested' }} */ message) => this.#requested(message),
  };

  /**
   * @param {Link} link
   * @param {unknown} [configuration]
   * @param {() => SignallingService} [associated] the association of one that is given none
   */
  constructor(link, configuration = {}, associated = () => new SignallingService(link)) {
    super();
    if (typeof configuration !== 'object' && typeof configuration !== 'function') throw new TypeError('RTCConfiguration is a dictionary');
    const given = /** @type {Record<string, unknown>} */ (configuration ?? {});
    const service = given[CONFIGURATION.service] ?? associated();
    if (!(service instanceof SignallingService)) throw new TypeError(`${CONFIGURATION.service} is an RTCPeerSignallingService`);
    if (service[SERVICE.state] === STATES.closed || service[SERVICE.state] === STATES.failed) throw new DOMException('The association is over', 'InvalidStateError');
    this.#link = link;
    this.#service = service;
    this.#configuration = { ...DEFAULTS, ...given, [CONFIGURATION.service]: service };
    link.add(this.#listener);
    service.addEventListener(SERVICE_EVENTS.state, () => this.#serviceChanged());
    service.addEventListener(SERVICE_EVENTS.session, () => this.#update());
    // Who has not asked for the association asks by this.
    service[SERVICE.associate]().catch((error) => this.#fail(error));
  }

  // What is the W3C's, and is there.

  /**
   * W3C WebRTC §6.1.
   * @param {string} label
   * @param {unknown} [init]
   */
  createDataChannel(label, init = undefined) {
    if (arguments.length === 0) throw new TypeError('createDataChannel() takes a label');
    const parameters = channelParameters(label, init);
    if (this.#closed) throw new DOMException("The RTCPeerConnection's signalingState is 'closed'", 'InvalidStateError');
    const taken = [...this.#channels].some((channel) => parameters.id !== null && channel.id === parameters.id);
    if (taken) throw new DOMException(`Channel ${parameters.id} is in use`, 'OperationError');
    const number = this.#link.nextChannel();
    const channel = this.#keep(number, parameters, () => {});
    void this.#begin(channel, number, parameters);
    return channel;
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#link.remove(this.#listener);
    for (const channel of this.#channels) channel[ABANDON]();
    this.#channels.clear();
    // W3C WebRTC §4.4.2: no event tells it.
    this.#state = 'closed';
  }

  getConfiguration() {
    return { ...this.#configuration };
  }

  /** @param {unknown} [configuration] */
  setConfiguration(configuration = undefined) {
    if (this.#closed) throw new DOMException('The connection is closed', 'InvalidStateError');
    const given = /** @type {Record<string, unknown>} */ (configuration ?? {});
    const service = given[CONFIGURATION.service];
    if (service !== undefined && service !== this.#service) throw new DOMException('A connection stays in its session', 'InvalidModificationError');
    this.#configuration = { ...DEFAULTS, ...given, [CONFIGURATION.service]: this.#service };
  }

  get signalingState() {
    return this.#closed ? 'closed' : 'stable';
  }

  get connectionState() {
    return this.#state;
  }

  /** @returns {RTCIceConnectionState} */
  get iceConnectionState() {
    return this.#state === 'connecting' ? 'checking' : this.#state;
  }

  get iceGatheringState() {
    return 'complete';
  }

  /** The association's limits, as far as they are known: W3C WebRTC §6.1.1. */
  get sctp() {
    return this.#maxMessageSize === 0 ? null : this.#sctp;
  }

  /**
   * W3C WebRTC §8.2, of its channels; a track is the call's and none of this connection's.
   * @param {unknown} [selector]
   * @returns {Promise<StatsReport>}
   */
  getStats(selector = null) {
    if (selector !== null && selector !== undefined) {
      const track = typeof MediaStreamTrack === 'function' && selector instanceof MediaStreamTrack;
      return Promise.reject(track ? new DOMException('The track is none of this connection', 'InvalidAccessError') : new TypeError('What is asked about is a track'));
    }
    const timestamp = statsTime();
    const channels = [...this.#channels].map((channel, index) => ({
      id: `D${channel.id ?? `-${index}`}`,
      timestamp,
      type: 'data-channel',
      label: channel.label,
      protocol: channel.protocol,
      ...(channel.id !== null && { dataChannelIdentifier: channel.id }),
      state: channel.readyState,
      ...channel[COUNTS],
    }));
    return Promise.resolve(new StatsReport([
      { id: 'P', timestamp, type: 'peer-connection', dataChannelsOpened: this.#opened, dataChannelsClosed: this.#left },
      ...channels,
    ]));
  }

  // What is the phone's: nothing of it is to be seen.

  get localDescription() {
    return null;
  }

  get remoteDescription() {
    return null;
  }

  get currentLocalDescription() {
    return null;
  }

  get currentRemoteDescription() {
    return null;
  }

  get pendingLocalDescription() {
    return null;
  }

  get pendingRemoteDescription() {
    return null;
  }

  get canTrickleIceCandidates() {
    return null;
  }

  getSenders() {
    return [];
  }

  getReceivers() {
    return [];
  }

  getTransceivers() {
    return [];
  }

  // Inside.

  /**
   * @param {number} number
   * @param {import('../messages.js').ChannelParameters} parameters
   * @param {(channel: DataChannel) => void} opened
   */
  #keep(number, parameters, opened) {
    const channel = new DataChannel(OURS, {
      link: this.#link,
      number,
      parameters,
      applicationId: () => this.#service[SERVICE.applicationId] ?? '',
      changed: (changed) => this.#channelChanged(changed),
      opened: (octets) => {
        this.#maxMessageSize = octets;
        opened(channel);
      },
    });
    this.#channels.add(channel);
    queueMicrotask(() => this.#update());
    return channel;
  }

  /**
   * @param {DataChannel} channel
   * @param {number} number
   * @param {import('../messages.js').ChannelParameters} parameters
   */
  async #begin(channel, number, parameters) {
    try {
      await this.#service[SERVICE.associate]();
    } catch {
      // Why is told by the connection's end.
      return;
    }
    if (this.#closed) return;
    // It was closed before there was anything to open.
    if (channel.readyState !== 'connecting') channel[END](null);
    else this.#link.post({ type: 'open', channel: number, parameters });
  }

  /** @param {import('./link.js').OfChannel & { type: 'requested' }} message */
  #requested({ channel: number, parameters }) {
    if (this.#closed || this.#service[SERVICE.state] !== STATES.associated) return false;
    let decided = false;
    const decide = (/** @type {boolean} */ accepted) => {
      if (decided) return;
      decided = true;
      if (!accepted || this.#closed) {
        this.#link.post({ type: 'refuse', channel: number });
        return;
      }
      // W3C WebRTC §6.1.3: a channel that comes is told of when it is open, and says so itself after that.
      this.#keep(number, parameters, (channel) => this.dispatchEvent(new ChannelEvent('datachannel', { channel })));
      this.#link.post({ type: 'accept', channel: number });
    };
    const event = new RequestEvent(parameters, decide);
    if (this.dispatchEvent(event)) decide(true);
    return true;
  }

  /** @param {DataChannel} channel */
  #channelChanged(channel) {
    if (channel.readyState === 'open') {
      this.#open.add(channel);
      this.#opened += 1;
    } else if (this.#open.delete(channel)) this.#left += 1;
    if (channel.readyState === 'closed') this.#channels.delete(channel);
    this.#update();
  }

  #serviceChanged() {
    if (this.#service[SERVICE.state] === STATES.closed) this.#end(null);
  }

  /** @param {unknown} error */
  #fail(error) {
    const { name, message } = error instanceof Error ? error : { name: 'OperationError', message: 'The association failed' };
    this.#end({ name, message });
  }

  /** @param {Fault | null} fault */
  #end(fault) {
    if (this.#failed || this.#closed) return;
    this.#failed = true;
    this.#link.remove(this.#listener);
    for (const channel of [...this.#channels]) channel[END](fault);
    this.#update();
  }

  #update() {
    if (this.#closed) return;
    const states = [...this.#channels].map(({ readyState }) => readyState);
    /** @type {RTCPeerConnectionState} */
    let state = this.#state;
    if (this.#failed) state = 'failed';
    else if (this.#service[SERVICE.sessionState] === SESSION_STATES.interrupted) state = 'disconnected';
    else if (states.includes('open') || this.#maxMessageSize > 0) state = 'connected';
    else if (states.includes('connecting')) state = 'connecting';
    if (state === this.#state) return;
    this.#state = state;
    for (const type of ['iceconnectionstatechange', 'connectionstatechange']) this.dispatchEvent(new Event(type));
  }
}

/** W3C WebRTC §4.2.1: what a configuration says that says nothing. None of it has an effect here. */
const DEFAULTS = Object.freeze({
  bundlePolicy: 'balanced',
  certificates: Object.freeze([]),
  iceCandidatePoolSize: 0,
  iceServers: Object.freeze([]),
  iceTransportPolicy: 'all',
  rtcpMuxPolicy: 'require',
});

defineHandlers(PeerConnection, [
  'datachannel', REQUEST.event, 'connectionstatechange', 'iceconnectionstatechange',
  // What never comes, since there is nothing of it to do.
  'signalingstatechange', 'icegatheringstatechange', 'icecandidate', 'icecandidateerror', 'negotiationneeded', 'track',
]);

/** What belongs to the phone and not to an application, and what the W3C lets answer with a promise. */
const NOT_HERE = ['addTrack', 'removeTrack', 'addTransceiver', 'restartIce'];
const NOT_HERE_LATER = ['createOffer', 'createAnswer', 'setLocalDescription', 'setRemoteDescription', 'addIceCandidate'];

for (const name of NOT_HERE) {
  Object.defineProperty(PeerConnection.prototype, name, {
    configurable: true,
    writable: true,
    value() {
      throw notHere(name);
    },
  });
}
for (const name of NOT_HERE_LATER) {
  Object.defineProperty(PeerConnection.prototype, name, {
    configurable: true,
    writable: true,
    value: () => Promise.reject(notHere(name)),
  });
}

/**
 * RTCSctpTransport of W3C WebRTC §6.1.1, without its transport.
 * @param {() => { over: boolean, maxMessageSize: number }} look
 */
function associationOf(look) {
  return Object.freeze({
    transport: null,
    get state() {
      return look().over ? 'closed' : 'connected';
    },
    get maxMessageSize() {
      return look().maxMessageSize;
    },
    maxChannels: MOST_CHANNELS,
  });
}

/** @param {string} name */
function notHere(name) {
  return new DOMException(`${name}: the call's signalling and media are the phone's`, 'NotSupportedError');
}
