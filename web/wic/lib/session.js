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
 * @property {{ site: string | null, key: string | null }} [applications] where data channel applications run, with `{id}`, and the
 *   operator's public key for their packages
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
   * TS 24.371 §6.2.3: an identity of the network's pool, for somebody who stays anonymous.
   * @param {{ fetch?: typeof fetch, base?: string }} [options]
   * @returns {Promise<Session>} rejects with Failure `pool_exhausted` when every identity is in use
   */
  static async asGuest(options = {}) {
    const { fetch: ask = (...input) => fetch(...input), base = '' } = options;
    const response = await ask(`${base}/guest`, POST);
    if (!response.ok) throw await refusal(response);
    const given = await response.json();
    return new Session(String(given.session), options);
  }

  /**
   * Which ways in there are beside signing in.
   * @param {{ fetch?: typeof fetch, base?: string }} [options]
   * @returns {Promise<{ guests: boolean, sims: { homeDomain: string, w2: string } | null }>} `sims`: where a SIM whose
   *   keys are typed in may register; null where that is not offered
   */
  static async ways({ fetch: ask = (...input) => fetch(...input), base = '' } = {}) {
    const response = await ask(`${base}/ways`, { credentials: 'same-origin', cache: 'no-store' });
    if (!response.ok) throw await refusal(response);
    const { guests, sims } = await response.json();
    return {
      guests: guests === true,
      sims: sims ? { homeDomain: String(sims.home_domain), w2: String(sims.w2) } : null,
    };
  }

  /**
   * Whether calls in this network begin with applications: what is there before a call is answered, what is fetched or opened
   * with it. Null where that is not said.
   * @param {{ fetch?: typeof fetch, base?: string }} [options]
   * @returns {Promise<{ before: boolean, within: boolean } | null>} never rejects
   */
  static async beginnings({ fetch: ask = (...input) => fetch(...input), base = '' } = {}) {
    try {
      const response = await ask(`${base}/ways/applications`, { credentials: 'same-origin', cache: 'no-store' });
      if (!response.ok) return null;
      const { before, within } = await response.json();
      return { before: before === true, within: within === true };
    } catch {
      return null;
    }
  }

  /**
   * TS 24.371 §6.2.2: a token from the WWSF, and whose it is.
   * @param {boolean} [refused] whether the network refused the one of before
   * @returns {Promise<import('./credentials.js').AccessToken>} rejects with Failure `signed_out` when the session is over
   */
  async token(refused = false) {
    const response = await this.#post(refused ? 'token?refused' : 'token');
    if (response.status === 401 || response.status === 403 || response.status === 404) {
      throw new Failure('signed_out', { status: response.status });
    }
    if (!response.ok) throw await refusal(response);
    const given = await response.json();
    this.account = {
      impi: String(given.impi),
      impus: given.impus.map(String),
      displayName: String(given.display_name ?? ''),
      homeDomain: String(given.home_domain),
      w2: String(given.w2),
      applications: { site: word(given.applications?.site), key: word(given.applications?.key) },
    };
    const token = { token: String(given.access_token), expiresIn: Number(given.expires_in) };
    return given.renew_in === undefined ? token : { ...token, renewIn: Number(given.renew_in) };
  }

  /** Signs out: the tokens are revoked and the cookie goes. */
  async end() {
    await this.#post('end');
  }

  /** @param {string} what */
  #post(what) {
    return this.#fetch(`${this.base}/session/${encodeURIComponent(this.id)}/${what}`, POST);
  }
}

/** @param {unknown} value */
function word(value) {
  return typeof value === 'string' ? value : null;
}

/** With a header that no form and no other site can send without being asked (CSRF). */
const POST = Object.freeze({
  method: 'POST',
  headers: { 'X-Requested-With': 'wic', Accept: 'application/json' },
  credentials: /** @type {const} */ ('same-origin'),
  cache: /** @type {const} */ ('no-store'),
});

/**
 * Why the WWSF gave nothing, as a failure.
 * @param {Response} response
 */
async function refusal(response) {
  const { error } = await response.json().catch(() => ({ error: '' }));
  const { status } = response;
  return new Failure(error === 'pool_exhausted' || error === 'too_many_guests' ? error : 'service_down', { status });
}
