/**
 * MD5 (RFC 1321): browsers do not offer it, and SIP Digest of many cores knows nothing newer. Nothing else may use it.
 */

const SHIFT = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const SINE = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) >>> 0);

/**
 * @param {Uint8Array} data
 * @returns {Uint8Array} 16 bytes
 */
export function md5(data) {
  // RFC 1321 §3.1, §3.2: one bit, zeros, and the length in bits as 64 bits, little-endian.
  const padded = new Uint8Array((((data.length + 8) >> 6) + 1) << 6);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, (data.length << 3) >>> 0, true);
  view.setUint32(padded.length - 4, Math.floor(data.length / 2 ** 29), true);

  const state = new Uint32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
  for (let offset = 0; offset < padded.length; offset += 64) block(state, view, offset);
  const result = new Uint8Array(16);
  const out = new DataView(result.buffer);
  state.forEach((value, i) => out.setUint32(i * 4, value, true));
  return result;
}

/**
 * RFC 1321 §3.4: four rounds of sixteen steps.
 * @param {Uint32Array} state
 * @param {DataView} view
 * @param {number} offset
 */
function block(state, view, offset) {
  let [a, b, c, d] = state;
  for (let i = 0; i < 64; i += 1) {
    let mixed;
    let index;
    if (i < 16) {
      mixed = (b & c) | (~b & d);
      index = i;
    } else if (i < 32) {
      mixed = (d & b) | (~d & c);
      index = (5 * i + 1) % 16;
    } else if (i < 48) {
      mixed = b ^ c ^ d;
      index = (3 * i + 5) % 16;
    } else {
      mixed = c ^ (b | ~d);
      index = (7 * i) % 16;
    }
    const sum = (a + mixed + SINE[i] + view.getUint32(offset + index * 4, true)) | 0;
    const shift = SHIFT[(i >> 4) * 4 + (i % 4)];
    [a, d, c, b] = [d, c, b, (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0];
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}
