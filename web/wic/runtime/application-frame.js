import { Emitter } from '../lib/emitter.js';
import { ApplicationHost } from '../ts66/index.js';
import { runtimeSource } from './frame-source.js';

/**
 * One application that runs in this page: a sandboxed frame on a site of its own, its channels, and what it asks of the page.
 *
 *   loading ──the frame is there──> starting ──its page is shown──> running ──close(), or it misbehaves──> closed
 *
 * @typedef {import('./list.js').ListedApplication} ListedApplication
 * @typedef {import('../ts66/host.js').CallLike} CallLike
 *
 * @typedef {object} FrameEvents
 * @property {string} state
 * @property {{ name: string, blob: Blob, answer: (saved: boolean) => void }} save the application wants a file saved; the person is to be asked
 * @property {boolean} hangs it does not answer; or does again
 * @property {{ kind: 'console' | 'fault' | 'blocked' | 'channel', text: string }} trace for a developer
 * @property {import('../lib/data/ims-data-channel.js').ImsDataChannel} channel it has another channel
 * @property {string} close why: nothing if it was meant
 *
 * @typedef {object} FrameParts
 * @property {HTMLElement} parent
 * @property {CallLike} call
 * @property {Pick<ListedApplication, 'id' | 'name' | 'version'> & { qosHint?: string }} application
 * @property {ArrayBuffer} bytes its package, verified
 * @property {'local' | 'remote'} launchedBy
 * @property {string | null} site where applications run, with `{id}`
 * @property {ReturnType<import('./storage.js').ApplicationStorage['of']>} storage
 * @property {boolean} [developer]
 * @property {() => boolean | null} [network]
 * @property {readonly string[]} [attributes] what `a=dcsa` says of its channels
 */

/** A frame that says nothing for so long hangs, in milliseconds. */
const PATIENCE = 5000;
/** It is asked so often. */
const BEAT = 1500;
/** What a frame may say in a second, on all its ports; who says more is closed, so that the page and its call go on. */
const MOST_SAID = 5000;
/** What a frame may say to the window around it: one thing, that it is there. */
const MOST_WINDOW = 20;
const MOST_FILE = 256 * 1024 * 1024;

/** @extends {Emitter<FrameEvents>} */
export class ApplicationFrame extends Emitter {
  /** @type {'loading' | 'starting' | 'running' | 'closed'} */
  state = 'loading';
  /** True while it does not answer. */
  hangs = false;
  #parts;
  #ports = new MessageChannel();
  #host;
  #stop = new AbortController();
  #heard = performance.now();
  #said = 0;
  #saidToWindow = 0;
  #begun = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #beat;
  #counted = performance.now();

