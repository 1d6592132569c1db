/**
 * What a phone sounds like, made by WebAudio: the ring of an incoming call the tone that a caller hears, and the one that
 * tells somebody in a call of another.
 *
 * @typedef {{ frequencies: number[], on: number, off: number, level: number }} Cadence
 */

/** @type {Record<'ring' | 'ringback' | 'waiting', Cadence>} */
const CADENCES = {
  ring: { frequencies: [523.25, 659.25], on: 1, off: 2, level: 0.12 },
  ringback: { frequencies: [425], on: 1, off: 4, level: 0.04 },
  waiting: { frequencies: [425], on: 0.3, off: 5, level: 0.03 },
};

export class Tones {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {OscillatorNode[]} */
  #sounding = [];
  #playing = '';

  /** @param {'ring' | 'ringback' | 'waiting'} kind */
  play(kind) {
    if (this.#playing === kind) return;
    this.stop();
    this.#playing = kind;
    const cadence = CADENCES[kind];
    const burst = () => this.#burst(cadence);
    burst();
    this.#timer = setInterval(burst, (cadence.on + cadence.off) * 1000);
  }

  stop() {
    this.#playing = '';
    clearInterval(this.#timer);
    for (const oscillator of this.#sounding.splice(0)) oscillator.stop();
  }

  /** @param {Cadence} cadence */
  #burst({ frequencies, on, level }) {
    try {
      this.#context ??= new AudioContext();
      // Until the person has touched the page the browser keeps it silent; the page still shows the call.
      if (this.#context.state === 'suspended') void this.#context.resume().catch(() => {});
      const now = this.#context.currentTime;
      const gain = this.#context.createGain();
      gain.gain.setValueAtTime(0, now);
      gain.gain.linearRampToValueAtTime(level, now + 0.04);
      gain.gain.setValueAtTime(level, now + on - 0.1);
      gain.gain.linearRampToValueAtTime(0, now + on);
      gain.connect(this.#context.destination);
      this.#sounding = frequencies.map((frequency, index) => {
        const oscillator = /** @type {AudioContext} */ (this.#context).createOscillator();
        oscillator.frequency.value = frequency;
        oscillator.connect(gain);
        oscillator.start(now + (index * on) / frequencies.length / 2);
        oscillator.stop(now + on);
        return oscillator;
      });
    } catch {
      // A machine without sound output still takes calls.
    }
  }
}
