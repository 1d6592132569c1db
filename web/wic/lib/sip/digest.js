import { md5 } from './md5.js';
import { params, quote, split } from './params.js';

/**
 * HTTP Digest as SIP uses it (RFC 7616, RFC 8760): reading challenges and computing what answers them.
 *
 * @typedef {object} Challenge one WWW-Authenticate or Proxy-Authenticate line
 * @property {string} scheme in lower case
 * @property {Map<string, string>} params
 *
 * @typedef {(text: string) => Promise<string>} Hash to lower-case hexadecimal digits
 */

/** @type {Record<string, Hash>} */
const HASHES = {
  md5: async (text) => hex(md5(new TextEncoder().encode(text))),
  'sha-256': async (text) => hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))),
};

/**
 * @param {string} value
 * @returns {Challenge}
 */
export function parseChallenge(value) {
  const match = /^\s*(\S+)\s*(.*)$/s.exec(value);
  return { scheme: (match?.[1] ?? '').toLowerCase(), params: params(split(match?.[2] ?? '', ',')) };
}

/**
 * The first Digest challenge that we can answer (RFC 8760 §2.3: the server lists them by preference).
 * @param {string[]} values
 * @returns {Challenge | undefined}
 */
export function chooseChallenge(values) {
  return values.map(parseChallenge).find(({ scheme, params: given }) => {
    const qop = given.get('qop');
    return scheme === 'digest' && HASHES[hashName(given)] && (qop === undefined || split(qop, ',').includes('auth'));
  });
}

/**
 * RFC 7616 §3.4.1: the value of `response`.
 *
 * @param {object} input
 * @param {string} input.username
 * @param {string} input.realm
 * @param {string} input.password
 * @param {string} input.method
 * @param {string} input.uri
 * @param {string} input.nonce
 * @param {string} [input.algorithm] MD5 or SHA-256, with or without `-sess`; AKAv2-SHA-256, with what a card makes as password
 * @param {string} [input.qop] `auth`, or none for RFC 2069 servers
 * @param {string} [input.cnonce]
 * @param {string} [input.nc] eight hexadecimal digits
 */
export async function digestResponse(input) {
  const algorithm = (input.algorithm ?? 'MD5').toLowerCase().replace(/^akav2-/, '');
  const hash = HASHES[algorithm.replace(/-sess$/, '')];
  if (!hash) throw new RangeError(`digest algorithm ${input.algorithm}`);
  let a1 = await hash(`${input.username}:${input.realm}:${input.password}`);
  if (algorithm.endsWith('-sess')) a1 = await hash(`${a1}:${input.nonce}:${input.cnonce}`);
  const a2 = await hash(`${input.method}:${input.uri}`);
  return input.qop
    ? hash(`${a1}:${input.nonce}:${input.nc}:${input.cnonce}:${input.qop}:${a2}`)
    : hash(`${a1}:${input.nonce}:${a2}`);
}

/**
 * The whole header value that answers a challenge.
 *
 * @param {Challenge} challenge
 * @param {{ username: string, password: string, method: string, uri: string, cnonce: string, count: number }} input
 */
export async function digestAuthorization(challenge, input) {
  const given = challenge.params;
  const qop = given.has('qop') ? 'auth' : undefined;
  const nc = input.count.toString(16).padStart(8, '0');
  const realm = given.get('realm') ?? '';
  const nonce = given.get('nonce') ?? '';
  const algorithm = given.get('algorithm');
  const response = await digestResponse({ ...input, realm, nonce, algorithm, qop, nc });
  const parts = [
    `username=${quote(input.username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(input.uri)}`,
    `response="${response}"`,
  ];
  if (algorithm) parts.push(`algorithm=${algorithm}`);
  const opaque = given.get('opaque');
  if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`);
  if (qop) parts.push(`qop=${qop}`, `nc=${nc}`, `cnonce="${input.cnonce}"`);
  return `Digest ${parts.join(', ')}`;
}

/** @param {Map<string, string>} given */
function hashName(given) {
  return (given.get('algorithm') ?? 'MD5').toLowerCase().replace(/-sess$/, '');
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
