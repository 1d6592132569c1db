import { ClientTransaction } from './client-transaction.js';
import { Message } from './message.js';
import { ServerTransaction } from './server-transaction.js';

/**
 * What a transaction asks of the layer that holds it.
 *
 * @typedef {object} TransactionHost
 * @property {import('../clock.js').Clock} clock
 * @property {(message: Message) => void} send
 * @property {(message: Message) => void} stamp puts our credential into a CANCEL or ACK
 * @property {(request: Message, handlers: import('./client-transaction.js').ClientHandlers) => ClientTransaction} sendRequest
 * @property {(transaction: ClientTransaction) => void} forget
 * @property {(transaction: ServerTransaction) => void} forgetServer
 */

/**
 * The transaction layer (RFC 3261 §17): matches responses to client transactions and requests to server transactions.
 * @implements {TransactionHost}
 */
export class Transactions {
  /** @type {Map<string, ClientTransaction>} by branch and method (§17.1.3) */
  #clients = new Map();
  /** @type {Map<string, ServerTransaction>} by branch, sent-by and method (§17.2.3) */
  #servers = new Map();

  /**
   * @param {object} outside
   * @param {import('../clock.js').Clock} outside.clock
   * @param {(message: Message) => void} outside.send
   * @param {(message: Message) => void} outside.stamp
   * @param {(transaction: ServerTransaction) => void} outside.request a new request other than ACK and CANCEL
   * @param {(ack: Message) => void} outside.ack an ACK for a 2xx
   */
  constructor({ clock, send, stamp, request, ack }) {
    this.clock = clock;
    this.send = send;
    this.stamp = stamp;
    this.passRequest = request;
    this.passAck = ack;
  }

  /**
   * @param {Message} request
   * @param {import('./client-transaction.js').ClientHandlers} handlers
   */
  sendRequest(request, handlers) {
    const transaction = new ClientTransaction(this, request, handlers);
    this.#clients.set(clientKey(transaction.branch, request.method), transaction);
    this.send(request);
    return transaction;
  }

  /**
   * Says again what has no final answer, on a connection that took the place of another.
   * @param {(request: Message) => boolean} wanted
   */
  sendAgain(wanted) {
    for (const { request, awaitsFinal } of this.#clients.values()) {
      if (awaitsFinal && request.method !== 'REGISTER' && wanted(request)) this.send(request);
    }
  }

  /** @param {Message} message */
  receive(message) {
    if (!message.isRequest) {
      this.#clients.get(clientKey(message.via.branch, message.cseq.method))?.receive(message);
      return;
    }
    if (message.method === 'ACK') {
      const invite = this.#servers.get(serverKey(message, 'INVITE'));
      if (invite && invite.state !== 'accepted') invite.acknowledged();
      else this.passAck(message);
      return;
    }
    if (message.method === 'CANCEL') {
      this.#cancel(message);
      return;
    }
    const key = serverKey(message, message.method);
    if (this.#servers.has(key)) return;
    const transaction = new ServerTransaction(this, message);
    this.#servers.set(key, transaction);
    this.passRequest(transaction);
  }

  /** @param {ClientTransaction} transaction */
  forget(transaction) {
    this.#clients.delete(clientKey(transaction.branch, transaction.request.method));
  }

  /** @param {ServerTransaction} transaction */
  forgetServer(transaction) {
    this.#servers.delete(serverKey(transaction.request, transaction.request.method));
  }

  /** RFC 3261 §9.2. @param {Message} cancel */
  #cancel(cancel) {
    const invite = this.#servers.get(serverKey(cancel, 'INVITE'));
    this.send(invite ? Message.responseTo(cancel, 200, 'OK') : Message.responseTo(cancel, 481, 'Call/Transaction Does Not Exist'));
    if (invite?.state === 'proceeding') invite.onCancel(cancel);
  }
}

/**
 * @param {string} branch
 * @param {string} method
 */
function clientKey(branch, method) {
  return `${method} ${branch}`;
}

/**
 * @param {Message} message
 * @param {string} method
 */
function serverKey(message, method) {
  const { branch, sentBy } = message.via;
  return `${method} ${sentBy} ${branch}`;
}
