import { Emitter } from '../lib/emitter.js';

/**
 * One application that is open in a call, from the moment that somebody has opened it: its package, its frame, and where the other
 * end of its channels is.
 *
 *   loading ──> agreeing, if it collects personal data ──> starting ──> running ──> closed
 *      └──> failed, and it stays until somebody closes it
 *
 * @typedef {import('../runtime/application-frame.js').ApplicationFrame} ApplicationFrame
 * @typedef {import('../lib/data/ims-data-channel.js').ImsDataChannel} ImsDataChannel
 * @typedef {import('../ts66/index.js').EarlyChannel} EarlyChannel
 * @typedef {import('./shelf.js').Entry} Entry
 *
 * @typedef {'loading' | 'agreeing' | 'starting' | 'running' | 'failed' | 'closed'} OpenState
 * @typedef {'none' | 'asked' | 'joined' | 'refused' | 'unsupported' | 'failed' | 'left'} FarState what is known of one far end; left: it has closed
 *   the last channel
 *
 * @typedef {object} OpenEvents
 * @property {null} change
 * @property {{ kind: string, text: string }} trace
 * @property {null} close
 *
 * @typedef {object} OpenParts
 * @property {string} id
 * @property {string} name what it is called until its entry is found
 * @property {'local' | 'remote'} launchedBy
 * @property {boolean} [byItself] nobody has opened it: it is launched with the call
 * @property {() => Promise<Entry | null>} find
 * @property {(entry: Entry) => boolean} agreed whether nobody has to be asked about personal data
 * @property {() => boolean} farKnows whether the other party has said that it knows data channels: then it has refused this one
 * @property {(open: OpenApplication, entry: Entry, bytes: ArrayBuffer) => ApplicationFrame} frame
 */

/** How much of what it does is kept for its author. */
const MOST_TRACES = 500;

/** @extends {Emitter<OpenEvents>} */
export class OpenApplication extends Emitter {
  /** @type {OpenState} */
  state = 'loading';
  /** How much of its package is there, from 0 to 1. */
  progress = 0;
  /** Why it is not to be had, or was closed: a word for `application-words.js`. */
  why = '';
  hangs = false;
  /** The other party, and its server. @type {Record<'ue' | 'server', FarState>} */
  far = { ue: 'none', server: 'none' };
  /** The version that the other party runs, if it is another one. */
  otherVersion = '';
  /** A file that it wants saved. @type {{ name: string, blob: Blob, answer: (saved: boolean) => void } | null} */
  save = null;
  /** What it does, for its author. @type {{ kind: string, text: string }[]} */
  traces = [];
  /** @type {Entry | null} */
  entry = null;
  /** Accepted before there is a frame. @type {EarlyChannel[]} */
  #waiting = [];
  /** @type {ApplicationFrame | null} */
  #frame = null;
  /** @type {() => void} */
  #agree = () => {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #validity;
  /** @type {Map<ImsDataChannel, 'ue' | 'server'>} */
  #channels = new Map();
  #parts;

  /** @param {OpenParts} parts */
  constructor(parts) {
    super();
    this.#parts = parts;
    this.id = parts.id;
    this.launchedBy = parts.launchedBy;
    this.byItself = parts.byItself === true;
  }

  get name() {
    return this.entry?.application.name ?? this.#parts.name;
  }

  get version() {
    return this.entry?.application.version ?? null;
  }

  /** True if it takes itself what the far end offers. */
  get takes() {
    return this.#frame?.associated === true;
  }

