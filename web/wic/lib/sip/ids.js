/** Random identifiers: tags, branches, Call-IDs, instance names. */

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/**
 * A random word of letters and digits, about 5 bits a character.
 * @param {number} length
 */
export function word(length) {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** RFC 3261 §8.1.1.7: the magic cookie, then what is unique. */
export const branch = () => `z9hG4bK${word(20)}`;

/** RFC 3261 §19.3: at least 32 bits of randomness. */
export const tag = () => word(10);

export const callId = () => word(24);

/** RFC 7118 §5.2.4: a browser has no host name, so it makes one up that nobody resolves. */
export const invalidHost = () => `${word(12)}.invalid`;

/** RFC 5626 §4.1: the instance as a version 4 UUID. `crypto.randomUUID` exists on secure pages only. */
export function instanceUrn() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
