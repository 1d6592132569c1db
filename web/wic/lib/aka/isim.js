/**
 * What IMS-AKA asks of a card: the interface between {@link import('./aka-credential.js').AkaCredential} and whatever
 * holds the secret. `software-isim.js` is one for the laboratory; a real one passes RAND and AUTN to a card by
 * AUTHENTICATE (TS 31.103 §7.1.2) and back what the card says. docs/wic.md says how.
 *
 * @typedef {object} Isim
 * @property {string} impi the private user identity (EF_IMPI, TS 31.103 §4.2.2)
 * @property {string} homeDomain the home network's domain name (EF_DOMAIN, §4.2.3)
 * @property {readonly string[]} impus the public user identities, the default one first (EF_IMPU, §4.2.4)
 * @property {(rand: Uint8Array, autn: Uint8Array) => Promise<IsimAnswer>} authenticate
 *   16 bytes each. MUST NOT answer `res` to a RAND and AUTN whose MAC is wrong or whose sequence number was used
 *   before. MUST reject only when the card could not be asked at all, such as when it was taken out: that ends the
 *   registration. Is called once for each challenge, and never twice at a time.
 *
 * @typedef {IsimResponse | IsimResynchronisation | IsimRefusal} IsimAnswer
 *
 * @typedef {object} IsimResponse the network is the home network (tag `DB` of a card's answer)
 * @property {'response'} kind
 * @property {Uint8Array} res 4 to 16 bytes
 * @property {Uint8Array} ck 16 bytes; they go into the password and nowhere else
 * @property {Uint8Array} ik 16 bytes, likewise
 *
 * @typedef {object} IsimResynchronisation the sequence number was used before (tag `DC`)
 * @property {'resynchronise'} kind
 * @property {Uint8Array} auts 14 bytes
 *
 * @typedef {object} IsimRefusal the challenge is not the home network's (status word `98 62`)
 * @property {'refused'} kind
 */

export {};
