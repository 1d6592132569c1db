/** Bytes, as AKA moves them about. */

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b of the same length
 */
export function xor(a, b) {
  return a.map((byte, i) => byte ^ b[i]);
}

/** @param {Uint8Array[]} parts */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * In a time that does not tell where they differ.
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export function equal(a, b) {
  return a.length === b.length && a.reduce((sum, byte, i) => sum | (byte ^ b[i]), 0) === 0;
}

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

/**
 * @param {string} text
 * @returns {Uint8Array | null} null for what is no base64
 */
export function fromBase64(text) {
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
}

/**
 * A key as operators write it.
 * @param {string} text
 * @returns {Uint8Array | null} null for what is not 32 hexadecimal digits
 */
export function readKey(text) {
  const digits = text.trim();
  if (!/^[0-9a-f]{32}$/i.test(digits)) return null;
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}
