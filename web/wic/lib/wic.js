import { systemClock, Timer } from './clock.js';
import { dialled } from './dial.js';
import { EMERGENCY_NUMBERS, isEmergency } from './emergency.js';
import { Emitter } from './emitter.js';
import { Failure } from './failure.js';
import { IncomingCall } from './call/incoming-call.js';
import { OutgoingCall } from './call/outgoing-call.js';
import { RegEvent } from './reg-event.js';
import { Registration } from './registration.js';
import { Agent } from './sip/agent.js';
import { instanceUrn } from './sip/ids.js';
import { NameAddr } from './sip/name-addr.js';
import { digits, Uri } from './sip/uri.js';
import { WebSocketTransport } from './transport.js';

/**
 * The WebRTC IMS Client (TS 24.371 §4.2): one account, its registration and its calls.
 *
 * @example
 * const session = new Session(id);
 * const credential = new BearerCredential(() => session.token());
 * await credential.renew();
 * const wic = new Wic({ account: session.account, credential });
 * wic.on('incoming', (call) => call.answer());
 * wic.start();
 *
 * @typedef {import('./call/call.js').Call} Call
 *
 * @typedef {'stopped' | 'connecting' | 'registering' | 'registered' | 'reconnecting' | 'refused'} WicStatus
 *
 * @typedef {object} WicEvents
 * @property {WicStatus} status
 * @property {IncomingCall} incoming somebody calls
 * @property {Call} call a call began, of either direction
 * @property {Call} ended a call ended; its `failure` says why
 * @property {Failure} failure something that concerns no call, such as being signed out
 *
 * @typedef {object} WicOptions
 * @property {Pick<import('./session.js').Account, 'impus' | 'displayName' | 'homeDomain' | 'w2' | 'applications'>} account
 * @property {import('./credentials.js').Credential} credential
 * @property {string} [instance] `urn:uuid:…`; keep it for as long as the page is the same phone
 * @property {number} [maxCalls] how many calls there may be at once, 1 by default; another caller hears busy
 * @property {boolean} [asksForVideo] whether video that is added to a call waits for a decision (`videorequest`)
 * @property {readonly string[]} [emergencyNumbers]
 * @property {boolean} [watchRegistration] whether the network is asked to tell what becomes of the registration; it is
 * @property {(text: string) => Document} [parseXml] for a host that has no DOMParser
 * @property {() => import('./media/session.js').MediaOptions} [media] options for each call's media
 * @property {import('./clock.js').Clock} [clock]
 * @property {() => number} [random]
 * @property {import('./transport.js').Transport & EventTarget} [transport]
 */

/** Calls live on without signalling for this long (access edge's own patience is about the same). */
const SIGNALLING_GRACE = 60_000;

/** @extends {Emitter<WicEvents>} */
export class Wic extends Emitter {
  /** @type {WicStatus} */
  status = 'stopped';
  /** @type {Call[]} */
  calls = [];
  #options;
  #random;
  #everRegistered = false;
  #flowLost = false;
  #grace;

