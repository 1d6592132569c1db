import { concat, equal, readKey, xor } from './bytes.js';
import { Milenage } from './milenage.js';

/** TS 33.102 §C.3.1: the last five bits of SQN say which of 32 lists it belongs to. */
const INDEXES = 32;

/**
 * A SIM in software (TS 33.102 §6.3.3): for the laboratory. Whoever can read the page's memory has its secret.
 *
 * @implements {Isim}
 * @typedef {import('./isim.js').Isim} Isim
 */
export class SoftwareIsim {
  #milenage;
  /** The highest SEQ that was taken, for each IND (§C.2.2). @type {number[]} */
  #taken;
  /** The highest SQN that was taken, to be kept for the next time. */
  sequence;

  /**
   * @param {object} card
   * @param {string} card.impi
   * @param {string} [card.homeDomain] what follows the `@` of the private identity if nothing is said
   * @param {readonly string[]} [card.impus] `sip:` and the private identity if nothing is said
   * @param {Milenage} card.milenage
   * @param {number} [card.sequence] the highest SQN that was taken before
   */
  constructor({ impi, homeDomain = impi.slice(impi.indexOf('@') + 1), impus = [`sip:${impi}`], milenage, sequence = 0 }) {
    this.impi = impi;
    this.homeDomain = homeDomain;
    this.impus = impus;
    this.sequence = sequence;
    this.#milenage = milenage;
    this.#taken = Array.from({ length: INDEXES }, () => seq(sequence));
  }

  /**
   * With K and OPc in hexadecimal.
   * @param {{ impi: string, k: string, opc: string, homeDomain?: string, impus?: readonly string[], sequence?: number }} card
   * @returns {Promise<SoftwareIsim>} rejects with a RangeError for keys that are none
   */
  static async of({ k, opc, ...card }) {
    const [key, operator] = [readKey(k), readKey(opc)];
    if (!key || !operator) throw new RangeError('K and OPc are 32 hexadecimal digits each');
    return new SoftwareIsim({ ...card, milenage: await Milenage.of(key, operator) });
  }

  /**
   * First whether it is the home network, then whether it is fresh.
   *
   * @param {Uint8Array} rand
   * @param {Uint8Array} autn
   * @returns {Promise<import('./isim.js').IsimAnswer>}
   */
  async authenticate(rand, autn) {
    const { res, ak } = await this.#milenage.resAndAk(rand);
    const sqn = xor(autn.slice(0, 6), ak);
    const macs = await this.#milenage.macs(rand, sqn, autn.slice(6, 8));
    if (!equal(macs.a, autn.slice(8))) return { kind: 'refused' };
    const number = sqn.reduce((sum, byte) => sum * 256 + byte, 0);
    const index = number % INDEXES;
    if (seq(number) <= this.#taken[index]) return { kind: 'resynchronise', auts: await this.#auts(rand) };
    this.#taken[index] = seq(number);
    this.sequence = Math.max(this.sequence, number);
    return { kind: 'response', res, ck: await this.#milenage.ck(rand), ik: await this.#milenage.ik(rand) };
  }

  /**
   * TS 33.102 §6.3.3: where this SIM stands. Its AMF is zero, so that it need not be sent.
   * @param {Uint8Array} rand
   */
  async #auts(rand) {
    const sqn = Uint8Array.from({ length: 6 }, (_, i) => Math.floor(this.sequence / 256 ** (5 - i)) % 256);
    const macs = await this.#milenage.macs(rand, sqn, new Uint8Array(2));
    return concat(xor(sqn, await this.#milenage.akStar(rand)), macs.s);
  }
}

/** @param {number} sqn 48 bits fit into a number */
function seq(sqn) {
  return Math.floor(sqn / INDEXES);
}
