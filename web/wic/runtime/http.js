/**
 * HTTP/1.1 over a bootstrap channel (TS 26.114 §6.2.10), the UE's half: no Host, one request at a time, answers with
 * Content-Length in as many messages as they take.
 *
 * @typedef {import('../lib/data/ims-data-channel.js').ImsDataChannel} ImsDataChannel
 * @typedef {{ status: number, headers: Map<string, string>, body: Uint8Array<ArrayBuffer> }} HttpAnswer
 * @typedef {object} Asked
 * @property {string} request
 * @property {(answer: HttpAnswer) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {(received: number, total: number) => void} progress
 */

const MOST_HEAD = 16 * 1024;
export const MOST_BODY = 16 * 1024 * 1024;
/** Who says nothing for so long, in milliseconds, while an answer is due has gone. */
const PATIENCE = 30_000;

/** The part of a channel that is used. @typedef {Pick<ImsDataChannel, 'send' | 'close' | 'on' | 'opened'>} ChannelLike */

export class BootstrapHttp {
  #channel;
  /** The first of them has been asked. @type {Asked[]} */
  #waiting = [];
  /** What came of the answer. @type {Uint8Array<ArrayBuffer>[]} */
  #parts = [];
  #received = 0;
  /** The answer that has begun: its head, and how long it is in all. @type {{ status: number, headers: Map<string, string>, begin: number, end: number } | null} */
  #head = null;
  /** @type {unknown} */
  #over = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence = undefined;

  /** @param {ChannelLike} channel */
  constructor(channel) {
    this.#channel = channel;
    channel.on('message', (data) => this.#take(typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data)));
    channel.on('close', (failure) => this.#end(failure ?? new DOMException('The channel was closed', 'AbortError')));
  }

  /**
   * @param {string} target
   * @param {{ ifNoneMatch?: string, progress?: (received: number, total: number) => void }} [options]
   * @returns {Promise<HttpAnswer>}
   */
  async get(target, { ifNoneMatch = '', progress = () => {} } = {}) {
    // A blank or a line's end would make another request of it.
    if (!/^\/[\x21-\x7e]*$/.test(target) || /[^\x20-\x7e]/.test(ifNoneMatch)) throw new TypeError('This cannot be asked for');
    await this.#channel.opened;
    return new Promise((resolve, reject) => {
      if (this.#over !== null) {
        reject(this.#over);
        return;
      }
      const header = ifNoneMatch === '' ? '' : `If-None-Match: ${ifNoneMatch}\r\n`;
      this.#waiting.push({ request: `GET ${target} HTTP/1.1\r\n${header}\r\n`, resolve, reject, progress });
      if (this.#waiting.length === 1) this.#ask();
    });
  }

  close() {
    this.#channel.close();
  }

  #ask() {
    if (this.#waiting.length === 0) return;
    this.#channel.send(new TextEncoder().encode(this.#waiting[0].request));
    this.#listen();
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#fail('The network does not answer'), PATIENCE);
  }

  /** @param {Uint8Array<ArrayBuffer>} part */
  #take(part) {
    if (this.#over !== null) return;
    if (this.#waiting.length === 0) {
      this.#fail('An answer that nobody asked for');
      return;
    }
    this.#listen();
    this.#parts.push(part);
    this.#received += part.byteLength;
    try {
      this.#head ??= this.#readHead();
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : '');
      return;
    }
    const head = this.#head;
    if (head === null) return;
    const [asked] = this.#waiting;
    asked.progress(Math.min(this.#received, head.end) - head.begin, head.end - head.begin);
    if (this.#received < head.end) return;
    const all = this.#joined();
    const more = this.#received > head.end;
    this.#parts = [];
    this.#received = 0;
    this.#head = null;
    this.#waiting.shift();
    clearTimeout(this.#silence);
    asked.resolve({ status: head.status, headers: head.headers, body: all.slice(head.begin, head.end) });
    if (more) this.#fail('More than the answer');
    else this.#ask();
  }

  #readHead() {
    const all = this.#joined();
    const text = new TextDecoder('latin1').decode(all.subarray(0, MOST_HEAD));
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) {
      if (all.byteLength >= MOST_HEAD) throw new Error('An answer without a beginning');
      return null;
    }
    const [first, ...lines] = text.slice(0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.\d (\d{3})(?: |$)/.exec(first)?.[1]);
    if (Number.isNaN(status)) throw new Error('An answer that cannot be read');
    /** @type {Map<string, string>} */
    const headers = new Map();
    for (const line of lines) {
      const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
      if (name === undefined) throw new Error('An answer that cannot be read');
      headers.set(name.toLowerCase(), value);
    }
    const bodiless = status === 204 || status === 304;
    const length = headers.get('content-length');
    if (!bodiless && !/^\d{1,9}$/.test(length ?? '')) throw new Error('An answer that does not say how long it is');
    const size = bodiless ? 0 : Number(length);
    if (size > MOST_BODY) throw new Error('An answer that is too long');
    return { status, headers, begin: end + 4, end: end + 4 + size };
  }

  #joined() {
    if (this.#parts.length > 1) {
      const all = new Uint8Array(this.#received);
      let at = 0;
      for (const part of this.#parts) {
        all.set(part, at);
        at += part.byteLength;
      }
      this.#parts = [all];
    }
    return this.#parts[0] ?? new Uint8Array();
  }

  /** @param {string} message */
  #fail(message) {
    this.#end(new TypeError(message));
    this.#channel.close();
  }

  /** @param {unknown} error */
  #end(error) {
    this.#over ??= error;
    clearTimeout(this.#silence);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#over);
  }
}