  /** @param {WicOptions} options */
  constructor(options) {
    super();
    const { account, credential, clock = systemClock, random = Math.random } = options;
    this.#options = options;
    this.#random = random;
    this.account = account;
    this.credential = credential;
    this.transport = options.transport ?? new WebSocketTransport(account.w2, { clock, random });
    this.agent = new Agent({ transport: this.transport, credential, clock });
    this.registration = new Registration({
      agent: this.agent,
      identity: this.identity,
      instance: options.instance ?? instanceUrn(),
      random,
    });
    /** What the network says of our registration; null where nobody wants to know. */
    this.regEvent = options.watchRegistration === false ? null : new RegEvent({ agent: this.agent, identity: this.identity, parse: options.parseXml });
    this.regEvent?.on('ended', ({ reason, retryAfter }) => {
      // The next registration is watched anew (TS 24.229 §5.1.1.3).
      this.regEvent?.stop();
      this.registration.endedByNetwork(reason, retryAfter);
    });
    this.regEvent?.on('shortened', (seconds) => this.registration.shortenedByNetwork(seconds));
    this.#grace = new Timer(clock);
    this.transport.addEventListener('state', () => this.#transportState());
    this.transport.addEventListener('network', () => {
      for (const call of this.calls) call.networkChanged();
    });
    this.registration.on('state', () => this.#registrationState());
    this.agent.on('invite', (transaction) => this.#invited(transaction));
    if (credential instanceof Emitter) {
      credential.on('renewed', () => this.registration.credentialRenewed());
      credential.on('lost', (/** @type {Failure} */ failure) => this.emit('failure', failure));
    }
  }

  /** The public user identity that we register and call with: the first `sip:` one. */
  get identity() {
    return this.account.impus.find((impu) => impu.startsWith('sip:')) ?? this.account.impus[0];
  }

  /** Connects and registers; from then on the connection is kept. */
  start() {
    this.transport.connect();
  }

  /**
   * Ends the calls, deregisters and closes the connection (TS 24.371 §6A.2).
   * @returns {Promise<void>}
   */
  async stop() {
    for (const call of [...this.calls]) call.hangUp();
    this.regEvent?.stop();
    await this.registration.deregister();
    this.#grace.stop();
    this.agent.clear();
    this.transport.close();
    this.#enter('stopped');
  }

  /**
   * Calls a name, a number or an address. Throws a Failure at once if it cannot even be tried.
   *
   * @param {string} target
   * @param {{ video?: boolean }} [options]
   * @returns {OutgoingCall}
   */
  call(target, { video = false } = {}) {
    const uri = dialled(target, this.account.homeDomain);
    // TS 24.371 §7.2.4, before anything else.
    if (isEmergency(uri, this.#options.emergencyNumbers ?? EMERGENCY_NUMBERS)) throw new Failure('emergency');
    if (this.#isOwn(uri)) throw new Failure('yourself');
    if (this.status !== 'registered') throw new Failure(this.status === 'reconnecting' ? 'network_lost' : 'not_registered');
    const call = new OutgoingCall({
      agent: this.agent,
      remote: new NameAddr(uri),
      identity: new NameAddr(Uri.parse(this.identity), { name: this.account.displayName }).toString(),
      video,
      media: this.#options.media?.(),
      random: this.#random,
      asksForVideo: this.#options.asksForVideo,
    });
    this.#keep(call);
    void call.start();
    return call;
  }

  /**
   * Whether somebody would call himself: the network would find the line busy.
   * @param {Uri} uri
   */
  #isOwn(uri) {
    return this.account.impus.some((impu) => {
      const own = Uri.parse(impu);
      return own.aor === uri.aor || (own.scheme === 'tel' && uri.params.get('user') === 'phone' && own.aor === `tel:${digits(uri.user)}`);
    });
  }

  /**
   * Answers a call; who is talked to now is put on hold first, so that nobody hears what is for another.
   * @param {IncomingCall} call
   * @param {{ video?: boolean }} [options] with our camera; by default if the caller offers video
   * @returns {Promise<void>} rejects with a Failure if another call could not be put on hold; then this one still rings
   */
  async answer(call, options) {
    const held = await this.#holdOthers(call);
    // Who gave up meanwhile leaves us where we were.
    if (call.state !== 'incoming') await Promise.all(held.map((other) => other.setHeld(false)));
    else await call.answer(options);
  }

  /**
   * Talks in this call, with every other one on hold (TS 24.610).
   * @param {Call} call one that is connected
   * @returns {Promise<void>} rejects with a Failure if one of them could not be put on hold, or this one not be resumed
   */
  async switchTo(call) {
    await this.#holdOthers(call);
    await call.setHeld(false);
  }

  /**
   * @param {Call} call
   * @returns {Promise<Call[]>} those that were not on hold before
   */
  async #holdOthers(call) {
    const others = this.calls.filter((other) => other !== call && other.state === 'connected' && !other.held);
    await Promise.all(others.map((other) => other.setHeld(true)));
    return others;
  }

  /** @param {import('./sip/server-transaction.js').ServerTransaction} transaction */
  #invited(transaction) {
    if (!transaction.request.get('Contact')) {
      this.agent.reply(transaction, 400);
      return;
    }
    const most = this.#options.maxCalls ?? 1;
    // While a call begins there is nobody yet who could be put on hold for another.
    if (this.calls.length >= most || this.calls.some(({ state }) => state !== 'connected')) {
      this.agent.reply(transaction, 486);
      return;
    }
    let call;
    try {
      call = new IncomingCall({
        agent: this.agent,
        transaction,
        media: this.#options.media?.(),
        random: this.#random,
        asksForVideo: this.#options.asksForVideo,
      });
    } catch (error) {
      this.agent.reply(transaction, 480);
      this.emit('failure', error instanceof Failure ? error : new Failure('not_supported', { cause: error }));
      return;
    }
    this.#keep(call);
    call.ring();
    this.emit('incoming', call);
  }

  /** @param {Call} call */
  #keep(call) {
    this.calls.push(call);
    call.on('state', (state) => {
      if (state !== 'ended') return;
      this.calls = this.calls.filter((other) => other !== call);
      this.emit('ended', call);
    });
    this.emit('call', call);
  }

  #transportState() {
    switch (this.transport.state) {
      case 'connecting':
        this.#enter(this.#everRegistered ? 'reconnecting' : 'connecting');
        return;
      case 'open':
        this.#enter(this.#everRegistered ? 'reconnecting' : 'registering');
        this.registration.register();
        return;
      case 'waiting':
        this.agent.hold();
        this.#flowLost = true;
        this.regEvent?.stop();
        this.registration.connectionLost();
        this.#enter(this.#everRegistered ? 'reconnecting' : 'connecting');
        if (!this.#everRegistered) this.emit('failure', new Failure('connection_refused'));
        for (const call of [...this.calls]) if (call instanceof IncomingCall) call.connectionLost();
        if (!this.#grace.running) this.#grace.set(SIGNALLING_GRACE, () => this.#signallingGone());
        return;
      case 'closed':
        this.agent.hold();
    }
  }

  #registrationState() {
    switch (this.registration.state) {
      case 'registered':
        this.#everRegistered = true;
        this.#grace.stop();
        this.#enter('registered');
        this.regEvent?.start();
        // A refresh on the same connection says nothing of the network.
        if (this.#flowLost) for (const call of this.calls) call.networkChanged();
        this.#flowLost = false;
        return;
      case 'refused':
        this.regEvent?.stop();
        this.#enter('refused');
        // TS 24.371 §6A.2: without a registration no call goes on.
        for (const call of [...this.calls]) call.finish(new Failure('deregistered'));
        this.emit('failure', /** @type {Failure} */ (this.registration.failure));
        return;
      case 'waiting':
      case 'registering':
        this.#enter(this.#everRegistered ? 'reconnecting' : 'registering');
        // Why it waits is what counts, after that it does.
        if (this.registration.state === 'waiting' && this.registration.failure?.code === 'suspended') {
          this.emit('failure', this.registration.failure);
        }
    }
  }

  #signallingGone() {
    this.agent.clear();
    for (const call of [...this.calls]) call.finish(new Failure('network_gone'));
  }

  /** @param {WicStatus} status */
  #enter(status) {
    if (this.status === status) return;
    this.status = status;
    this.emit('status', status);
  }
}
