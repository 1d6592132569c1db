import { Timer } from '../clock.js';
import { T1, T2, T64 } from '../sip/timers.js';

/**
 * RFC 3261 §13.3.1.4: a 2xx to INVITE is sent again, also over a reliable transport, until the ACK comes,
 * for the ACK travels end to end. One of these lives as long as an ACK is owed.
 */
export class AcceptedResponse {
  #timer;
  #elapsed = 0;
  #send;
  #giveUp;
  #onAck;

  /**
   * @param {import('../clock.js').Clock} clock
   * @param {{ cseq: number, send: () => void, giveUp: () => void, acknowledged: (ack: import('../sip/message.js').Message) => void }} parts
   */
  constructor(clock, { cseq, send, giveUp, acknowledged }) {
    this.cseq = cseq;
    this.#timer = new Timer(clock);
    this.#send = send;
    this.#giveUp = giveUp;
    this.#onAck = acknowledged;
    send();
    this.#again(T1);
  }

  /** @param {import('../sip/message.js').Message} ack */
  acknowledged(ack) {
    this.#timer.stop();
    this.#onAck(ack);
  }

  stop() {
    this.#timer.stop();
  }

  /** @param {number} interval */
  #again(interval) {
    this.#timer.set(interval, () => {
      this.#elapsed += interval;
      if (this.#elapsed >= T64) {
        this.#giveUp();
        return;
      }
      this.#send();
      this.#again(Math.min(interval * 2, T2, T64 - this.#elapsed));
    });
  }
}
