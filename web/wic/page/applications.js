import { Emitter } from '../lib/emitter.js';
import { FIRST_ID } from '../lib/data/channels.js';
import { EarlyChannel } from '../ts66/early-channel.js';
import { hindrance } from '../runtime/list.js';
import { attributesOf, OpenApplication, readAttributes } from './open-application.js';

/**
 * The applications of one call: which are open, what the other side wants to open, and what begins with the call by itself.
 *
 * @typedef {import('../lib/call/call.js').Call} Call
 * @typedef {import('../lib/data/channel-request.js').ChannelRequest} ChannelRequest
 * @typedef {import('../runtime/application-frame.js').ApplicationFrame} ApplicationFrame
 * @typedef {import('./shelf.js').Entry} Entry
 * @typedef {import('./shelf.js').Shelf} Shelf
 *
 * @typedef {object} Ask the other party, or a server, has opened an application that is not open here
 * @property {string} id
 * @property {string} name as the own list has it, or else as the other side says
 * @property {'ue' | 'server'} from
 * @property {ChannelRequest[]} requests what waits for an answer
 * @property {EarlyChannel[]} channels what could not wait, and was accepted until there is one
 *
 * @typedef {object} ApplicationsEvents
 * @property {null} change of the list, or of what may be opened now
 * @property {OpenApplication} open
 * @property {Ask} ask
 * @property {{ ask: Ask, answer: 'accepted' | 'refused' | 'late' }} answered
 *
 * @typedef {object} Beginning whether a call begins with applications
 * @property {boolean} early the list is asked for with the call, so that it is there as soon as anything is answered
 * @property {() => Promise<boolean>} answered whether it is asked for once the call is answered, and when this side has its turn
 *
 * @typedef {object} ApplicationsParts
 * @property {Call} call
 * @property {Shelf} shelf
 * @property {Beginning} [begins]
 * @property {() => boolean | null} network whether the network carries data channels, null if that is not known
 * @property {(entry: Entry) => boolean} agreed
 * @property {(open: OpenApplication, entry: Entry, bytes: ArrayBuffer) => ApplicationFrame} frame
 */

/** More would not be seen beside one another. */
export const MOST_OPEN = 6;
/** Who asks for more at once, or again and again, is not heard. */
const MOST_ASKS = 3;
const MOST_REFUSALS = 3;
/** So many channels of an application wait for an answer of a person. */
const MOST_CHANNELS = 16;

/** @extends {Emitter<ApplicationsEvents>} */
export class Applications extends Emitter {
  /** @type {OpenApplication[]} */
  open = [];
  /** @type {Ask[]} */
  asks = [];
  /** Those that have begun by themselves: who closes them has closed them. @type {Set<string>} */
  #begun = new Set();
  /** Those that were fetched before they may be used. @type {Set<string>} */
  #fetched = new Set();
  /** How often each was refused. @type {Map<string, number>} */
  #refusals = new Map();
  #call;
  #network;
  #agreed;
  #frame;
  #begins;

