import { Timer } from '../clock.js';
import { Message } from './message.js';
import { T64 } from './timers.js';

/**
 * A client transaction over a reliable transport, of either kind.
 *
 *   INVITE (RFC 3261 §17.1.1, RFC 6026 §7.2)         other (§17.1.2)
 *   Calling ──1xx──> Proceeding                      Trying ──1xx──> Proceeding
 *      └──2xx──> Accepted ──Timer M──> Terminated       └──2xx-6xx──> Terminated (Timer K = 0)
 *      └──3xx-6xx, ACK──> Terminated (Timer D = 0)      └──Timer F──> Terminated
 *      └──Timer B──> Terminated
 *
 * @typedef {'calling' | 'trying' | 'proceeding' | 'accepted' | 'terminated'} ClientState
 *
 * @typedef {object} ClientHandlers
 * @property {(response: Message) => void} response each provisional and final response; for INVITE each 2xx
 * @property {() => void} timeout no final response came in time
 */
export class ClientTransaction {
  /** @type {ClientState} */
  state;
  #host;
  #handlers;
  #timer;
  /** @type {{ reason?: string } | null} a CANCEL that waits for a provisional response */
  #cancel = null;
  #cancelSent = false;

  /**
   * @param {import('./transactions.js').TransactionHost} host
   * @param {Message} request complete, with our Via on top
   * @param {ClientHandlers} handlers
   */
  constructor(host, request, handlers) {
    this.#host = host;
    this.request = request;
    this.#handlers = handlers;
    this.branch = request.via.branch;
    this.isInvite = request.method === 'INVITE';
    this.state = this.isInvite ? 'calling' : 'trying';
    this.#timer = new Timer(host.clock);
    this.#timer.set(T64, () => this.#timeout());
  }

  /** True while no final response has come. */
  get awaitsFinal() {
    return this.state === 'calling' || this.state === 'trying' || this.state === 'proceeding';
  }

  /** @param {Message} response */
  receive(response) {
    const provisional = response.status < 200;
    switch (this.state) {
      case 'calling':
      case 'trying':
      case 'proceeding':
        if (provisional) {
          if (this.isInvite) this.#timer.stop();
          this.state = 'proceeding';
          if (this.#cancel) this.#sendCancel();
          this.#handlers.response(response);
        } else if (this.isInvite && response.status < 300) {
          // RFC 6026 §7.2: stay for other 2xx of a fork and for retransmissions.
          this.state = 'accepted';
          this.#timer.set(T64, () => this.#terminate());
          this.#handlers.response(response);
        } else {
          if (this.isInvite) this.#host.send(this.#acknowledge(response));
          this.#terminate();
          this.#handlers.response(response);
        }
        return;
      case 'accepted':
        if (!provisional && response.status < 300) this.#handlers.response(response);
        return;
      case 'terminated':
    }
  }

  /**
   * RFC 3261 §9.1: CANCEL leaves once a provisional response has come, never before.
   * @param {string} [reason] a Reason header's value
   */
  cancel(reason) {
    if (!this.isInvite || this.#cancel || (this.state !== 'calling' && this.state !== 'proceeding')) return;
    this.#cancel = { reason };
    if (this.state === 'proceeding') this.#sendCancel();
  }

  /** Gives up without a word, as when the connection is known to be gone. */
  abandon() {
    this.#terminate();
  }

  #sendCancel() {
    if (this.#cancelSent) return;
    this.#cancelSent = true;
    const { request } = this;
    const cancel = Message.request('CANCEL', request.uri);
    cancel.add('Via', request.values('Via')[0]);
    copy(request, cancel, ['Max-Forwards', 'Route', 'From', 'To', 'Call-ID']);
    cancel.add('CSeq', `${request.cseq.number} CANCEL`);
    if (this.#cancel?.reason) cancel.add('Reason', this.#cancel.reason);
    this.#host.stamp(cancel);
    this.#host.sendRequest(cancel, { response: () => {}, timeout: () => {} });
    // RFC 3261 §9.1: if no final response follows, the INVITE is taken as cancelled after 64*T1.
    this.#timer.set(T64, () => this.#timeout());
  }

  /**
   * RFC 3261 §17.1.1.3: the ACK for a response other than 2xx belongs to the transaction.
   * @param {Message} response
   */
  #acknowledge(response) {
    const { request } = this;
    const ack = Message.request('ACK', request.uri);
    ack.add('Via', request.values('Via')[0]);
    copy(request, ack, ['Max-Forwards', 'Route', 'From']);
    ack.add('To', response.get('To') ?? '');
    copy(request, ack, ['Call-ID']);
    ack.add('CSeq', `${request.cseq.number} ACK`);
    this.#host.stamp(ack);
    return ack;
  }

  #timeout() {
    this.#terminate();
    this.#handlers.timeout();
  }

  #terminate() {
    this.state = 'terminated';
    this.#timer.stop();
    this.#host.forget(this);
  }
}

/**
 * @param {Message} from
 * @param {Message} to
 * @param {string[]} names
 */
function copy(from, to, names) {
  for (const name of names) for (const value of from.all(name)) to.add(name, value);
}
