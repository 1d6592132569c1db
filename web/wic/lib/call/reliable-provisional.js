import { Timer } from '../clock.js';
import { T1, T64 } from '../sip/timers.js';

/**
 * RFC 3262 §3: a provisional response of ours that the caller must confirm with PRACK; sent again until it does.
 */
export class ReliableProvisional {
  #timer;
  #elapsed = 0;

  /**
   * @param {import('../clock.js').Clock} clock
   * @param {{ rseq: number, cseq: number, send: () => void, giveUp: () => void }} parts
   */
  constructor(clock, { rseq, cseq, send, giveUp }) {
    this.rseq = rseq;
    this.cseq = cseq;
    this.#timer = new Timer(clock);
    send();
    this.#again(T1, send, giveUp);
  }

  /**
   * RFC 3262 §7.2: RAck repeats RSeq, CSeq and method of what it confirms.
   * @param {import('../sip/message.js').Message} prack
   */
  confirms(prack) {
    const match = /^(\d+)\s+(\d+)\s+INVITE$/i.exec(prack.get('RAck') ?? '');
    return match !== null && Number(match[1]) === this.rseq && Number(match[2]) === this.cseq;
  }

  stop() {
    this.#timer.stop();
  }

  /**
   * @param {number} interval
   * @param {() => void} send
   * @param {() => void} giveUp
   */
  #again(interval, send, giveUp) {
    this.#timer.set(interval, () => {
      this.#elapsed += interval;
      if (this.#elapsed >= T64) {
        giveUp();
        return;
      }
      send();
      this.#again(interval * 2, send, giveUp);
    });
  }
}
