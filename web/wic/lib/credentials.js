import { Emitter } from './emitter.js';
import { Failure } from './failure.js';
import { systemClock, Timer } from './clock.js';
import { chooseChallenge, digestAuthorization, parseChallenge } from './sip/digest.js';
import { word } from './sip/ids.js';

/**
 * What proves who we are: {@link BearerCredential} (TS 24.371 §6.2.2), {@link DigestCredential} (§6.2.1.2), or a card by
 * {@link import('./aka/aka-credential.js').AkaCredential} (§6.2.1.3). Anything else that keeps to this will do.
 *
 * @typedef {object} Credential
 * @property {number} expiresAt milliseconds since the epoch; Infinity if it never expires
 * @property {(request: import('./sip/message.js').Message) => Promise<void>} authorize before a request leaves
 * @property {(request: import('./sip/message.js').Message) => void} stamp for ACK and CANCEL, which cannot wait
 * @property {(response: import('./sip/message.js').Message) => Promise<boolean>} challenged after a 401 or 407; true: try again
 *
 * @typedef {object} AccessToken
 * @property {string} token
 * @property {number} expiresIn seconds
 * @property {number} [renewIn] seconds until there can be another, if the WWSF says so
 */

/** How long before its end a token is renewed if the WWSF does not say when: in the last minute. */
const RENEW_BEFORE = 50_000;
const RENEW_RETRY = 8_000;
/** After the moment that the WWSF names: its clock and ours differ. */
const RENEW_AFTER = 500;
/** A token with less than this left is not put into a request. */
const LEAST_LIFE = 5_000;

/**
 * RFC 8898 §2.1.3, TS 24.371 §7.2.1: an access token, in every request, renewed before it expires (§6.2.2).
 *
 * @implements {Credential}
 * @extends {Emitter<{ renewed: AccessToken, lost: Failure }>}
 */
export class BearerCredential extends Emitter {
  #fetchToken;
  #clock;
  #timer;
  #token = '';
  /** @type {Promise<void> | null} */
  #renewing = null;
  expiresAt = 0;

  /**
   * @param {(refused: boolean) => Promise<AccessToken>} fetchToken is told whether the network refused the one before; rejects with Failure `signed_out` when the session is over
   * @param {{ clock?: import('./clock.js').Clock }} [options]
   */
  constructor(fetchToken, { clock = systemClock } = {}) {
    super();
    this.#fetchToken = fetchToken;
    this.#clock = clock;
    this.#timer = new Timer(clock);
  }

  /** @param {import('./sip/message.js').Message} request */
  async authorize(request) {
    if (this.expiresAt - this.#clock.now() < LEAST_LIFE) await this.renew();
    this.stamp(request);
  }

  /** @param {import('./sip/message.js').Message} request */
  stamp(request) {
    if (this.#token !== '') request.set('Authorization', `Bearer ${this.#token}`);
  }

  /**
   * RFC 6750 §3.1: `invalid_token` may be cured by another token, the other errors may not.
   * @param {import('./sip/message.js').Message} response
   */
  async challenged(response) {
    const challenge = response.all('WWW-Authenticate').map(parseChallenge).find(({ scheme }) => scheme === 'bearer');
    const error = challenge?.params.get('error') ?? 'invalid_token';
    if (!challenge || error !== 'invalid_token') return false;
    const before = this.#token;
    await this.renew(true);
    return this.#token !== before;
  }

  /**
   * Asks for a token now. One question at a time.
   * @param {boolean} [refused] whether the network refused the one that we have
   */
  renew(refused = false) {
    this.#renewing ??= this.#fetch(refused).finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  /** Forgets the token and stops renewing. */
  close() {
    this.#timer.stop();
    this.#token = '';
    this.expiresAt = 0;
  }

  /** @param {boolean} refused */
  async #fetch(refused) {
    const before = this.#token;
    const { token, expiresIn, renewIn } = await this.#fetchToken(refused);
    this.#token = token;
    this.expiresAt = this.#clock.now() + expiresIn * 1000;
    if (renewIn === undefined) this.#schedule(Math.max(expiresIn * 1000 - RENEW_BEFORE, RENEW_RETRY));
    else this.#schedule(renewIn * 1000 + RENEW_AFTER);
    if (before !== '' && before !== token) this.emit('renewed', { token, expiresIn, renewIn });
  }

  /** @param {number} delay */
  #schedule(delay) {
    this.#timer.set(delay, () => {
      this.renew().catch((error) => {
        if (error instanceof Failure && error.code === 'signed_out') this.emit('lost', error);
        else this.#schedule(RENEW_RETRY);
      });
    });
  }
}

/**
 * SIP Digest (TS 24.229 §5.1.1.2.3, RFC 3261 §22): the private identity and a password.
 *
 * @implements {Credential}
 */
export class DigestCredential {
  #username;
  #realm;
  #password;
  /** @type {Map<string, { challenge: import('./sip/digest.js').Challenge, count: number }>} */
  #challenges = new Map();
  expiresAt = Infinity;

  /** @param {{ username: string, realm: string, password: string }} secret */
  constructor({ username, realm, password }) {
    this.#username = username;
    this.#realm = realm;
    this.#password = password;
  }

  /** @param {import('./sip/message.js').Message} request */
  async authorize(request) {
    if (request.method === 'REGISTER' && !this.#challenges.has('Authorization')) {
      // TS 24.229 §5.1.1.2.3: the first REGISTER already names the private identity.
      request.set(
        'Authorization',
        `Digest username="${this.#username}", realm="${this.#realm}", nonce="", uri="${request.uri}", response=""`,
      );
    }
    for (const [header, known] of this.#challenges) {
      // A registrar's challenge is no answer to a proxy, and other requests go to other servers.
      if (header === 'Authorization' && request.method !== 'REGISTER') continue;
      known.count += 1;
      const value = await digestAuthorization(known.challenge, {
        username: this.#username,
        password: this.#password,
        method: request.method,
        uri: request.uri,
        cnonce: word(16),
        count: known.count,
      });
      request.set(header, value);
    }
  }

  stamp() {}

  /** @param {import('./sip/message.js').Message} response */
  async challenged(response) {
    const proxy = response.status === 407;
    const header = proxy ? 'Proxy-Authorization' : 'Authorization';
    const challenge = chooseChallenge(response.all(proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate'));
    if (!challenge) return false;
    // RFC 7616 §3.3: a second challenge without stale=true means that the password is wrong.
    const known = this.#challenges.get(header);
    const stale = challenge.params.get('stale')?.toLowerCase() === 'true';
    const again = known?.challenge.params.get('nonce') === challenge.params.get('nonce') && !stale;
    this.#challenges.set(header, { challenge, count: 0 });
    return !again;
  }

  close() {
    this.#challenges.clear();
  }
}
