import { Emitter } from './emitter.js';
import { Timer } from './clock.js';
import { Failure } from './failure.js';
import { ALLOW, FEATURES, SUPPORTED } from './sip/agent.js';
import { callId, tag } from './sip/ids.js';
import { NameAddr } from './sip/name-addr.js';

/**
 * Being registered (TS 24.371 §6.2, RFC 3261 §10.2, RFC 5626).
 *
 *   unregistered ──register()──> registering ──2xx──> registered ──refresh──> registered
 *                                  │    └──403 …──> refused           └──connectionLost()──> unregistered
 *                                  └──5xx, timeout──> waiting ──back-off──> registering
 *   registered ──deregister()──> deregistering ──> unregistered
 *
 * @typedef {'unregistered' | 'registering' | 'registered' | 'waiting' | 'refused' | 'deregistering'} RegistrationState
 * @typedef {import('./sip/message.js').Message} Message
 */

/** TS 24.229 §5.1.1.2.1: the expiry that is asked for. */
const EXPIRES = 600_000;
const BACK_OFF = { first: 2_000, most: 60_000 };
/** A registration that ends this close to the token was capped by it: the next token is the moment to refresh. */
const CAPPED_WITHIN = 15_000;
const LAST_MOMENT = 15_000;
/** What waiting does not cure. @type {string[]} */
const FINAL = ['signed_out', 'network_unproven', 'sim_failed'];
/** How long a phone on probation stays away when the network does not say, in seconds. */
const PROBATION = 60;

/** @extends {Emitter<{ state: RegistrationState }>} */
export class Registration extends Emitter {
  /** @type {RegistrationState} */
  state = 'unregistered';
  /** Why it is not registered, if something failed. @type {Failure | null} */
  failure = null;
  /** P-Associated-URI (RFC 7315 §4.1): the identities that are registered now. @type {string[]} */
  identities = [];
  /** Whether the network has said that it carries data channels (`g.3gpp.datachannel`). */
  dataChannels = false;
  /** When the binding ends, in milliseconds since the epoch. */
  expiresAt = 0;
  #agent;
  #identity;
  #instance;
  #random;
  #timer;
  #callId = callId();
  #cseq = 0;
  #expires = EXPIRES;
  #attempts = 0;
  /** @type {import('./sip/agent.js').Exchange | null} */
  #exchange = null;

  /**
   * @param {object} parts
   * @param {import('./sip/agent.js').Agent} parts.agent
   * @param {string} parts.identity the public user identity, `sip:alice@example.net`
   * @param {string} parts.instance `urn:uuid:…`, the same as long as this page lives (RFC 5626 §4.1)
   * @param {() => number} [parts.random]
   */
  constructor({ agent, identity, instance, random = Math.random }) {
    super();
    this.#agent = agent;
    this.#identity = identity;
    this.#instance = instance;
    this.#random = random;
    this.#timer = new Timer(agent.clock);
  }

