import { Malformed } from './malformed.js';

/**
 * A URI as SIP uses them: `sip:`, `sips:`, `tel:` and `urn:` (RFC 3261 §19.1, RFC 3966, RFC 5031).
 * For `tel:` the number is `user` and the host is empty; for any other scheme all that follows the colon is `user`.
 */
export class Uri {
  /**
   * @param {{ scheme: string, user: string, host?: string, port?: number | null, params?: Map<string, string>, headers?: string }} parts
   */
  constructor(parts) {
    this.scheme = parts.scheme;
    this.user = parts.user;
    this.host = parts.host ?? '';
    this.port = parts.port ?? null;
    /** @type {Map<string, string>} */
    this.params = parts.params ?? new Map();
    this.headers = parts.headers ?? '';
  }

  /**
   * @param {string} text
   * @returns {Uri}
   */
  static parse(text) {
    const colon = text.indexOf(':');
    if (colon <= 0 || /[\s<>"]/.test(text)) throw new Malformed('URI');
    const scheme = text.slice(0, colon).toLowerCase();
    if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) throw new Malformed('URI scheme');
    const rest = text.slice(colon + 1);
    if (rest === '') throw new Malformed('URI');
    if (scheme === 'sip' || scheme === 'sips') return parseSip(scheme, rest);
    if (scheme === 'tel') {
      const [number, ...more] = rest.split(';');
      if (!/^\+?[0-9A-Fa-f*#().-]+$/.test(number)) throw new Malformed('telephone number');
      return new Uri({ scheme, user: number, params: uriParams(more) });
    }
    return new Uri({ scheme, user: rest });
  }

  /** The address without parameters: what is shown and what names a person. */
  get aor() {
    if (this.scheme === 'sip' || this.scheme === 'sips') {
      return `${this.scheme}:${this.user === '' ? '' : `${this.user}@`}${this.host.toLowerCase()}`;
    }
    return this.scheme === 'tel' ? `tel:${digits(this.user)}` : `${this.scheme}:${this.user.toLowerCase()}`;
  }

  toString() {
    const params = [...this.params].map(([name, value]) => (value === '' ? `;${name}` : `;${name}=${value}`)).join('');
    if (this.scheme !== 'sip' && this.scheme !== 'sips') return `${this.scheme}:${this.user}${params}`;
    const user = this.user === '' ? '' : `${this.user}@`;
    const port = this.port === null ? '' : `:${this.port}`;
    return `${this.scheme}:${user}${this.host}${port}${params}${this.headers}`;
  }
}

/**
 * A telephone number without its visual separators (RFC 3966 §5.1.1).
 * @param {string} number
 */
export function digits(number) {
  return number.replace(/[\s().\-/]/g, '');
}

/**
 * @param {string} scheme
 * @param {string} rest
 */
function parseSip(scheme, rest) {
  // The user part may hold ';' and '?', so the '@' is looked for first (RFC 3261 §25.1, RFC 4475 §3.1.1.13).
  const at = rest.lastIndexOf('@', endOfAuthority(rest));
  const user = at < 0 ? '' : rest.slice(0, at);
  const after = rest.slice(at + 1);
  const question = after.indexOf('?');
  const [address, ...more] = (question < 0 ? after : after.slice(0, question)).split(';');
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.\-_]+)(?::(\d{1,5}))?$/.exec(address);
  if (!match) throw new Malformed('URI host');
  const port = match[2] === undefined ? null : Number(match[2]);
  if (port !== null && port > 65535) throw new Malformed('URI port');
  return new Uri({
    scheme,
    user,
    host: match[1],
    port,
    params: uriParams(more),
    headers: question < 0 ? '' : after.slice(question),
  });
}

/** @param {string} rest */
function endOfAuthority(rest) {
  // Headers of a URI may hold an '@' too; a user part may hold a '?' only before the last '@' ahead of them.
  const first = rest.indexOf('@');
  const question = rest.indexOf('?', first < 0 ? 0 : first);
  return question < 0 ? rest.length : question;
}

/** @param {string[]} pieces */
function uriParams(pieces) {
  /** @type {Map<string, string>} */
  const map = new Map();
  for (const piece of pieces) {
    const equal = piece.indexOf('=');
    const name = (equal < 0 ? piece : piece.slice(0, equal)).toLowerCase();
    if (name !== '' && !map.has(name)) map.set(name, equal < 0 ? '' : piece.slice(equal + 1));
  }
  return map;
}
