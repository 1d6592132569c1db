/**
 * SHA-256 (RFC 6234) of what comes in pieces: the browser's own takes a file only whole.
 */

/** RFC 6234 §5.1: the first bits of the cube roots of the first primes; §6.1: of the square roots of the first eight. */
const [CONSTANTS, START] = (() => {
  /** @type {number[]} */
  const primes = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  const bits = (/** @type {number} */ root) => Math.floor((root - Math.floor(root)) * 2 ** 32);
  return [Uint32Array.from(primes, (prime) => bits(Math.cbrt(prime))), Uint32Array.from(primes.slice(0, 8), (prime) => bits(Math.sqrt(prime)))];
})();

export class Sha256 {
  #state = START.slice();
  #block = new Uint8Array(64);
  #filled = 0;
  #octets = 0;
  #words = new Uint32Array(64);

  /** @param {Uint8Array} octets */
  update(octets) {
    this.#octets += octets.length;
    let at = 0;
    while (at < octets.length) {
      const piece = octets.subarray(at, at + 64 - this.#filled);
      this.#block.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled === 64) this.#compress();
    }
    return this;
  }

  /** Ends it. @returns {string} 64 hexadecimal digits */
  digest() {
    const view = new DataView(this.#block.buffer);
    const octets = this.#octets;
    this.#block.fill(0, this.#filled);
    this.#block[this.#filled] = 0x80;
    if (this.#filled >= 56) {
      this.#compress();
      this.#block.fill(0);
    }
    view.setUint32(56, Math.floor(octets / 0x2000_0000));
    view.setUint32(60, (octets * 8) >>> 0);
    this.#compress();
    return [...this.#state].map((word) => word.toString(16).padStart(8, '0')).join('');
  }

  /** RFC 6234 §6.2. */
  #compress() {
    const words = this.#words;
    const view = new DataView(this.#block.buffer);
    for (let t = 0; t < 16; t += 1) words[t] = view.getUint32(4 * t);
    for (let t = 16; t < 64; t += 1) {
      const [x, y] = [words[t - 15], words[t - 2]];
      const low = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ (x >>> 3);
      const high = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ (y >>> 10);
      words[t] = (words[t - 16] + low + words[t - 7] + high) | 0;
    }
    let [a, b, c, d, e, f, g, h] = this.#state;
    for (let t = 0; t < 64; t += 1) {
      const high = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
      const first = (h + high + ((e & f) ^ (~e & g)) + CONSTANTS[t] + words[t]) | 0;
      const low = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
      const second = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, index) => {
      this.#state[index] += word;
    });
    this.#filled = 0;
  }
}
