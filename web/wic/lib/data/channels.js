import { Timer } from '../clock.js';
import { Emitter } from '../emitter.js';
import { Failure } from '../failure.js';
import { APPLICATION_ID, applicationOf, formatReqApp } from './application.js';
import { ChannelRequest } from './channel-request.js';
import { formatDcmap, LAST_ID } from './dcmap.js';
import { ImsDataChannel } from './ims-data-channel.js';
import { readData, withChannels, withoutData } from './sdp.js';

/**
 * The data channels of one call: gives them ids, puts them into the SDP that SIP carries, and takes from the far end's what
 * became of them (RFC 8864 §6). The browser's own copy of SDP never has them.
 *
 * @typedef {import('./dcmap.js').ChannelDescription} ChannelDescription
 *
 * @typedef {object} ChannelInit
 * @property {string} [label]
 * @property {string} [protocol]
 * @property {boolean} [ordered]
 * @property {number | null} [maxRetransmits]
 * @property {number | null} [maxPacketLifeTime]
 * @property {number} [priority]
 * @property {number} [id] 0 to 65534; one that is free if nothing is said
 * @property {boolean} [joins] the far end opens the same one, under the same id: whoever comes first offers it
 * @property {readonly string[]} [attributes] what `a=dcsa` says of it, without `a=`
 * @property {import('./application.js').ChannelApplication | null} [application] what `a=3gpp-req-app` says of it
 * @property {string} [qosHint] `a=3gpp-qos-hint` (TS 26.114 §6.2.7.4); the m-line has one, the first channel's that has any
 *
 * @typedef {object} DataChannelsEvents
 * @property {null} wanted an offer has to be made: a channel was opened or closed
 * @property {ChannelRequest} request the far end wants a channel
 * @property {ImsDataChannel} channel there is another channel, whoever asked for it
 *
 * @typedef {object} DataChannelsParts
 * @property {RTCPeerConnection} peerConnection
 * @property {import('../clock.js').Clock} clock
 * @property {() => string} who the other party in words
 * @property {boolean} [odd] which ids are ours: the two ends of a call then do not choose the same one at once
 * @property {boolean} [inBand] whether channels that the far end opens without SDP may come (RFC 8832)
 */

/** TS 26.114 §6.2.10: the ids below belong to bootstrap channels, or are reserved. */
export const FIRST_ID = 1000;
/** What the gateway has for one association; a label or protocol that is longer it refuses with all the rest. */
const MOST_CHANNELS = 256;
const LONGEST_NAME = 1024;
/** How long a channel that was closed stays in SDP, unless there is another offer to make, in milliseconds. */
const PARTING = 10_000;
/** RFC 8841 §6.1: what a far end takes that says nothing. */
const USUAL_MESSAGE = 65_536;

/** @extends {Emitter<DataChannelsEvents>} */
export class DataChannels extends Emitter {
  #pc;
  #clock;
  #who;
  #inBand;
  #next;
  #closed = false;
  /** Ids of channels that were closed here, and that SDP may still have. @type {Set<number>} */
  #leaving = new Set();
  #parting;
  /** They have had their time. */
  #parted = false;
  /** Those that are not closed, by id. @type {Map<number, ImsDataChannel>} */
  #channels = new Map();
  /** Opened here, and not yet in an offer: their streams are not there yet. @type {Set<ImsDataChannel>} */
  #fresh = new Set();
  /** Those in our offer that waits for its answer. @type {ImsDataChannel[]} */
  #offered = [];
  /** What we are asked. @type {ChannelRequest[]} */
  #requests = [];
  /** The far end's offer that is being answered. @type {import('./sdp.js').DataSection | null} */
  #remote = null;
  /** Ids of the channels that were accepted in that offer. @type {Set<number>} */
  #taken = new Set();
  /** Ids that the descriptions of both ends have, whether or not the channel is still there. @type {Set<number>} */
  #told = new Set();
  /** True if both ends have an m-line for data channels. */
  #lineAgreed = false;