  /** Registers, or refreshes what is registered. */
  register() {
    if (this.#exchange) return;
    this.#timer.stop();
    if (this.state !== 'registered') this.#enter('registering');
    this.#send(this.#expires, (outcome) => this.#registered(outcome));
  }

  /**
   * TS 24.371 §6A.2. Resolves when the network has answered or cannot.
   * @returns {Promise<void>}
   */
  deregister() {
    this.#timer.stop();
    this.#exchange?.abandon();
    this.#exchange = null;
    if (this.state !== 'registered') {
      this.#enter('unregistered');
      return Promise.resolve();
    }
    this.#enter('deregistering');
    return new Promise((resolve) => {
      this.#send(0, () => {
        this.#enter('unregistered');
        resolve();
      });
    });
  }

  /** The flow broke. The network may still hold the binding, but nothing can be said about it. */
  connectionLost() {
    this.#timer.stop();
    this.#exchange?.abandon();
    this.#exchange = null;
    this.#attempts = 0;
    if (this.state !== 'refused') this.#enter('unregistered');
  }

  /** A new token came: a binding that was capped by the old one is renewed now (TS 24.371 §6.3.1). */
  credentialRenewed() {
    if (this.state === 'registered' || this.state === 'waiting') this.register();
  }

  /**
   * The network ended the binding (TS 24.229 §5.1.1.7, RFC 3680 §5.3.1): `deactivated` asks us to come again at once,
   * `probation` after a while, anything else not to.
   * @param {import('./reg-event.js').EndReason} reason
   * @param {number} retryAfter seconds; 0: none was said
   */
  endedByNetwork(reason, retryAfter) {
    if (this.state !== 'registered') return;
    this.#timer.stop();
    this.identities = [];
    if (reason === 'deactivated') {
      this.#enter('registering');
      this.register();
    } else if (reason === 'probation') {
      this.failure = new Failure('suspended');
      this.#agent.hold();
      this.#enter('waiting');
      this.#timer.set((retryAfter || PROBATION) * 1000, () => this.register());
    } else this.#refuse(new Failure('deregistered'));
  }

  /**
   * The network wants it refreshed sooner (TS 24.229 §5.1.1.5A, RFC 3680 §5.3.1): at half of the time that is left.
   * @param {number} seconds
   */
  shortenedByNetwork(seconds) {
    const now = this.#agent.clock.now();
    const until = now + seconds * 1000;
    if (this.state !== 'registered' || until >= this.expiresAt) return;
    this.expiresAt = until;
    this.#timer.set((seconds * 1000) / 2, () => this.register());
  }

  /**
   * @param {number} expires
   * @param {(outcome: import('./sip/agent.js').Outcome) => void} final
   */
  #send(expires, final) {
    const domain = this.#identity.slice(this.#identity.indexOf('@') + 1);
    const address = `<${this.#identity}>`;
    const fromTag = tag();
    const exchange = this.#agent.exchange({
      build: () => {
        this.#cseq += 1;
        const parts = { from: address, to: address, fromTag, callId: this.#callId, cseq: this.#cseq };
        const request = this.#agent.newRequest('REGISTER', `sip:${domain}`, parts);
        request.add('Contact', `<${this.#agent.contactUri}>;reg-id=1;+sip.instance="<${this.#instance}>";${FEATURES};expires=${expires}`);
        request.add('Expires', String(expires));
        request.add('Supported', SUPPORTED);
        request.add('Allow', ALLOW);
        return request;
      },
      final: (outcome) => {
        if (this.#exchange !== exchange) return;
        this.#exchange = null;
        final(outcome);
      },
    });
    this.#exchange = exchange;
  }

  /** @param {import('./sip/agent.js').Outcome} outcome */
  #registered({ response, failure }) {
    if (!response) {
      if (FINAL.includes(failure.code)) this.#refuse(failure);
      else this.#retry(failure, 0);
      return;
    }
    const { status } = response;
    if (status < 300) this.#accepted(response);
    else if (status === 423 && Number(response.get('Min-Expires')) > this.#expires) {
      // RFC 3261 §10.2.8.
      this.#expires = Number(response.get('Min-Expires'));
      this.register();
    } else if (status === 401 || status === 407) this.#refuse(new Failure('signed_out', { status }));
    else if (status === 403 || status === 404 || status === 439) this.#refuse(new Failure('registration_refused', { status }));
    else this.#retry(new Failure('registration_failed', { status }), Number.parseInt(response.get('Retry-After') ?? '0', 10) || 0);
  }

  /** @param {Message} response */
  #accepted(response) {
    const now = this.#agent.clock.now();
    const own = ownContact(response, this.#instance, this.#agent.contactUri);
    const granted = Number(own?.params.get('expires') ?? response.get('Expires') ?? this.#expires);
    const seconds = Number.isFinite(granted) && granted > 0 ? granted : this.#expires;
    this.expiresAt = now + seconds * 1000;
    this.identities = response.values('P-Associated-URI').map((value) => value.replace(/^.*<|>.*$/g, ''));
    // TS 24.186: the network says that it carries data channels.
    this.dataChannels = response.values('Feature-Caps').some((value) => /\+g\.3gpp\.datachannel\b/i.test(value));
    this.#agent.serviceRoute = response.values('Service-Route');
    this.#agent.publicGruu = own?.params.get('pub-gruu') ?? '';
    this.#attempts = 0;
    this.failure = null;
    this.#agent.release();
    this.#enter('registered');
    this.#timer.set(this.#refreshDelay(seconds, now), () => this.register());
  }

  /**
   * TS 24.229 §5.1.1.4.1: 600 s before the end if that is far, else at half.
   * @param {number} seconds
   * @param {number} now
   */
  #refreshDelay(seconds, now) {
    const { expiresAt } = this.#agent.credential;
    if (Math.abs(expiresAt - this.expiresAt) < CAPPED_WITHIN || this.expiresAt > expiresAt) {
      // The next token comes before; this is for the case that it does not. A short life has a short last moment.
      const left = Math.min(expiresAt, this.expiresAt) - now;
      return Math.max(left - Math.min(LAST_MOMENT, left / 4), 1_000);
    }
    return (seconds > 1200 ? seconds - 600 : seconds / 2) * 1000;
  }

  /** @param {Failure} failure */
  #refuse(failure) {
    this.failure = failure;
    this.#agent.hold();
    this.#enter('refused');
  }

  /**
   * RFC 5626 §4.5: wait longer after each failure, and never all at once.
   * @param {Failure} failure
   * @param {number} retryAfter seconds
   */
  #retry(failure, retryAfter) {
    this.failure = failure;
    const bound = Math.min(BACK_OFF.most, BACK_OFF.first * 2 ** this.#attempts);
    this.#attempts += 1;
    // A refresh that failed leaves the binding in place until it expires.
    if (this.state !== 'registered' || this.expiresAt <= this.#agent.clock.now()) this.#enter('waiting');
    this.#timer.set(Math.max(bound * (0.5 + 0.5 * this.#random()), retryAfter * 1000), () => this.register());
  }

  /** @param {RegistrationState} state */
  #enter(state) {
    if (state === this.state && state !== 'waiting') return;
    this.state = state;
    this.emit('state', state);
  }
}

/**
 * @param {Message} response
 * @param {string} instance
 * @param {string} contact
 */
function ownContact(response, instance, contact) {
  return response
    .values('Contact')
    .map((value) => NameAddr.parse(value))
    .find(({ params, uri }) => params.get('+sip.instance') === `<${instance}>` || uri.toString().startsWith(contact));
}
