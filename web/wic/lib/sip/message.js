import { Malformed } from './malformed.js';
import { params, split } from './params.js';
import { NameAddr } from './name-addr.js';

/** The longest message and the most header lines that are read. */
export const LIMITS = Object.freeze({ bytes: 65536, headers: 256 });

/** RFC 3261 §7.3.3 and the registry of compact forms. */
const COMPACT = new Map([
  ['a', 'accept-contact'], ['b', 'referred-by'], ['c', 'content-type'], ['d', 'request-disposition'],
  ['e', 'content-encoding'], ['f', 'from'], ['i', 'call-id'], ['j', 'reject-contact'], ['k', 'supported'],
  ['l', 'content-length'], ['m', 'contact'], ['n', 'identity-info'], ['o', 'event'], ['r', 'refer-to'],
  ['s', 'subject'], ['t', 'to'], ['u', 'allow-events'], ['v', 'via'], ['x', 'session-expires'], ['y', 'identity'],
]);

const METHOD = /^[A-Za-z0-9\-.!%*_+`'~]+$/;

/** @param {string} name */
function key(name) {
  const lower = name.toLowerCase();
  return COMPACT.get(lower) ?? lower;
}

/**
 * One SIP message (RFC 3261 §7): a request has `method` and `uri`, a response `status` and `reason`.
 * Header lines keep their order; names are compared without case and in either form.
 */
export class Message {
  /** @param {{ method: string, uri: string } | { status: number, reason: string }} start */
  constructor(start) {
    this.method = 'method' in start ? start.method : '';
    this.uri = 'uri' in start ? start.uri : '';
    this.status = 'status' in start ? start.status : 0;
    this.reason = 'reason' in start ? start.reason : '';
    /** @type {{ name: string, value: string }[]} */
    this.lines = [];
    this.body = '';
  }

  /**
   * @param {string} method
   * @param {string} uri
   */
  static request(method, uri) {
    return new Message({ method, uri });
  }

  /**
   * RFC 3261 §8.2.6: a response carries Via, From, To, Call-ID and CSeq of its request; To gets our tag.
   *
   * @param {Message} request
   * @param {number} status
   * @param {string} reason
   * @param {string} [toTag]
   */
  static responseTo(request, status, reason, toTag) {
    const response = new Message({ status, reason });
    for (const { name, value } of request.lines) {
      if (['via', 'from', 'to', 'call-id', 'cseq'].includes(key(name))) response.lines.push({ name, value });
      if (key(name) === 'record-route' && status > 100 && status < 300) response.lines.push({ name, value });
    }
    const to = request.get('To') ?? '';
    if (status > 100 && toTag && !/;\s*tag\s*=/i.test(to)) response.set('To', `${to};tag=${toTag}`);
    return response;
  }

  /**
   * Reads the message that one WebSocket message holds (RFC 7118 §5.1).
   * @param {string} text
   * @returns {Message}
   */
  static parse(text) {
    if (text.length > LIMITS.bytes) throw new Malformed('message: too long');
    const start = text.replace(/^[\r\n]+/, '');
    const end = /\r?\n\r?\n/.exec(start);
    if (!end) throw new Malformed('message: no end of headers');
    const head = start.slice(0, end.index).replace(/\r?\n[ \t]+/g, ' ');
    const [first, ...lines] = head.split(/\r?\n/);
    const message = parseStartLine(first);
    if (lines.length > LIMITS.headers) throw new Malformed('message: too many headers');
    for (const line of lines) {
      const colon = line.indexOf(':');
      const name = line.slice(0, Math.max(colon, 0)).trim();
      if (!METHOD.test(name)) throw new Malformed('header line');
      message.lines.push({ name, value: line.slice(colon + 1).trim() });
    }
    message.body = cut(start.slice(end.index + end[0].length), message.get('Content-Length'));
    for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq']) {
      if (!message.get(name)) throw new Malformed(`message: no ${name}`);
    }
    const cseq = message.cseq;
    if (message.isRequest && cseq.method !== message.method) throw new Malformed('CSeq: other method');
    return message;
  }

  get isRequest() {
    return this.method !== '';
  }

  /**
   * The value of the first line with this name.
   * @param {string} name
   * @returns {string | undefined}
   */
  get(name) {
    const wanted = key(name);
    return this.lines.find((line) => key(line.name) === wanted)?.value;
  }

  /**
   * The values of all lines with this name, undivided.
   * @param {string} name
   */
  all(name) {
    const wanted = key(name);
    return this.lines.filter((line) => key(line.name) === wanted).map((line) => line.value);
  }

  /**
   * The comma-separated elements over all lines with this name (RFC 3261 §7.3.1).
   * @param {string} name
   */
  values(name) {
    return this.all(name).flatMap((value) => split(value, ','));
  }

  /**
   * True if a list header such as Supported, Require or Allow has this token.
   * @param {string} name
   * @param {string} token
   */
  has(name, token) {
    return this.values(name).some((value) => value.toLowerCase() === token.toLowerCase());
  }

  /**
   * The first address of a header.
   * @param {string} name
   * @returns {NameAddr | undefined}
   */
  address(name) {
    const value = key(name) === 'from' || key(name) === 'to' ? this.get(name) : this.values(name)[0];
    return value === undefined ? undefined : NameAddr.parse(value);
  }

  /**
   * @param {string} name
   * @param {string} value
   * @returns {this}
   */
  add(name, value) {
    this.lines.push({ name, value: clean(value) });
    return this;
  }

  /**
   * @param {string} name
   * @param {string} value
   * @returns {this}
   */
  addFirst(name, value) {
    this.lines.unshift({ name, value: clean(value) });
    return this;
  }

  /**
   * Replaces the first line of this name, removes the others, or adds one.
   * @param {string} name
   * @param {string} value
   * @returns {this}
   */
  set(name, value) {
    const wanted = key(name);
    const at = this.lines.findIndex((line) => key(line.name) === wanted);
    if (at < 0) return this.add(name, value);
    this.lines[at].value = clean(value);
    this.lines = this.lines.filter((line, index) => index === at || key(line.name) !== wanted);
    return this;
  }

  /**
   * @param {string} name
   * @returns {this}
   */
  remove(name) {
    const wanted = key(name);
    this.lines = this.lines.filter((line) => key(line.name) !== wanted);
    return this;
  }

  /**
   * @param {string} type
   * @param {string} body
   * @returns {this}
   */
  setBody(type, body) {
    this.set('Content-Type', type);
    this.body = body;
    return this;
  }

  /** The session description in the body, also inside a multipart body; '' if there is none. */
  get sdp() {
    return bodyOfType(this, 'application/sdp');
  }

  get cseq() {
    const match = /^(\d{1,10})\s+(\S+)$/.exec(this.get('CSeq') ?? '');
    if (!match || Number(match[1]) > 0x7fffffff) throw new Malformed('CSeq');
    return { number: Number(match[1]), method: match[2] };
  }

  get callId() {
    return this.get('Call-ID') ?? '';
  }

  /** The top Via: who waits for the response to this message. */
  get via() {
    const top = this.values('Via')[0] ?? '';
    const [sent, ...more] = split(top, ';');
    const match = /^SIP\s*\/\s*2\.0\s*\/\s*(\S+)\s+(\S+)$/i.exec(sent ?? '');
    if (!match) throw new Malformed('Via');
    return { transport: match[1].toUpperCase(), sentBy: match[2].toLowerCase(), branch: params(more).get('branch') ?? '' };
  }

  toString() {
    const start = this.isRequest ? `${this.method} ${this.uri} SIP/2.0` : `SIP/2.0 ${this.status} ${this.reason}`;
    const lines = this.lines.filter((line) => key(line.name) !== 'content-length').map(({ name, value }) => `${name}: ${value}\r\n`);
    return `${start}\r\n${lines.join('')}Content-Length: ${byteLength(this.body)}\r\n\r\n${this.body}`;
  }
}

/** @param {string} line */
function parseStartLine(line) {
  const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/i.exec(line);
  if (response) {
    const status = Number(response[1]);
    if (status < 100 || status > 699) throw new Malformed('status');
    return new Message({ status, reason: response[2] });
  }
  const request = /^(\S+) (\S+) SIP\/2\.0$/i.exec(line);
  if (!request || !METHOD.test(request[1])) throw new Malformed('start line');
  return new Message({ method: request[1], uri: request[2] });
}

/**
 * RFC 7118 §5.1: Content-Length is optional here; what it does not cover is not the message's.
 * @param {string} body
 * @param {string | undefined} length
 */
function cut(body, length) {
  if (length === undefined) return body;
  if (!/^\d{1,6}$/.test(length)) throw new Malformed('Content-Length');
  const bytes = new TextEncoder().encode(body);
  if (bytes.length < Number(length)) throw new Malformed('message: body too short');
  return bytes.length === Number(length) ? body : new TextDecoder().decode(bytes.slice(0, Number(length)));
}

/**
 * @param {Message} message
 * @param {string} wanted
 */
function bodyOfType(message, wanted) {
  const [type, ...more] = split(message.get('Content-Type') ?? '', ';');
  if (type === undefined || message.body === '') return '';
  if (type.toLowerCase() === wanted) return message.body;
  const boundary = params(more).get('boundary');
  if (!type.toLowerCase().startsWith('multipart/') || !boundary) return '';
  // RFC 2046 §5.1: parts between `--boundary` lines, each with its own headers.
  for (const part of message.body.split(`--${boundary}`).slice(1)) {
    const text = part.replace(/^[ \t]*\r?\n/, '');
    const end = /\r?\n\r?\n/.exec(text);
    const head = end ? text.slice(0, end.index) : '';
    if (end && new RegExp(`^content-type\\s*:\\s*${wanted.replace('/', '\\/')}\\b`, 'im').test(head)) {
      return `${text.slice(end.index + end[0].length).replace(/\r?\n$/, '')}\r\n`;
    }
  }
  return '';
}

/** @param {string} text */
export function byteLength(text) {
  return new TextEncoder().encode(text).length;
}

/** A value can never start another header line. @param {string} value */
function clean(value) {
  return value.replace(/[\r\n]+/g, ' ');
}
