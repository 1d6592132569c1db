import { Malformed } from './malformed.js';
import { isToken, params, printParams, quote, split, unquote } from './params.js';
import { Uri } from './uri.js';

/** An address with a display name and parameters, as in From, To, Contact, Route (RFC 3261 §20.10). */
export class NameAddr {
  /**
   * @param {Uri} uri
   * @param {{ name?: string, params?: Map<string, string> }} [more]
   */
  constructor(uri, more = {}) {
    this.uri = uri;
    this.name = more.name ?? '';
    /** @type {Map<string, string>} */
    this.params = more.params ?? new Map();
  }

  /**
   * @param {string} text
   * @returns {NameAddr}
   */
  static parse(text) {
    const value = text.trim();
    const open = openingBracket(value);
    if (open < 0) {
      // Without brackets every parameter belongs to the header, not to the URI (RFC 3261 §20).
      const [uri, ...more] = split(value, ';');
      if (uri === undefined) throw new Malformed('address');
      return new NameAddr(Uri.parse(uri), { params: params(more) });
    }
    const close = value.indexOf('>', open);
    if (close < 0) throw new Malformed('address');
    return new NameAddr(Uri.parse(value.slice(open + 1, close).trim()), {
      name: unquote(value.slice(0, open).trim()),
      params: params(split(value.slice(close + 1), ';')),
    });
  }

  get tag() {
    return this.params.get('tag') ?? '';
  }

  toString() {
    const words = this.name.split(' ');
    const name = this.name === '' ? '' : `${words.every(isToken) ? this.name : quote(this.name)} `;
    return `${name}<${this.uri}>${printParams(this.params)}`;
  }
}

/** @param {string} value */
function openingBracket(value) {
  let quoted = false;
  for (let i = 0; i < value.length; i += 1) {
    if (quoted && value[i] === '\\') i += 1;
    else if (value[i] === '"') quoted = !quoted;
    else if (value[i] === '<' && !quoted) return i;
  }
  return -1;
}
