import { Timer } from '../clock.js';

/**
 * The far end wants to add video to a call: somebody has to say whether, and with whose picture.
 *
 * @typedef {'camera' | 'watch' | 'refuse'} VideoConsent with our camera too, without it, or not at all
 */

/** Who does not decide has decided: the far end waits, and no other change can be made meanwhile. */
const PATIENCE = 30_000;

export class VideoRequest {
  /** @type {(consent: VideoConsent) => void} */
  #settle = () => {};
  #timer;

  /** @param {import('../clock.js').Clock} clock */
  constructor(clock) {
    this.#timer = new Timer(clock);
    /** What was decided. @type {Promise<VideoConsent>} */
    this.decided = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#timer.set(PATIENCE, () => this.refuse());
  }

  /**
   * Takes it.
   * @param {{ camera?: boolean }} [options] with our own picture; without it by default
   */
  accept({ camera = false } = {}) {
    this.#decide(camera ? 'camera' : 'watch');
  }

  /** Stays with what there is. */
  refuse() {
    this.#decide('refuse');
  }

  /** @param {VideoConsent} consent */
  #decide(consent) {
    this.#timer.stop();
    this.#settle(consent);
  }
}