  /** @param {ApplicationsParts} parts */
  constructor({ call, shelf, network, agreed, frame, begins = { early: false, answered: async () => false } }) {
    super();
    this.#call = call;
    this.shelf = shelf;
    this.#network = network;
    this.#agreed = agreed;
    this.#frame = frame;
    this.#begins = begins;
    shelf.on('change', () => {
      this.#name();
      this.emit('change', null);
      this.#byThemselves();
    });
    call.on('channelrequest', (request) => this.#requested(request));
    call.on('change', () => {
      this.emit('change', null);
      this.#byThemselves();
    });
    call.on('state', (state) => {
      if (state === 'ended') for (const each of [...this.open]) each.close();
      else {
        if (state === 'connected') void this.#lookAnswered();
        this.emit('change', null);
        this.#byThemselves();
      }
      this.#lookForNames();
    });
    // TS 26.114 §6.2.10.1: the bootstrap channel goes with the INVITE.
    if (begins.early) this.#look();
  }

  /**
   * Why an application cannot be opened now; nothing if it can.
   * @param {Entry} entry
   * @returns {'' | 'over' | 'phase' | 'scene' | 'peer' | 'network' | 'many'}
   */
  hindrance({ application }) {
    const { state, hasVideo, farDataChannels } = this.#call;
    if (this.#network() === false) return 'network';
    if (this.open.length >= MOST_OPEN && !this.find(application.id)) return 'many';
    // Who says nothing of data channels may still have them; who has refused them has not, nor has who has none to the network.
    const peer = farDataChannels || (this.shelf.peer !== false && !this.open.some(({ far }) => far.ue === 'unsupported'));
    return hindrance(application, { established: state === 'connected', video: hasVideo, peer: peer ? null : false, now: Date.now() });
  }

  /** The one that is open. @param {string} id */
  find(id) {
    return this.open.find((each) => each.id === id) ?? null;
  }

  /**
   * Opens an application of the list; one that is open already is that one.
   * @param {Entry} entry
   * @returns {OpenApplication}
   */
  launch(entry) {
    const { id, name } = entry.application;
    // Who opens what the other side has asked about has answered.
    const ask = this.asks.find((each) => each.id === id);
    if (ask) return this.accept(ask);
    return this.find(id) ?? this.#open({ id, name, launchedBy: 'local', find: async () => entry });
  }

  /**
   * Opens what the other side wants to open.
   * @param {Ask} ask
   */
  accept(ask) {
    const open = this.#open({ id: ask.id, name: ask.name, launchedBy: 'remote', find: () => this.shelf.find(ask.id) });
    this.#answer(ask, 'accepted');
    const known = this.#entry(ask.id);
    for (const request of ask.requests) {
      const channel = request.accept({ attributes: known ? attributesOf(known.application) : [] });
      if (channel) open.take(new EarlyChannel(channel));
    }
    for (const early of ask.channels) open.take(early);
    return open;
  }

  /** @param {Ask} ask */
  refuse(ask) {
    this.#refusals.set(ask.id, (this.#refusals.get(ask.id) ?? 0) + 1);
    this.#answer(ask, 'refused');
    for (const each of [...ask.requests, ...ask.channels]) each.refuse();
  }

  /** @param {ChannelRequest} request */
  #requested(request) {
    const { application } = request;
    if (!application || request.id < FIRST_ID) return;
    const { id, endpoint } = application;
    const open = this.find(id);
    if (open) {
      if (open.state === 'failed' || open.takes) return;
      const channel = request.accept({ attributes: open.entry ? attributesOf(open.entry.application) : [] });
      if (channel) open.take(new EarlyChannel(channel));
      return;
    }
    const there = this.asks.find((each) => each.id === id && each.from === endpoint);
    if ((!there && this.asks.length >= MOST_ASKS) || (this.#refusals.get(id) ?? 0) >= MOST_REFUSALS || this.open.length >= MOST_OPEN) return;
    if (there && there.requests.length + there.channels.length >= MOST_CHANNELS) return;
    const entry = this.#entry(id);
    const ask = there ?? { id, name: entry?.application.name ?? (readAttributes(request.attributes).name || id), from: endpoint, requests: [], channels: [] };
    // Who answers a call is not kept waiting, nor is an UPDATE: the channel is there, and closed by who says no.
    if (request.atOnce || this.#call.state !== 'connected') this.#hold(ask, request, entry);
    else this.#wait(ask, request);
    if (there || ask.requests.length + ask.channels.length === 0) return;
    this.asks.push(ask);
    this.emit('ask', ask);
    this.#lookForNames();
  }

  /** The call is answered. */
  async #lookAnswered() {
    const known = () => this.shelf.state === 'known';
    // What may be used now is another thing than what might be while it rang.
    if (known()) this.#look();
    else if ((await this.#begins.answered()) && !known()) this.#look();
  }

  /** Asks for the list, though nobody has pressed anything. */
  #look() {
    if (this.#call.state !== 'ended' && this.#network() === true) void this.shelf.look();
  }

  /** People are asked about names: where all that is known is an identifier, the network's list may have one. */
  #lookForNames() {
    // Who waits for an answer comes first: an offer of ours would have to wait for it.
    const unnamed = this.asks.some(({ id, name, requests }) => name === id && requests.length === 0);
    if (unnamed && this.#call.state === 'connected' && this.shelf.state === 'unknown') void this.shelf.look();
  }

  /** What was asked about by its identifier is asked about by its name. */
  #name() {
    for (const ask of this.asks) {
      const name = this.#entry(ask.id)?.application.name ?? ask.name;
      if (name === ask.name) continue;
      ask.name = name;
      this.emit('ask', ask);
    }
  }

  /**
   * @param {Ask} ask
   * @param {ChannelRequest} request
   */
  #wait(ask, request) {
    request.wait();
    ask.requests.push(request);
    void request.decided.then(() => {
      ask.requests = ask.requests.filter((each) => each !== request);
      this.#settle(ask);
    });
  }

  /**
   * @param {Ask} ask
   * @param {ChannelRequest} request
   * @param {Entry | null} entry
   */
  #hold(ask, request, entry) {
    const channel = request.accept({ attributes: entry ? attributesOf(entry.application) : [] });
    if (!channel) return;
    const early = new EarlyChannel(channel);
    ask.channels.push(early);
    channel.on('close', () => {
      ask.channels = ask.channels.filter((each) => each !== early);
      this.#settle(ask);
    });
  }

  /** Who asked has gone, or has waited long enough. @param {Ask} ask */
  #settle(ask) {
    if (this.asks.includes(ask) && ask.requests.length + ask.channels.length === 0) this.#answer(ask, 'late');
  }

  /**
   * @param {Ask} ask
   * @param {'accepted' | 'refused' | 'late'} answer
   */
  #answer(ask, answer) {
    this.asks = this.asks.filter((each) => each !== ask);
    this.emit('answered', { ask, answer });
  }

