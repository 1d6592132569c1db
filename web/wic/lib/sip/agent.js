import { Emitter } from '../emitter.js';
import { systemClock } from '../clock.js';
import { Failure } from '../failure.js';
import { dialogId } from './dialog.js';
import { branch, callId, invalidHost, tag, word } from './ids.js';
import { Message } from './message.js';
import { reasonOf } from './reasons.js';
import { Transactions } from './transactions.js';

export const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO';
/** TS 26.114 §6.2.10.1: we know data channels, and say so wherever a Contact says what we can. */
export const FEATURES = '+sip.app-subtype="webrtc-datachannel"';
export const SUPPORTED = 'path, outbound, gruu, 100rel, timer';
const REQUIRABLE = ['100rel', 'timer', 'outbound', 'path', 'gruu'];
/** What waits for the network to come back; more than this is not worth keeping. */
const QUEUE = 64;
const ATTEMPTS = 3;

/**
 * @typedef {import('./server-transaction.js').ServerTransaction} ServerTransaction
 *
 * @typedef {object} DialogOwner
 * @property {(transaction: ServerTransaction) => void} handleRequest
 * @property {(ack: Message) => void} handleAck
 *
 * @typedef {{ response: Message, failure?: undefined } | { response?: undefined, failure: Failure }} Outcome
 *
 * @typedef {object} ExchangeInput
 * @property {() => Message} build makes the request anew for each attempt, with a new CSeq
 * @property {(outcome: Outcome) => void} final
 * @property {(response: Message, request: Message) => void} [provisional]
 *
 * @typedef {object} AgentEvents
 * @property {ServerTransaction} invite a call from outside
 * @property {string} malformed a message that was dropped
 */

/**
 * The user agent's core (RFC 3261 §8): puts the transport, the transactions and the credential together,
 * hands in-dialog requests to whom the dialog belongs, and keeps what cannot be sent until the flow is registered.
 *
 * @extends {Emitter<AgentEvents>}
 */
export class Agent extends Emitter {
  /** RFC 7118 §5.2.4. */
  #host = invalidHost();
  #user = word(10);
  /** @type {Map<string, DialogOwner>} */
  #dialogs = new Map();
  /** @type {Message[]} */
  #waiting = [];
  #ready = false;
  /** RFC 3608: where initial requests go. @type {string[]} */
  serviceRoute = [];
  /** RFC 5627: our address that reaches this very page. */
  publicGruu = '';