  /** Everything, until it runs. */
  async begin() {
    const entry = await this.#parts.find().catch(() => null);
    if (this.#over) return;
    if (!entry) {
      this.#fail('not_found');
      return;
    }
    this.entry = entry;
    let bytes;
    try {
      const loaded = entry.load((received, total) => {
        this.progress = total > 0 ? received / total : 0;
        this.emit('change', null);
      });
      this.emit('change', null);
      // The package comes while somebody reads.
      const [got] = await Promise.all([loaded, this.#agreement(entry)]);
      bytes = got;
    } catch (error) {
      if (!this.#over) this.#fail(error instanceof Error && error.name === 'Unverified' ? 'unverified' : 'not_given');
      return;
    }
    if (this.#over) return;
    this.#run(entry, bytes);
  }

  /** The person agrees that it collects personal data. */
  agree() {
    if (this.state !== 'agreeing') return;
    this.#enter('loading');
    this.#agree();
  }

  /**
   * A channel that was accepted for it.
   * @param {EarlyChannel} early
   */
  take(early) {
    if (this.#frame) this.#frame.take(early);
    else if (this.#over || this.state === 'failed') early.refuse();
    else this.#waiting.push(early);
    this.#watch(early.channel);
  }

  /** @param {boolean} saved */
  answerSave(saved) {
    this.save?.answer(saved);
    this.save = null;
    this.emit('change', null);
  }

  /** It goes, whatever it is doing. */
  close() {
    if (this.#frame) this.#frame.close();
    else this.#end('');
  }

  get #over() {
    return this.state === 'closed';
  }

  /** @param {Entry} entry */
  async #agreement(entry) {
    if (!entry.application.personalData || this.#parts.agreed(entry)) return;
    this.#enter('agreeing');
    await new Promise((resolve) => {
      this.#agree = () => resolve(undefined);
    });
  }

  /**
   * @param {Entry} entry
   * @param {ArrayBuffer} bytes
   */
  #run(entry, bytes) {
    this.#enter('starting');
    const frame = this.#parts.frame(this, entry, bytes);
    this.#frame = frame;
    frame.on('state', (state) => {
      if (state === 'running') this.#enter('running');
    });
    frame.on('channel', (channel) => this.#watch(channel));
    frame.on('hangs', (hangs) => {
      this.hangs = hangs;
      this.emit('change', null);
    });
    frame.on('save', (wanted) => {
      this.save?.answer(false);
      this.save = wanted;
      this.emit('change', null);
    });
    frame.on('trace', (trace) => {
      this.traces.push(trace);
      if (this.traces.length > MOST_TRACES) this.traces.shift();
      this.emit('trace', trace);
    });
    frame.on('close', (why) => this.#end(why));
    for (const early of this.#waiting.splice(0)) frame.take(early);
    this.#expire(entry.application.validUntil);
  }

  /** @param {number | null} validUntil */
  #expire(validUntil) {
    if (validUntil === null) return;
    const left = validUntil - Date.now();
    // A timer has no more than these.
    if (left > 0) this.#validity = setTimeout(() => this.#expire(validUntil), Math.min(left, 0x7fff_ffff));
    else this.#frame?.close('over');
  }

  /** @param {ImsDataChannel} channel */
  #watch(channel) {
    if (this.#channels.has(channel)) return;
    const end = channel.application?.endpoint ?? 'ue';
    this.#channels.set(channel, end);
    const opened = () => {
      this.#compare(channel, end);
      this.#enterFar(end, 'joined');
    };
    if (channel.readyState === 'open') opened();
    else if (this.far[end] !== 'joined') this.#enterFar(end, 'asked');
    channel.on('open', opened);
    channel.on('close', (failure) => {
      this.#channels.delete(channel);
      const others = [...this.#channels].filter(([, each]) => each === end).map(([{ readyState }]) => readyState);
      if (others.includes('open')) return;
      const before = this.far[end];
      if (failure?.code === 'channel_refused') this.#enterFar(end, 'refused');
      else if (failure?.code === 'channels_unsupported') this.#enterFar(end, end === 'ue' && this.#parts.farKnows() ? 'refused' : 'unsupported');
      else if (others.length > 0) this.#enterFar(end, 'asked');
      else this.#enterFar(end, before === 'joined' && !channel.closedHere ? 'left' : failure ? 'failed' : before === 'joined' ? 'none' : before);
    });
  }

  /**
   * Both sides say which version they have.
   * @param {ImsDataChannel} channel
   * @param {'ue' | 'server'} end
   */
  #compare(channel, end) {
    const other = readAttributes(channel.remoteAttributes).version;
    const own = plain(this.version ?? '');
    if (end === 'ue' && other && own && other !== own) this.otherVersion = other;
  }

  /**
   * @param {'ue' | 'server'} end
   * @param {FarState} state
   */
  #enterFar(end, state) {
    if (this.far[end] === state) return;
    this.far[end] = state;
    this.emit('change', null);
  }

  /** @param {string} why */
  #fail(why) {
    this.why = why;
    for (const early of this.#waiting.splice(0)) early.refuse();
    this.#enter('failed');
  }

  /** @param {string} why */
  #end(why) {
    if (this.#over) return;
    clearTimeout(this.#validity);
    this.why = why;
    for (const early of this.#waiting.splice(0)) early.refuse();
    this.save?.answer(false);
    this.save = null;
    this.#enter('closed');
    this.emit('close', null);
  }

  /** @param {OpenState} state */
  #enter(state) {
    if (this.state === state || this.#over) return;
    this.state = state;
    this.emit('change', null);
  }
}

// What `3gpp-req-app` does not say, an attribute of the channel does (RFC 8864 §5.2): who has no such attribute is an older
// application, or a phone of another kind.
const NAME = 'isthmus-application:';

/**
 * What `a=dcsa` says of an application's channels, without `a=`.
 * @param {{ name: string, version: string | null }} application
 */
export function attributesOf({ name, version }) {
  const words = [`name=${encodeURIComponent(name)}`, ...(version ? [`version=${encodeURIComponent(version)}`] : [])];
  return [`${NAME}${words.join(';')}`];
}

/**
 * @param {readonly string[]} attributes
 * @returns {{ name: string, version: string }} empty where nothing is said
 */
export function readAttributes(attributes) {
  const text = attributes.find((each) => each.startsWith(NAME))?.slice(NAME.length) ?? '';
  const word = (/** @type {string} */ key) => {
    const found = text.split(';').find((each) => each.startsWith(`${key}=`));
    try {
      return plain(decodeURIComponent(found?.slice(key.length + 1) ?? ''));
    } catch {
      return '';
    }
  };
  return { name: word('name'), version: word('version') };
}

/** As it is shown: what turns the reading around, or ends a line, is no part of a name. @param {string} text */
function plain(text) {
  return text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim().slice(0, 64);
}
