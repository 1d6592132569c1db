import { NameAddr } from '../sip/name-addr.js';

/**
 * Who is at the far end, as the network asserts in P-Asserted-Identity (RFC 3325 §9.1): a call that was transferred stays the same
 * dialog for us, and another one talks.
 *
 * @typedef {import('../sip/message.js').Message} Message
 */
export class FarParty {
  /** Each name that was asserted of the one who is there. @type {Set<string>} */
  #names = new Set();

  /**
   * @param {Message} message an INVITE, UPDATE or 2xx of the far end
   * @returns {NameAddr | null} who took the call over, if it is another one
   */
  note(message) {
    const asserted = message.values('P-Asserted-Identity').map(parsed).filter((each) => each !== null);
    const names = asserted.map(({ uri }) => uri.aor);
    const another = this.#areAnothers(names);
    if (another) this.#names.clear();
    for (const name of names) this.#names.add(name);
    return another ? asserted[0] : null;
  }

  /**
   * One may be asserted by a SIP URI once and by a number the next time: that says nothing. Two names of one kind do.
   * @param {string[]} names
   */
  #areAnothers(names) {
    if (names.some((name) => this.#names.has(name))) return false;
    const kinds = new Set([...this.#names].map(kind));
    return names.some((name) => kinds.has(kind(name)));
  }
}

/** @param {string} name */
function kind(name) {
  return name.startsWith('tel:') ? 'tel' : 'sip';
}

/**
 * @param {string} value
 * @returns {NameAddr | null}
 */
function parsed(value) {
  try {
    return NameAddr.parse(value);
  } catch {
    return null;
  }
}