  /** @param {FrameParts} parts */
  constructor(parts) {
    super();
    this.#parts = parts;
    const { application, call, site, developer = false, network, attributes } = parts;
    this.application = application;
    this.element = document.createElement('iframe');
    this.element.title = application.name;
    // An opaque origin: no storage, no cookies, and nothing in common with the page, on whatever site it is.
    this.element.setAttribute('sandbox', 'allow-scripts allow-forms');
    this.element.setAttribute('allow', '');
    this.element.referrerPolicy = 'no-referrer';
    this.#host = new ApplicationHost({
      call,
      application,
      network,
      attributes,
      carried: (channel) => this.emit('channel', channel),
      trace: (from, message) => {
        if (from === 'frame') this.#count();
        if (developer && message.type !== 'left') this.emit('trace', { kind: 'channel', text: traced(from, message) });
      },
    });
    this.#ports.port1.onmessage = ({ data }) => this.#handle(data);
    window.addEventListener('message', (event) => this.#fromWindow(event), { signal: this.#stop.signal });
    this.element.src = frameAddress(site, application.id);
    parts.parent.append(this.element);
  }

  /** Its channels. */
  get channels() {
    return this.#host.channels;
  }

  /** True once it takes what the far end offers. */
  get associated() {
    return this.#host.associated;
  }

  /**
   * A channel of this application that was accepted for it.
   * @param {import('../ts66/index.js').EarlyChannel} early
   */
  take(early) {
    this.#host.take(early);
  }

  /** Takes it away, whatever it is doing; its channels close, the call goes on. */
  close(why = '') {
    if (this.state === 'closed') return;
    clearInterval(this.#beat);
    this.#stop.abort();
    this.#host.close();
    this.#ports.port1.close();
    this.element.remove();
    this.#enter('closed');
    this.emit('close', why);
  }

  /** @param {MessageEvent} event */
  #fromWindow(event) {
    if (event.source !== this.element.contentWindow || this.state === 'closed') return;
    // Nobody else has any business with what a frame says.
    event.stopImmediatePropagation();
    this.#saidToWindow += 1;
    if (this.#saidToWindow > MOST_WINDOW) {
      this.close('flood');
      return;
    }
    if (event.data?.type !== 'isthmus-frame' || this.#begun) return;
    this.#begun = true;
    void this.#begin();
  }

  async #begin() {
    try {
      const script = await runtimeSource();
      if (this.state !== 'loading') return;
      const { application, bytes, launchedBy, developer = false } = this.#parts;
      const message = {
        type: 'isthmus-application',
        script,
        // It stays with us, for the next time.
        package: bytes,
        application: { id: application.id, name: application.name, version: application.version, launchedBy },
        developer,
      };
      // An opaque origin has no name that could be aimed at; what is in that frame is what we have put there.
      this.element.contentWindow?.postMessage(message, '*', [this.#ports.port2]);
      this.#enter('starting');
      this.#heard = performance.now();
      this.#beat = setInterval(() => this.#look(), BEAT);
    } catch {
      this.close('unavailable');
    }
  }

  /** What comes over the port may be anything. @param {any} message */
  #handle(message) {
    if (this.state === 'closed' || !this.#count() || typeof message !== 'object' || message === null) return;
    this.#heard = performance.now();
    if (this.hangs) {
      this.hangs = false;
      this.emit('hangs', false);
    }
    const { port1 } = this.#ports;
    const answer = (/** @type {unknown} */ value) => this.state !== 'closed' && port1.postMessage({ request: message.request, value });
    const { storage } = this.#parts;
    const key = String(message.key).slice(0, 1024);
    switch (message.type) {
      case 'ready':
        if (this.element.contentWindow) this.#host.connect(this.element.contentWindow);
        return;
      case 'shown':
        this.#enter('running');
        return;
      case 'broken':
        this.close(`broken: ${String(message.message).slice(0, 200)}`);
        return;
      case 'close':
        this.close();
        return;
      case 'get':
      case 'delete':
        this.#answer(storage[/** @type {'get' | 'delete'} */ (message.type)](key), message.request);
        return;
      case 'set':
        this.#answer(storage.set(key, message.value), message.request);
        return;
      case 'keys':
        this.#answer(storage.keys(), message.request);
        return;
      case 'save':
        if (message.blob instanceof Blob && message.blob.size <= MOST_FILE) {
          this.emit('save', { name: fileName(message.name), blob: message.blob, answer });
        } else {
          answer(false);
        }
        return;
      case 'console':
      case 'fault':
        this.emit('trace', { kind: message.type, text: [message.level, message.where, message.words, message.message].filter(Boolean).join(' ').slice(0, 4000) });
        return;
      case 'blocked':
        this.emit('trace', { kind: 'blocked', text: `${String(message.directive)} ${String(message.address)}`.slice(0, 400) });
        return;
      default:
    }
  }

  /**
   * @param {Promise<unknown>} work
   * @param {unknown} request
   */
  #answer(work, request) {
    const { port1 } = this.#ports;
    work.then(
      (value) => this.state !== 'closed' && port1.postMessage({ request, value }),
      (error) => {
        const { name, message } = error instanceof DOMException ? error : { name: 'OperationError', message: 'It could not be kept' };
        if (this.state !== 'closed') port1.postMessage({ request, fault: { name, message } });
      },
    );
  }

  #look() {
    this.#ports.port1.postMessage({ type: 'ping' });
    const hangs = performance.now() - this.#heard > PATIENCE;
    if (hangs && !this.hangs) {
      this.hangs = true;
      this.emit('hangs', true);
    }
  }

  /** @returns {boolean} false if it has said too much, and is closed for it */
  #count() {
    const now = performance.now();
    if (now - this.#counted > 1000) {
      this.#counted = now;
      this.#said = 0;
    }
    this.#said += 1;
    if (this.#said <= MOST_SAID) return true;
    this.close('flood');
    return false;
  }

  /** @param {'loading' | 'starting' | 'running' | 'closed'} state */
  #enter(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit('state', state);
  }
}

/**
 * @param {string | null} site
 * @param {string} id
 */
export function frameAddress(site, id) {
  const path = new URL('frame.html', import.meta.url);
  // Names below localhost lead to the browser's own machine: that is where the page must be, too.
  const local = site !== null && new URL(site.replace('{id}', 'x')).hostname.endsWith('.localhost');
  if (site === null || (local && !['localhost', '127.0.0.1', '[::1]'].includes(location.hostname))) return path.href;
  return new URL(path.pathname, site.replace('{id}', label(id))).href;
}

/** An application's identifier as part of a host's name: what such a name cannot have is a number. @param {string} id */
function label(id) {
  const written = id.toLowerCase().replace(/[^a-z0-9]/g, (letter) => `-${letter.codePointAt(0)?.toString(36)}-`);
  let hash = 0;
  for (const letter of id) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
  return written.length <= 40 && written === id ? written : `${written.slice(0, 32).replace(/-+$/, '')}-${hash.toString(36)}`;
}

/** @param {unknown} name a file's name without folders, and short */
function fileName(name) {
  // eslint-disable-next-line no-control-regex
  const bare = String(name).replace(/[\u0000-\u001f\u007f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]/g, '_').replace(/^\.+/, '').trim();
  return bare.slice(-120) || 'file';
}

/**
 * @param {string} from
 * @param {any} message
 */
function traced(from, message) {
  const { data, ...rest } = message;
  const size = data === undefined ? '' : ` ${typeof data === 'string' ? data.length : data.byteLength}`;
  return `${from === 'frame' ? '→' : '←'} ${JSON.stringify(rest)}${size}`;
}
