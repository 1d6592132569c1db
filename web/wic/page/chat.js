import { FILE_PROTOCOL, FileChannel, MOST_TAKEN } from '../lib/data/file-channel.js';
import { Emitter } from '../lib/emitter.js';
import { chatWords } from './words.js';

/**
 * The chat of one call: lines over a data channel `chat` without a subprotocol, and files over one of their own
 * (docs/data-channels.md), whoever opens them.
 *
 *   none ──open(), or the far end's──> opening ──> open ──> closed, from where it can be opened again
 *
 * @typedef {import('../lib/call/call.js').Call} Call
 * @typedef {import('../lib/data/ims-data-channel.js').ImsDataChannel} ImsDataChannel
 *
 * @typedef {'none' | 'opening' | 'open' | 'closed'} ChatState
 * @typedef {import('../lib/data/file-channel.js').FileTransfer} FileTransfer
 * @typedef {{ from: 'us' | 'them' | 'phone', who: string, text: string, at: number, file?: FileTransfer }} Line phone: what becomes of the
 *   chat itself; who: the other party as it was called then
 *
 * @typedef {object} ChatEvents
 * @property {ChatState} state
 * @property {Line} line
 */

/** What the channel of the chat is called. */
const LABEL = 'chat';
/** What a line may be, in octets, and how many are kept. */
export const LONGEST_LINE = 16 * 1024;
const MOST_LINES = 500;

/** @extends {Emitter<ChatEvents>} */
export class Chat extends Emitter {
  /** @type {Line[]} */
  lines = [];
  /** Lines of the far end that nobody has looked at. */
  unread = 0;
  /** @type {ChatState} */
  state = 'none';
  /** Both sides may have opened one at once: then there are two, and each writes into one. @type {ImsDataChannel[]} */
  #channels = [];
  /** What our files go over. @type {FileChannel | null} */
  #files = null;
  /** Octets of the files that came. */
  #taken = 0;
  #call;

  /** @param {Call} call */
  constructor(call) {
    super();
    this.#call = call;
    call.on('channelrequest', (request) => {
      // What belongs to an application, or to nobody that is known here, is none of it.
      const { application, label, protocol } = request;
      const files = protocol === FILE_PROTOCOL;
      if (application || !(files || (protocol === '' && label === LABEL))) return;
      const channel = request.accept();
      if (channel && files) this.#carryFiles(channel);
      else if (channel) this.#carry(channel, true);
    });
    call.on('state', (state) => {
      if (state === 'ended') this.#enter('closed');
    });
  }

  get who() {
    return this.#call.who;
  }

  /** Opens the chat, if it is not open. */
  open() {
    if (this.state === 'opening' || this.state === 'open') return;
    try {
      this.#carry(this.#call.openChannel({ label: LABEL }), false);
      this.#say(chatWords('opening', this.who));
    } catch {
      this.#say(chatWords('channel_failed', this.who));
    }
  }

  /**
   * Writes a line.
   * @param {string} text
   * @returns {boolean} false if it could not be sent
   */
  send(text) {
    const channel = this.#channels.find(({ readyState }) => readyState === 'open');
    if (!channel) return false;
    try {
      channel.send(text);
    } catch {
      return false;
    }
    this.#add({ from: 'us', text, at: Date.now() });
    return true;
  }

  /**
   * Sends a file.
   * @param {File} file
   */
  sendFile(file) {
    try {
      if (!this.#files?.usable) this.#files = this.#carryFiles(this.#call.openChannel({ label: 'files', protocol: FILE_PROTOCOL }));
      const transfer = this.#files.send(file, file.name);
      this.#add({ from: 'us', text: transfer.name, at: Date.now(), file: transfer });
    } catch {
      this.#say(chatWords('channel_failed', this.who));
    }
  }

  /** @param {ImsDataChannel} channel */
  #carryFiles(channel) {
    // However many come, and over however many channels: what is kept of them has an end.
    const files = new FileChannel(channel, { most: () => MOST_TAKEN - this.#taken });
    files.on('file', (file) => {
      if (file.size <= MOST_TAKEN - this.#taken) this.#taken += file.size;
      this.unread += 1;
      this.#add({ from: 'them', text: file.name, at: Date.now(), file });
    });
    return files;
  }

  /** Somebody has looked. */
  read() {
    this.unread = 0;
  }

  /**
   * @param {ImsDataChannel} channel
   * @param {boolean} theirs
   */
  #carry(channel, theirs) {
    this.#channels.push(channel);
    if (this.state !== 'open') this.#enter('opening');
    channel.on('open', () => {
      const already = this.state === 'open';
      this.#enter('open');
      if (!already) this.#say(chatWords(theirs ? 'theirs' : 'open', this.who));
    });
    channel.on('message', (data) => {
      if (typeof data !== 'string' || data.length > LONGEST_LINE) return;
      this.unread += 1;
      this.#add({ from: 'them', text: data, at: Date.now() });
    });
    channel.on('close', (failure) => {
      this.#channels = this.#channels.filter((other) => other !== channel);
      if (this.#channels.length > 0 || this.#call.state === 'ended') return;
      this.#enter('closed');
      // The network may have a line for its own channels alone: who has never said that it knows any was asked nothing.
      const unsupported = failure?.code === 'channel_refused' && !this.#call.farDataChannels;
      this.#say(chatWords(unsupported ? 'channels_unsupported' : failure?.code ?? 'closed', this.who));
    });
  }

  /** @param {string} text */
  #say(text) {
    this.#add({ from: 'phone', text, at: Date.now() });
  }

  /** @param {Omit<Line, 'who'>} said */
  #add(said) {
    // A call may be handed over to another one, who has not said it.
    const line = { ...said, who: this.who };
    this.lines.push(line);
    if (this.lines.length > MOST_LINES) this.lines.shift();
    this.emit('line', line);
  }

  /** @param {ChatState} state */
  #enter(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit('state', state);
  }
}
