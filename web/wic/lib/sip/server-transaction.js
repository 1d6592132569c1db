import { Timer } from '../clock.js';
import { Message } from './message.js';
import { T64 } from './timers.js';

/** RFC 3261 §17.2.1: so long an INVITE may be without any response; until there is one it cannot be cancelled. */
const TRYING = 200;

/**
 * A server transaction over a reliable transport, of either kind.
 *
 *   INVITE (RFC 3261 §17.2.1, RFC 6026 §7.1)            other (§17.2.2)
 *   Proceeding ──2xx──> Accepted ──Timer L──> Terminated   Trying ──1xx──> Proceeding
 *      └──3xx-6xx──> Completed ──ACK──> Terminated            └──final──> Terminated (Timer J = 0)
 *                       └──Timer H──> Terminated
 *
 * @typedef {'trying' | 'proceeding' | 'accepted' | 'completed' | 'terminated'} ServerState
 */
export class ServerTransaction {
  /** @type {ServerState} */
  state;
  #host;
  #timer;
  /** Called when the INVITE is cancelled. @type {(cancel: Message) => void} */
  onCancel = () => {};

  /**
   * @param {import('./transactions.js').TransactionHost} host
   * @param {Message} request
   */
  constructor(host, request) {
    this.#host = host;
    this.request = request;
    this.isInvite = request.method === 'INVITE';
    this.state = this.isInvite ? 'proceeding' : 'trying';
    this.#timer = new Timer(host.clock);
    if (this.isInvite) this.#timer.set(TRYING, () => this.#host.send(Message.responseTo(request, 100, 'Trying')));
  }

  /** @param {Message} response */
  respond(response) {
    const final = response.status >= 200;
    switch (this.state) {
      case 'trying':
      case 'proceeding':
        this.#timer.stop();
        this.#host.send(response);
        if (!final) this.state = 'proceeding';
        else if (!this.isInvite) this.#terminate();
        else {
          this.state = response.status < 300 ? 'accepted' : 'completed';
          this.#timer.set(T64, () => this.#terminate());
        }
        return;
      case 'accepted':
        // RFC 6026 §7.1: the transaction's user retransmits its 2xx through here.
        if (response.status >= 200 && response.status < 300) this.#host.send(response);
        return;
      case 'completed':
      case 'terminated':
    }
  }

  /** The ACK of a response other than 2xx. */
  acknowledged() {
    if (this.state === 'completed') this.#terminate();
  }

  #terminate() {
    this.state = 'terminated';
    this.#timer.stop();
    this.#host.forgetServer(this);
  }
}
