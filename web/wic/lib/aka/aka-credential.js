import { Failure } from '../failure.js';
import { digestAuthorization, parseChallenge } from '../sip/digest.js';
import { word } from '../sip/ids.js';
import { quote, split } from '../sip/params.js';
import { concat, fromBase64, toBase64 } from './bytes.js';

/**
 * IMS-AKA over the TLS of the WebSocket (TS 24.371 §6.2.1.3, RFC 3310, RFC 4169): a card answers for us.
 *
 *   REGISTER, no answer ──401──> the card is asked ──response──────> REGISTER ──200──> the same challenge serves refreshes
 *                                              ├──resynchronise──> REGISTER with auts ──401──> asked once more
 *                                              └──refused────────> REGISTER with an empty response
 *
 * Only AKAv2-SHA-256 is spoken: nobody on the way can bid it down.
 *
 * @implements {Credential}
 * @typedef {import('../credentials.js').Credential} Credential
 * @typedef {import('./isim.js').Isim} Isim
 * @typedef {{ kind: 'password', password: string } | { kind: 'resynchronise', auts: Uint8Array } | { kind: 'refused' }} Proof
 */
export class AkaCredential {
  #isim;
  /** @type {{ challenge: import('../sip/digest.js').Challenge, proof: Proof, count: number } | null} */
  #known = null;
  expiresAt = Infinity;

  /** @param {Isim} isim */
  constructor(isim) {
    this.#isim = isim;
  }

  /** @param {import('../sip/message.js').Message} request */
  async authorize(request) {
    // The association that the REGISTER made speaks for every other request (TS 33.203 §X.2.3).
    if (request.method !== 'REGISTER') return;
    const known = this.#known;
    if (!known) {
      const { impi, homeDomain } = this.#isim;
      request.set(
        'Authorization',
        `Digest username=${quote(impi)}, realm=${quote(homeDomain)}, nonce="", uri=${quote(request.uri)}, response="", ` +
          `algorithm=${ALGORITHM}`,
      );
      return;
    }
    known.count += 1;
    const { proof } = known;
    const value = await digestAuthorization(known.challenge, {
      username: this.#isim.impi,
      // RFC 3310 §3.4: what is no answer is made with an empty password.
      password: proof.kind === 'password' ? proof.password : '',
      method: request.method,
      uri: request.uri,
      cnonce: word(16),
      count: known.count,
    });
    request.set('Authorization', completed(value, proof));
  }

  stamp() {}

  /**
   * Only the registrar asks by AKA; a proxy that asks is refused.
   * @param {import('../sip/message.js').Message} response
   */
  async challenged(response) {
    const before = this.#known;
    this.#known = null;
    if (response.status !== 401) return false;
    const challenge = response.all('WWW-Authenticate').map(parseChallenge).find(isOurs);
    const nonce = fromBase64(challenge?.params.get('nonce') ?? '');
    if (!challenge || !nonce || nonce.length < 32) return false;
    const first = before?.count === 1;
    const stale = challenge.params.get('stale')?.toLowerCase() === 'true';
    // The answer was right by our card, and the network finds it wrong.
    if (first && before.proof.kind === 'password' && !stale) return false;
    const proof = await this.#ask(nonce.slice(0, 16), nonce.slice(16, 32));
    // TS 24.229 §5.1.1.5.3: two invalid challenges in a row are enough.
    if (proof.kind !== 'password' && first && before.proof.kind !== 'password') throw new Failure('network_unproven');
    this.#known = { challenge, proof, count: 0 };
    return true;
  }

  close() {
    this.#known = null;
  }

  /**
   * @param {Uint8Array} rand
   * @param {Uint8Array} autn
   * @returns {Promise<Proof>}
   */
  async #ask(rand, autn) {
    try {
      const answer = await this.#isim.authenticate(rand, autn);
      if (answer.kind !== 'response') return answer;
      return { kind: 'password', password: await akaV2Password(answer) };
    } catch (error) {
      throw new Failure('sim_failed', { cause: error });
    }
  }
}

const ALGORITHM = 'AKAv2-SHA-256';

/**
 * RFC 4169 §3: base64 of HMAC-SHA-256(RES || IK || CK, "http-digest-akav2-password").
 * @param {{ res: Uint8Array, ik: Uint8Array, ck: Uint8Array }} answer
 */
export async function akaV2Password({ res, ik, ck }) {
  const key = await crypto.subtle.importKey('raw', concat(res, ik, ck), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const made = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode('http-digest-akav2-password'));
  return toBase64(new Uint8Array(made));
}

/** @param {import('../sip/digest.js').Challenge} challenge */
function isOurs({ scheme, params: given }) {
  const qop = given.get('qop');
  const algorithm = given.get('algorithm')?.toUpperCase();
  return scheme === 'digest' && algorithm === ALGORITHM.toUpperCase() && (qop === undefined || split(qop, ',').includes('auth'));
}

/**
 * @param {string} value
 * @param {Proof} proof
 */
function completed(value, proof) {
  switch (proof.kind) {
    case 'password':
      return value;
    case 'resynchronise':
      return `${value}, auts="${toBase64(proof.auts)}"`;
    case 'refused':
      // TS 33.203 §6.1.2.
      return value.replace(/ response="[0-9a-f]+"/, ' response=""');
  }
}