  /** @param {DataChannelsParts} parts */
  constructor({ peerConnection, clock, who, odd = false, inBand = false }) {
    super();
    this.#pc = peerConnection;
    this.#clock = clock;
    this.#who = who;
    this.#inBand = inBand;
    this.#next = FIRST_ID + (odd ? 1 : 0);
    this.#parting = new Timer(clock);
    peerConnection.addEventListener('datachannel', ({ channel }) => this.#openedInBand(channel));
  }

  /** Those that are not closed. */
  get all() {
    return [...this.#channels.values()];
  }

  /** True while an offer is due: the far end does not know yet what was opened, or closed. */
  get wanting() {
    return this.#fresh.size > 0 || (this.#parted && [...this.#leaving].some((id) => this.#told.has(id)));
  }

  /**
   * Opens a channel: an offer goes out, and when the far end has agreed it opens. Throws TypeError if such a channel cannot
   * be, OperationError if there is no place for it.
   * @param {ChannelInit} [init]
   * @returns {ImsDataChannel}
   */
  open(init = {}) {
    if (this.#closed) throw new DOMException('The call has ended', 'InvalidStateError');
    const { attributes, application, qosHint, joins } = init;
    const channel = new ImsDataChannel(this.#describe(init), this.#owner(), { attributes, application, qosHint, joins });
    this.#keep(channel);
    this.#fresh.add(channel);
    this.emit('wanted', null);
    return channel;
  }

  // What the call does around its offers and answers.

  /** For our offer: what was opened since gets its stream, so that nothing is lost that comes before the answer. */
  begin() {
    for (const channel of [...this.#fresh]) {
      // An id that SDP still has is taken out of it first: the same line again would be the same channel.
      if (this.#told.has(channel.id)) continue;
      this.#fresh.delete(channel);
      this.#attach(channel);
    }
  }

  /** Our offer was taken back, and may be made again: what is in it has no stream until then. */
  suspend() {
    for (const channel of this.#unsettled()) {
      channel.detach();
      this.#fresh.add(channel);
    }
  }

  /**
   * True if the browser does not offer what it was told to.
   * @param {string} [sdp] its offer
   */
  isMissingIn(sdp = '') {
    return this.#unsettled().length > 0 && (readData(sdp)?.refused ?? true);
  }

  /**
   * RFC 8864 §6.3: our offer, as the browser made it, with the channels that there are and are to be.
   * @param {string} sdp
   * @returns {string} for SIP
   */
  describeOffer(sdp) {
    const section = readData(sdp);
    const listed = section ? this.all.filter(({ negotiated, readyState }) => negotiated && readyState !== 'closed') : [];
    this.#offered = listed.filter((channel) => !this.#fresh.has(channel));
    if (!section) return sdp;
    // A browser goes on offering what it has once offered, though nobody wants it any more.
    if (this.#offered.length === 0 && !this.#lineAgreed) return withoutData(sdp);
    return withChannels(sdp, lines(this.#offered));
  }

  /**
   * RFC 8864 §6.5: the far end's answer says which of our channels it has. Before the browser hears it, which closes what it
   * closes without a word of why.
   * @param {string} sdp
   */
  applyAnswer(sdp) {
    const section = readData(sdp);
    const refused = !section || section.refused;
    this.#lineAgreed = !refused;
    this.#told.clear();
    for (const channel of this.#offered.splice(0)) {
      const there = refused ? undefined : section.channels.get(channel.id);
      if (there) this.#told.add(channel.id);
      if (there) channel.agree(there.attributes);
      else if (channel.agreed) channel.end(channel.failure);
      else channel.end(this.#failure(refused ? 'channels_unsupported' : 'channel_refused'));
    }
    for (const id of this.#leaving) if (!this.#told.has(id)) this.#leaving.delete(id);
    // What the browser did not put into its offer it will not put into another one.
    for (const channel of this.#unsettled()) channel.end(this.#failure('channel_failed'));
  }

  /**
   * An answer that may not be the last (early media): what it has there is already, what it has not may come yet.
   * @param {string} sdp
   */
  applyProvisional(sdp) {
    const section = readData(sdp);
    if (!section || section.refused) return;
    for (const channel of this.#offered) {
      const there = section.channels.get(channel.id);
      if (there) channel.agree(there.attributes);
    }
  }

  /**
   * Our offer of channels was refused as a whole.
   * @param {Failure} failure
   */
  refused(failure) {
    for (const channel of this.#offered.splice(0)) if (!channel.agreed) channel.end(failure);
  }

  /**
   * RFC 8864 §6.4: an offer of the far end. Whoever listens is asked for each channel that is new.
   * @param {string} sdp empty if the offer is to be ours
   * @param {{ atOnce?: boolean }} [options] atOnce: nobody can be waited for
   * @returns {Promise<string>} for the browser
   */
  async consider(sdp, { atOnce = false } = {}) {
    if (sdp === '') return sdp;
    const section = readData(sdp);
    this.#remote = section && !section.refused ? section : null;
    if (!this.#remote) {
      // RFC 8841 §7: the far end ends the association.
      for (const channel of this.all) if (channel.agreed) channel.end(channel.failure);
      return sdp;
    }
    const { channels, applications } = this.#remote;
    for (const { description, attributes } of channels.values()) {
      const own = this.#channels.get(description.id);
      if (own?.joins && !own.agreed) this.#join(own);
      if (own) continue;
      const make = (/** @type {readonly string[]} */ own) => this.#take(description, own, attributes, applications);
      this.#requests.push(new ChannelRequest({ description, attributes, applications, clock: this.#clock, make, atOnce }));
    }
    const requests = [...this.#requests];
    for (const request of requests) {
      this.emit('request', request);
      request.told();
    }
    await Promise.all(requests.map(({ decided }) => decided));
    this.#requests = [];
    // A line without channels is one for those to come: an application's server has it opened before it waits for ours.
    return this.#lineAgreed || channels.size === 0 || this.#common().length > 0 ? sdp : withoutData(sdp);
  }

  /**
   * RFC 8864 §6.4: our answer, as the browser made it, with those of the offered channels that there are to be.
   * @param {string} sdp
   * @returns {string} for SIP
   */
  describeAnswer(sdp) {
    const section = readData(sdp);
    const remote = this.#remote;
    this.#lineAgreed = Boolean(section && !section.refused && remote);
    const common = this.#lineAgreed ? this.#common() : [];
    this.#remote = null;
    this.#taken.clear();
    this.#told = new Set(common.map(({ id }) => id));
    this.#leaving.clear();
    // RFC 8864 §6.6.1: what a later offer has no more is closed by it.
    for (const channel of this.all) if (channel.negotiated && channel.agreed && !common.includes(channel)) channel.end(channel.failure);
    if (!this.#lineAgreed || !remote) return sdp;
    const attributes = common.flatMap((channel) => [
      // The parameters are the offer's, word for word.
      `dcmap:${remote.channels.get(channel.id)?.map}`,
      ...channel.attributes.map((each) => `dcsa:${channel.id} ${each}`),
    ]);
    // TS 26.114 §6.2.10.3: the answer repeats what application it is.
    if (common.length > 0) attributes.push(...remote.applications.map((each) => `3gpp-req-app:${each}`));
    for (const channel of common) channel.agree(remote.channels.get(channel.id)?.attributes);
    return withChannels(sdp, attributes);
  }

  /** Nothing is answered after all. */
  abandon() {
    this.#remote = null;
    for (const id of [...this.#taken]) this.#channels.get(id)?.end(this.#failure('channel_failed'));
  }

  /** Who is still being asked has said no. */
  refuseRequests() {
    for (const request of [...this.#requests]) request.refuse();
  }

  /** The call is over. */
  close() {
    this.#closed = true;
    this.#parting.stop();
    this.refuseRequests();
    for (const channel of this.all) channel.end(channel.failure);
  }

  // Inside.

  /** Those that have a stream here, and are in no description of the far end. */
  #unsettled() {
    return this.all.filter((channel) => channel.negotiated && !channel.agreed && !this.#fresh.has(channel) && !this.#taken.has(channel.id));
  }

  /** Those of the far end's channels that are ours too. */
  #common() {
    return this.all.filter(({ id, agreed, negotiated }) => negotiated && this.#remote?.channels.has(id) && (agreed || this.#taken.has(id)));
  }

  /**
   * @param {ChannelDescription} description
   * @param {readonly string[]} attributes
   * @param {string[]} remoteAttributes
   * @param {string[]} applications
   */
  #take(description, attributes, remoteAttributes, applications) {
    const channel = new ImsDataChannel(description, this.#owner(), { attributes, application: applicationOf(applications, description.id) });
    channel.remoteAttributes = remoteAttributes;
    this.#keep(channel);
    this.#taken.add(channel.id);
    this.#attach(channel);
    return channel;
  }

  /**
   * Both ends have opened it, and the far end has offered it first.
   * @param {ImsDataChannel} channel
   */
  #join(channel) {
    this.#taken.add(channel.id);
    if (this.#fresh.delete(channel)) this.#attach(channel);
  }

  /** @param {RTCDataChannel} native */
  #openedInBand(native) {
    const description = {
      id: native.id ?? 0,
      label: native.label,
      protocol: native.protocol,
      ordered: native.ordered,
      maxRetransmits: native.maxRetransmits,
      maxPacketLifeTime: native.maxPacketLifeTime,
      priority: 256,
    };
    const make = () => {
      const channel = new ImsDataChannel(description, this.#owner(), { negotiated: false });
      this.#keep(channel);
      channel.agree();
      channel.attach(native);
      return channel;
    };
    const request = new ChannelRequest({ description, attributes: [], applications: [], clock: this.#clock, make, atOnce: true });
    if (this.#inBand && this.#channels.size < MOST_CHANNELS) this.emit('request', request);
    request.told();
    if (!request.channel) native.close();
  }

  /** @param {ImsDataChannel} channel */
  #keep(channel) {
    this.#channels.set(channel.id, channel);
    this.emit('channel', channel);
  }

  /** @param {ImsDataChannel} channel */
  #attach(channel) {
    const { id, label, protocol, ordered, maxRetransmits, maxPacketLifeTime } = channel;
    try {
      const limits = { ...(maxRetransmits !== null && { maxRetransmits }), ...(maxPacketLifeTime !== null && { maxPacketLifeTime }) };
      channel.attach(this.#pc.createDataChannel(label, { negotiated: true, id, protocol, ordered, ...limits }));
    } catch (error) {
      channel.end(this.#failure('channel_failed', error));
    }
  }

  /** @returns {import('./ims-data-channel.js').ChannelOwner} */
  #owner() {
    return {
      clock: this.#clock,
      maxMessageSize: () => this.#pc.sctp?.maxMessageSize || USUAL_MESSAGE,
      failure: (code, cause) => this.#failure(code, cause),
      closed: (channel) => this.#ended(channel),
    };
  }

  /** @param {ImsDataChannel} channel */
  #ended(channel) {
    this.#fresh.delete(channel);
    this.#taken.delete(channel.id);
    this.#channels.delete(channel.id);
    // RFC 8864 §6.6.1: the SDP of both ends still has it; who closed it takes it out.
    // Deviates: not at once but with the next offer, or after a while. An offer overtakes data that are still on their way
    // between two gateways, and to one that hears that the channel is no more, they are nobody's.
    const known = channel.agreed || this.#offered.includes(channel);
    if (!known || !channel.negotiated || !channel.closedHere || this.#closed) return;
    this.#leaving.add(channel.id);
    this.#parted = false;
    this.#parting.set(PARTING, () => {
      this.#parted = true;
      this.emit('wanted', null);
    });
  }

  /**
   * @param {ChannelInit} init
   * @returns {ChannelDescription}
   */
  #describe({ label = '', protocol = '', ordered = true, maxRetransmits = null, maxPacketLifeTime = null, priority = 256, id, application, qosHint = '' }) {
    if (application && !APPLICATION_ID.test(application.id)) throw new TypeError('An application is named by a token');
    if (/[^\x21-\x7e]/.test(qosHint)) throw new TypeError('A QoS hint is a word');
    for (const name of [label, protocol]) {
      if (new TextEncoder().encode(name).byteLength > LONGEST_NAME) throw new TypeError(`A label or protocol has at most ${LONGEST_NAME} octets`);
    }
    if (maxRetransmits !== null && maxPacketLifeTime !== null) throw new TypeError('A channel has maxRetransmits or maxPacketLifeTime, not both');
    for (const [number, most] of /** @type {const} */ ([[maxRetransmits, 65_535], [maxPacketLifeTime, 65_535], [priority, 65_535], [id ?? null, LAST_ID]])) {
      if (number !== null && !(Number.isInteger(number) && number >= 0 && number <= most)) throw new TypeError(`${number} is not 0 to ${most}`);
    }
    if (this.#channels.size >= MOST_CHANNELS) throw new DOMException(`A call has at most ${MOST_CHANNELS} channels`, 'OperationError');
    if (id !== undefined && this.#channels.has(id)) throw new DOMException(`Channel ${id} is in use`, 'OperationError');
    return { id: id ?? this.#freeId(), label, protocol, ordered, maxRetransmits, maxPacketLifeTime, priority };
  }

  /** One after the other: an id whose stream is still being reset somewhere is not used again so soon. */
  #freeId() {
    for (;;) {
      const id = this.#next;
      this.#next = id + 2 > LAST_ID ? FIRST_ID + (id % 2) : id + 2;
      if (!this.#channels.has(id) && !this.#told.has(id)) return id;
    }
  }

  /**
   * @param {import('../failure.js').FailureCode} code
   * @param {unknown} [cause]
   */
  #failure(code, cause) {
    return new Failure(code, { who: this.#who(), cause });
  }
}

/** @param {ImsDataChannel[]} channels */
function lines(channels) {
  const qosHint = channels.find((channel) => channel.qosHint !== '')?.qosHint;
  return [
    ...(qosHint ? [`3gpp-qos-hint:${qosHint}`] : []),
    ...channels.flatMap((channel) => [
      `dcmap:${formatDcmap(channel.description)}`,
      ...channel.attributes.map((each) => `dcsa:${channel.id} ${each}`),
    ]),
    ...formatReqApp(channels).map((each) => `3gpp-req-app:${each}`),
  ];
}