  /** @param {string} id */
  #entry(id) {
    return this.shelf.entries.find(({ application }) => application.id === id) ?? null;
  }

  /** Fetches, and opens, what the network wants fetched and opened with a call, or before it is answered. */
  #byThemselves() {
    const { state } = this.#call;
    const rings = state === 'calling' || state === 'ringing';
    if ((!rings && state !== 'connected') || this.shelf.state !== 'known') return;
    for (const entry of this.shelf.entries) {
      const { id, name, autoload, autolaunch, phase } = entry.application;
      if (entry.developer || !autoload || this.#begun.has(id)) continue;
      const hindrance = this.hindrance(entry);
      const soon = rings && hindrance === 'phase' && phase === 'INCALL';
      if (hindrance !== '' && !soon) continue;
      if (!soon) this.#begun.add(id);
      if (!soon && autolaunch) {
        if (!this.find(id)) this.#open({ id, name, launchedBy: 'local', byItself: true, find: async () => entry });
      } else if (!this.#fetched.has(id)) {
        // It is kept for when it is wanted; what fails is fetched again then.
        this.#fetched.add(id);
        void entry.load().catch(() => {});
      }
    }
  }

  /** @param {Pick<import('./open-application.js').OpenParts, 'id' | 'name' | 'launchedBy' | 'byItself' | 'find'>} parts */
  #open(parts) {
    const open = new OpenApplication({ ...parts, agreed: this.#agreed, farKnows: () => this.#call.farDataChannels, frame: this.#frame });
    this.open.push(open);
    open.on('close', () => {
      this.open = this.open.filter((each) => each !== open);
      this.emit('change', null);
    });
    this.emit('open', open);
    this.emit('change', null);
    void open.begin();
    return open;
  }
}
