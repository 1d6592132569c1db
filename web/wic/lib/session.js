import { Failure } from './failure.js';

/**
 * W1: the signed-in session with the WWSF. The page knows the session's id only; its secret is in a cookie.
 *
 * @typedef {object} Account
 * @property {string} impi the private identity
 * @property {string[]} impus the public identities, the default one first
 * @property {string} displayName
 * @property {string} homeDomain
 * @property {string} w2 the address of the eP-CSCF's WebSocket
 */
export class Session {
  #fetch;
  /** @type {Account | null} */
  account = null;

  /**
   * @param {string} id
   * @param {{ fetch?: typeof fetch, base?: string }} [options]
   */
  constructor(id, { fetch: ask = (...input) => fetch(...input), base = '' } = {}) {
    this.id = id;
    this.base = base;
    this.#fetch = ask;
  }

  /**
   * TS 24.371 §6.2.2: a token from the WWSF, and whose it is.
   * @returns {Promise<import('./credentials.js').AccessToken>} rejects with Failure `signed_out` when the session is over
   */
  async token() {
    const response = await this.#post('token');
    if (response.status === 401 || response.status === 403 || response.status === 404) {
      throw new Failure('signed_out', { status: response.status });
    }
    if (!response.ok) throw new Failure('service_down', { status: response.status });
    const given = await response.json();
    this.account = {
      impi: String(given.impi),
      impus: given.impus.map(String),
      displayName: String(given.display_name ?? ''),
      homeDomain: String(given.home_domain),
      w2: String(given.w2),
    };
    return { token: String(given.access_token), expiresIn: Number(given.expires_in) };
  }

  /** Signs out: the tokens are revoked and the cookie goes. */
  async end() {
    await this.#post('end');
  }

  /** @param {string} what */
  #post(what) {
    // A header that no form and no other site can send without being asked (CSRF).
    return this.#fetch(`${this.base}/session/${encodeURIComponent(this.id)}/${what}`, {
      method: 'POST',
      headers: { 'X-Requested-With': 'wic', Accept: 'application/json' },
      credentials: 'same-origin',
      cache: 'no-store',
    });
  }
}