  /**
   * @param {object} parts
   * @param {import('../transport.js').Transport & EventTarget} parts.transport
   * @param {import('../credentials.js').Credential} parts.credential
   * @param {import('../clock.js').Clock} [parts.clock]
   */
  constructor({ transport, credential, clock = systemClock }) {
    super();
    this.transport = transport;
    this.credential = credential;
    this.clock = clock;
    this.transactions = new Transactions({
      clock,
      send: (message) => this.#send(message),
      stamp: (message) => credential.stamp(message),
      request: (transaction) => this.#request(transaction),
      ack: (message) => this.#ack(message),
    });
    transport.addEventListener('message', (event) => this.#receive(/** @type {CustomEvent<string>} */ (event).detail));
  }

  /** Our address on this connection. RFC 7118 §5.2.1: transport=ws for both kinds of WebSocket. */
  get contactUri() {
    return `sip:${this.#user}@${this.#host};transport=ws`;
  }

  /** The Contact of dialogs: the GRUU if we were given one (RFC 5627 §4.4), else with `ob` (RFC 5626 §4.3). */
  get dialogContact() {
    return `${this.publicGruu === '' ? `<${this.contactUri};ob>` : `<${this.publicGruu}>`};${FEATURES}`;
  }

  /** True while the flow is registered and everything may leave. */
  get ready() {
    return this.#ready;
  }

  /**
   * The flow is registered: what waited leaves now, in order. On another connection than before, what was said on the old
   * one and not answered is said again first: the same request, so that it counts once, and so that its answer comes here
   * (RFC 3261 §17.2.3, §18.2.2).
   */
  release() {
    const waiting = this.#waiting.splice(0);
    const returns = !this.#ready;
    this.#ready = true;
    if (returns) this.transactions.sendAgain((request) => !waiting.includes(request));
    for (const message of waiting) this.#send(message);
  }

  /** The flow is gone or not registered yet: only REGISTER may leave. */
  hold() {
    this.#ready = false;
  }

  /** Forgets what waited. */
  clear() {
    this.#waiting = [];
  }

  /**
   * RFC 3261 §8.1.1: a request outside any dialog.
   *
   * @param {string} method
   * @param {string} uri
   * @param {{ from: string, to: string, callId?: string, fromTag?: string, cseq: number }} parts
   */
  newRequest(method, uri, parts) {
    const request = Message.request(method, uri);
    request.add('Max-Forwards', '70');
    // Deviates: TS 24.229 §5.1.2A.1.1 puts the P-CSCF's URI first. The WebSocket ends there, and its SIP URI is not told to us.
    if (method !== 'REGISTER') for (const hop of this.serviceRoute) request.add('Route', hop);
    request.add('From', `${parts.from};tag=${parts.fromTag ?? tag()}`);
    request.add('To', parts.to);
    request.add('Call-ID', parts.callId ?? callId());
    request.add('CSeq', `${parts.cseq} ${method}`);
    return request;
  }

  /**
   * Sends a request, answers challenges, and tells the outcome.
   * @param {ExchangeInput} input
   */
  exchange(input) {
    return new Exchange(this, input);
  }

  /**
   * Sends a request that has no response: the ACK of a 2xx.
   * @param {Message} ack
   */
  sendAck(ack) {
    this.credential.stamp(ack);
    this.addVia(ack);
    this.#send(ack);
  }

  /**
   * @param {ServerTransaction} transaction
   * @param {number} status
   * @param {{ toTag?: string, headers?: [string, string][], sdp?: string }} [more]
   */
  reply(transaction, status, more = {}) {
    const response = Message.responseTo(transaction.request, status, reasonOf(status), more.toTag ?? tag());
    for (const [name, value] of more.headers ?? []) response.add(name, value);
    if (more.sdp) response.setBody('application/sdp', more.sdp);
    transaction.respond(response);
    return response;
  }

  /**
   * @param {string} id
   * @param {DialogOwner} owner
   */
  addDialog(id, owner) {
    this.#dialogs.set(id, owner);
  }

  /** @param {string} id */
  removeDialog(id) {
    this.#dialogs.delete(id);
  }

  /** @param {Message} request */
  addVia(request) {
    const keep = request.method === 'REGISTER' ? ';keep' : '';
    request.addFirst('Via', `SIP/2.0/${this.transport.secure ? 'WSS' : 'WS'} ${this.#host};branch=${branch()}${keep}`);
  }

  /** @param {Message} message */
  #send(message) {
    const registers = message.isRequest ? message.method === 'REGISTER' : message.cseq.method === 'REGISTER';
    if ((this.#ready || registers) && this.transport.send(message.toString())) return;
    if (!registers && this.#waiting.length < QUEUE) this.#waiting.push(message);
  }

  /** @param {string} text */
  #receive(text) {
    try {
      const message = Message.parse(text);
      // The headers that everything below relies on are read once here, so that nothing half-read gets further.
      if (message.isRequest) for (const name of ['From', 'To', 'Contact']) if (message.get(name) !== '*') message.address(name);
      void message.via.branch;
      this.transactions.receive(message);
    } catch (error) {
      this.emit('malformed', error instanceof Error ? error.message : 'message');
    }
  }

  /** @param {ServerTransaction} transaction */
  #request(transaction) {
    const { request } = transaction;
    const to = request.address('To');
    if (to?.tag) {
      // A subscription's first NOTIFY may come before the response that names its other tag (RFC 6665 §4.1.2.4).
      const owner = this.#dialogs.get(ownerId(request)) ?? this.#dialogs.get(dialogId(request.callId, to.tag, ''));
      if (owner) owner.handleRequest(transaction);
      else this.reply(transaction, 481);
      return;
    }
    // RFC 3261 §8.2.2.3.
    const unsupported = request.values('Require').filter((option) => !REQUIRABLE.includes(option.toLowerCase()));
    if (unsupported.length > 0) {
      this.reply(transaction, 420, { headers: [['Unsupported', unsupported.join(', ')]] });
    } else if (request.method === 'INVITE') {
      this.emit('invite', transaction);
    } else if (request.method === 'OPTIONS') {
      this.reply(transaction, 200, { headers: [['Allow', ALLOW], ['Accept', 'application/sdp'], ['Supported', SUPPORTED]] });
    } else if (['BYE', 'PRACK', 'UPDATE', 'INFO', 'NOTIFY'].includes(request.method)) {
      this.reply(transaction, 481);
    } else {
      this.reply(transaction, 405, { headers: [['Allow', ALLOW]] });
    }
  }

  /** @param {Message} ack */
  #ack(ack) {
    this.#dialogs.get(ownerId(ack))?.handleAck(ack);
  }
}

