/**
 * Whether a package is what the list says, and the list what the operator says.
 *
 * @typedef {import('./list.js').ListedApplication} ListedApplication
 */

/** Why a package is not run. */
export class Unverified extends Error {
  /** @override */
  name = 'Unverified';
}

/**
 * @param {ArrayBuffer} bytes
 * @param {ListedApplication} application
 * @param {string | null} key the operator's public key (Ed25519, base64url); null if it has none
 */
export async function verify(bytes, application, key) {
  if (!/^[0-9a-f]{64}$/.test(application.sha256)) throw new Unverified('The list does not say what the package must be');
  const hash = hex(await crypto.subtle.digest('SHA-256', bytes));
  if (hash !== application.sha256) throw new Unverified('The package is not the one of the list');
  if (key === null) return;
  if (application.signature === '') throw new Unverified('The package is not signed');
  const imported = await crypto.subtle.importKey('raw', octets(key), { name: 'Ed25519' }, false, ['verify']);
  // RFC 8032 over the identifier and the hash: a signed package is of one application.
  const statement = new TextEncoder().encode(`${application.id}\n${application.sha256}\n`);
  const good = await crypto.subtle.verify({ name: 'Ed25519' }, imported, octets(application.signature), statement);
  if (!good) throw new Unverified('The package is not signed by the operator');
}

/** @param {ArrayBuffer} bytes */
function hex(bytes) {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {string} text base64url @returns {Uint8Array<ArrayBuffer>} */
function octets(text) {
  try {
    return Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
  } catch (error) {
    throw new Unverified('A signature or a key cannot be read', { cause: error });
  }
}
