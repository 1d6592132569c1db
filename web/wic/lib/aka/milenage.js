import { xor } from './bytes.js';

/**
 * Milenage: the functions f1 to f5* of a SIM (TS 35.206 §4.1), over the AES of the browser.
 */
export class Milenage {
  #key;
  #opc;

  /**
   * @param {CryptoKey} key
   * @param {Uint8Array} opc
   */
  constructor(key, opc) {
    this.#key = key;
    this.#opc = opc;
  }

  /**
   * @param {Uint8Array} k 16 bytes
   * @param {Uint8Array} opc 16 bytes
   */
  static async of(k, opc) {
    return new Milenage(await importKey(k), opc);
  }

  /**
   * TS 35.206 §4.1: OPc is made of the operator's OP.
   * @param {Uint8Array} k
   * @param {Uint8Array} op
   */
  static async fromOp(k, op) {
    const key = await importKey(k);
    return new Milenage(key, xor(await encrypt(key, op), op));
  }

  /**
   * f1 and f1*: MAC-A and MAC-S.
   * @param {Uint8Array} rand
   * @param {Uint8Array} sqn 6 bytes
   * @param {Uint8Array} amf 2 bytes
   */
  async macs(rand, sqn, amf) {
    const input = new Uint8Array([...sqn, ...amf, ...sqn, ...amf]);
    const temp = await this.#encrypt(xor(rand, this.#opc));
    const block = xor(temp, rotate(xor(input, this.#opc), 8));
    const out = xor(await this.#encrypt(block), this.#opc);
    return { a: out.slice(0, 8), s: out.slice(8) };
  }

  /**
   * f2 and f5: RES and the anonymity key AK.
   * @param {Uint8Array} rand
   */
  async resAndAk(rand) {
    const out = await this.#out(rand, 0, 1);
    return { res: out.slice(8), ak: out.slice(0, 6) };
  }

  /**
   * f3: CK.
   * @param {Uint8Array} rand
   */
  ck(rand) {
    return this.#out(rand, 4, 2);
  }

  /**
   * f4: IK.
   * @param {Uint8Array} rand
   */
  ik(rand) {
    return this.#out(rand, 8, 4);
  }

  /**
   * f5*: the anonymity key of a resynchronisation.
   * @param {Uint8Array} rand
   */
  async akStar(rand) {
    return (await this.#out(rand, 12, 8)).slice(0, 6);
  }

  /**
   * OUT2 to OUT5.
   * @param {Uint8Array} rand
   * @param {number} rotation in bytes
   * @param {number} constant the last byte of c2 to c5
   */
  async #out(rand, rotation, constant) {
    const temp = await this.#encrypt(xor(rand, this.#opc));
    const block = rotate(xor(temp, this.#opc), rotation);
    block[15] ^= constant;
    return xor(await this.#encrypt(block), this.#opc);
  }

  /** @param {Uint8Array} block */
  #encrypt(block) {
    return encrypt(this.#key, block);
  }
}

/** @param {Uint8Array} k */
function importKey(k) {
  return crypto.subtle.importKey('raw', k.slice(), 'AES-CBC', false, ['encrypt']);
}

/**
 * One block: what AES-CBC makes first of a block, with nothing before it, is the block encrypted.
 * @param {CryptoKey} key
 * @param {Uint8Array} block
 */
async function encrypt(key, block) {
  const made = await crypto.subtle.encrypt({ name: 'AES-CBC', iv: new Uint8Array(16) }, key, block.slice());
  return new Uint8Array(made, 0, 16);
}

/**
 * @param {Uint8Array} block
 * @param {number} bytes to the left
 */
function rotate(block, bytes) {
  return new Uint8Array([...block.slice(bytes), ...block.slice(0, bytes)]);
}