/** One request with all its attempts. */
export class Exchange {
  #agent;
  #input;
  #attempts = 0;
  #cancelled = false;
  /** @type {string | undefined} */
  #reason;
  /** @type {import('./client-transaction.js').ClientTransaction | null} */
  #transaction = null;
  /** The request as last sent. @type {Message | null} */
  request = null;

  /**
   * @param {Agent} agent
   * @param {ExchangeInput} input
   */
  constructor(agent, input) {
    this.#agent = agent;
    this.#input = input;
    void this.#attempt();
  }

  /**
   * Takes an INVITE back.
   * @param {string} [reason] a Reason header's value
   */
  cancel(reason) {
    this.#cancelled = true;
    this.#reason = reason;
    this.#transaction?.cancel(reason);
  }

  /** Stops waiting, as when the connection is gone. */
  abandon() {
    this.#cancelled = true;
    this.#transaction?.abandon();
  }

  async #attempt() {
    this.#attempts += 1;
    const request = this.#input.build();
    this.request = request;
    try {
      await this.#agent.credential.authorize(request);
    } catch (error) {
      this.#input.final({ failure: asFailure(error, 'network_lost') });
      return;
    }
    if (this.#cancelled) {
      this.#input.final({ failure: new Failure('cancelled') });
      return;
    }
    this.#agent.addVia(request);
    this.#transaction = this.#agent.transactions.sendRequest(request, {
      response: (response) => void this.#response(response, request),
      timeout: () => this.#input.final({ failure: new Failure('no_answer', { status: 408 }) }),
    });
    if (this.#cancelled) this.#transaction.cancel(this.#reason);
  }

  /**
   * @param {Message} response
   * @param {Message} request
   */
  async #response(response, request) {
    if (response.status < 200) {
      this.#input.provisional?.(response, request);
      return;
    }
    if ((response.status === 401 || response.status === 407) && this.#attempts < ATTEMPTS && !this.#cancelled) {
      try {
        if (await this.#agent.credential.challenged(response)) {
          await this.#attempt();
          return;
        }
      } catch (error) {
        this.#input.final({ failure: asFailure(error, 'network_lost') });
        return;
      }
    }
    this.#input.final({ response });
  }
}

/**
 * @param {unknown} error
 * @param {import('../failure.js').FailureCode} code
 */
function asFailure(error, code) {
  return error instanceof Failure ? error : new Failure(code, { cause: error });
}

/** @param {Message} request from the far end: its To is ours */
function ownerId(request) {
  return dialogId(request.callId, request.address('To')?.tag ?? '', request.address('From')?.tag ?? '');
}
