/**
 * Time as an argument: everything that waits takes a {@link Clock}, so that tests run on virtual time.
 *
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since the epoch
 * @property {(run: () => void, milliseconds: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 */

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  setTimeout: (run, milliseconds) => setTimeout(run, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer),
};

/** One timer that is set, moved and stopped by its owner. */
export class Timer {
  /** @type {unknown} */
  #handle = null;
  #clock;

  /** @param {Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /** True while the timer runs. */
  get running() {
    return this.#handle !== null;
  }

  /**
   * Starts the timer anew; an earlier setting is forgotten.
   * @param {number} milliseconds
   * @param {() => void} run
   */
  set(milliseconds, run) {
    this.stop();
    // Browsers read a delay over 2^31-1 ms as zero.
    const delay = Math.min(Math.max(0, milliseconds), 0x7fffffff);
    this.#handle = this.#clock.setTimeout(() => {
      this.#handle = null;
      run();
    }, delay);
  }

  stop() {
    if (this.#handle !== null) this.#clock.clearTimeout(this.#handle);
    this.#handle = null;
  }
}

/**
 * @param {Clock} clock
 * @param {number} milliseconds
 * @returns {Promise<void>}
 */
export function pause(clock, milliseconds) {
  return new Promise((resolve) => new Timer(clock).set(milliseconds, resolve));
}
