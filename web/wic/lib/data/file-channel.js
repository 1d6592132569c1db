import { Emitter } from '../emitter.js';
import { Sha256 } from './sha256.js';

/**
 * Files over a channel, as docs/data-channels.md has it: announced, sent in pieces, ended by their SHA-256, which the receiver
 * confirms. One at a time in each direction.
 *
 * @typedef {import('./ims-data-channel.js').ImsDataChannel} ImsDataChannel
 *
 * @typedef {object} FileChannelEvents
 * @property {FileTransfer} file the far end sends one
 *
 * @typedef {object} TransferEvents
 * @property {null} change
 */

/** The subprotocol of such a channel. */
export const FILE_PROTOCOL = 'isthmus-file';
/** What is taken into memory by default. */
export const MOST_TAKEN = 256 * 1024 * 1024;
/** One message of a file, and what of a file may wait to be sent. */
const PIECE = 16 * 1024;
const MOST_WAITING = 512 * 1024;
const LONGEST_NAME = 255;

/** A file on its way. @extends {Emitter<TransferEvents>} */
export class FileTransfer extends Emitter {
  /** @type {'moving' | 'done' | 'failed'} */
  state = 'moving';
  /** Octets that were sent, or have come. */
  moved = 0;
  /** What came, once it is all there. @type {Blob | null} */
  blob = null;
  /** Why it failed, in the far end's words or our own. */
  reason = '';

  /**
   * @param {string} name
   * @param {number} size
   */
  constructor(name, size) {
    super();
    this.name = name;
    this.size = size;
  }

  // What its FileChannel does with it.

  /** @param {number} octets */
  move(octets) {
    const percent = () => Math.floor((100 * this.moved) / Math.max(1, this.size));
    const before = percent();
    this.moved += octets;
    if (percent() !== before) this.emit('change', null);
  }

  /** @param {Blob | null} [blob] */
  succeed(blob = null) {
    if (this.state !== 'moving') return;
    this.state = 'done';
    this.blob = blob;
    this.emit('change', null);
  }

  /** @param {string} reason */
  fail(reason) {
    if (this.state !== 'moving') return;
    this.state = 'failed';
    this.reason = reason;
    this.emit('change', null);
  }
}

/** @extends {Emitter<FileChannelEvents>} */
export class FileChannel extends Emitter {
  #channel;
  #most;
  /** @type {{ file: Blob, transfer: FileTransfer }[]} */
  #queue = [];
  /** What we send, and the sum of it. @type {{ transfer: FileTransfer, sum: Sha256 } | null} */
  #sending = null;
  /** What comes. @type {{ transfer: FileTransfer, sum: Sha256, pieces: ArrayBuffer[] } | null} */
  #receiving = null;

  /**
   * @param {ImsDataChannel} channel
   * @param {{ most?: () => number }} [options] most: the largest file that is taken now, in octets
   */
  constructor(channel, { most = () => MOST_TAKEN } = {}) {
    super();
    this.#channel = channel;
    this.#most = most;
    channel.bufferedAmountLowThreshold = MOST_WAITING;
    channel.on('open', () => void this.#next());
    channel.on('message', (data) => (typeof data === 'string' ? this.#told(data) : this.#came(data)));
    channel.on('close', () => {
      const reason = 'the channel was closed';
      for (const { transfer } of this.#queue.splice(0)) transfer.fail(reason);
      this.#sending?.transfer.fail(reason);
      this.#receiving?.transfer.fail(reason);
    });
  }

  /** False once nothing can be sent by it any more. */
  get usable() {
    return this.#channel.readyState === 'connecting' || this.#channel.readyState === 'open';
  }

  /**
   * Sends a file when those before it are through.
   * @param {Blob} file
   * @param {string} name
   */
  send(file, name) {
    const transfer = new FileTransfer(plainName(name), file.size);
    this.#queue.push({ file, transfer });
    void this.#next();
    return transfer;
  }

  async #next() {
    if (this.#sending || this.#channel.readyState !== 'open') return;
    const next = this.#queue.shift();
    if (!next) return;
    const { file, transfer } = next;
    const sending = { transfer, sum: new Sha256() };
    this.#sending = sending;
    try {
      this.#say({ type: 'file', name: transfer.name, size: file.size });
      for (let at = 0; at < file.size && transfer.state === 'moving'; at += PIECE) {
        const piece = await file.slice(at, at + PIECE).arrayBuffer();
        await this.#channel.drained();
        if (transfer.state !== 'moving') break;
        sending.sum.update(new Uint8Array(piece));
        this.#channel.send(piece);
        transfer.move(piece.byteLength);
      }
      if (transfer.state === 'moving') this.#say({ type: 'end', sha256: sending.sum.digest() });
      else this.#say({ type: 'abort', reason: transfer.reason });
    } catch {
      // The file is gone, or the channel is.
      transfer.fail('the file could not be read');
      if (this.#channel.readyState === 'open') this.#say({ type: 'abort', reason: transfer.reason });
    }
    // After a refusal the next one may follow; else it waits for the receiver's word.
    if (transfer.state !== 'moving') this.#sent(sending);
  }

  /** @param {{ transfer: FileTransfer }} sending */
  #sent(sending) {
    if (this.#sending !== sending) return;
    this.#sending = null;
    void this.#next();
  }

  /** @param {string} text */
  #told(text) {
    /** @type {Record<string, unknown>} */
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (typeof message !== 'object' || message === null) return;
    switch (message.type) {
      case 'file':
        this.#announced(message);
        return;
      case 'end':
        this.#ended(String(message.sha256));
        return;
      case 'abort':
        this.#receiving?.transfer.fail(words(message.reason));
        this.#receiving = null;
        return;
      case 'received':
        if (this.#sending) {
          this.#sending.transfer.succeed();
          this.#sent(this.#sending);
        }
        return;
      case 'refused':
        // Who is still sending sees it, and says so.
        this.#refusedBy(words(message.reason));
    }
  }

  /** @param {string} reason */
  #refusedBy(reason) {
    const sending = this.#sending;
    if (!sending) return;
    const whole = sending.transfer.moved === sending.transfer.size;
    sending.transfer.fail(reason);
    if (whole) {
      this.#say({ type: 'abort', reason });
      this.#sent(sending);
    }
  }

  /** @param {Record<string, unknown>} message */
  #announced({ name, size }) {
    if (this.#receiving) {
      // One at a time: whoever does not wait gets neither.
      this.#refuse('one file at a time');
      return;
    }
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      this.#say({ type: 'refused', reason: 'no such size' });
      return;
    }
    const transfer = new FileTransfer(plainName(String(name)), size);
    const most = this.#most();
    this.#receiving = { transfer, sum: new Sha256(), pieces: [] };
    this.emit('file', transfer);
    if (size > most) this.#refuse('the file is too large');
  }

  /** @param {ArrayBuffer} piece */
  #came(piece) {
    const receiving = this.#receiving;
    if (!receiving || receiving.transfer.state !== 'moving') return;
    if (receiving.transfer.moved + piece.byteLength > receiving.transfer.size) {
      this.#refuse('more came than was announced');
      return;
    }
    receiving.sum.update(new Uint8Array(piece));
    receiving.pieces.push(piece);
    receiving.transfer.move(piece.byteLength);
  }

  /** @param {string} sha256 */
  #ended(sha256) {
    const receiving = this.#receiving;
    if (!receiving) return;
    if (receiving.transfer.state === 'moving') {
      const { transfer, sum, pieces } = receiving;
      const own = sum.digest();
      if (transfer.moved === transfer.size && own === sha256) {
        transfer.succeed(new Blob(pieces));
        this.#say({ type: 'received', sha256: own });
      } else this.#refuse('the file did not arrive as it was sent');
    }
    this.#receiving = null;
  }

  /** What has been announced is not taken; its pieces are passed over until its end. @param {string} reason */
  #refuse(reason) {
    if (!this.#receiving) return;
    this.#receiving.transfer.fail(reason);
    this.#receiving.pieces = [];
    this.#say({ type: 'refused', reason });
  }

  /** @param {object} message */
  #say(message) {
    if (this.#channel.readyState === 'open') this.#channel.send(JSON.stringify(message));
  }
}

/**
 * A name, not a path.
 * @param {string} name
 */
function plainName(name) {
  const plain = name.replace(/^.*[/\\]/su, '').replace(/\p{Cc}|\p{Cf}/gu, '').trim();
  return /^\.*$/.test(plain) ? 'file' : [...plain].slice(0, LONGEST_NAME).join('');
}

/** @param {unknown} reason */
function words(reason) {
  return typeof reason === 'string' ? reason.slice(0, 200) : 'refused';
}
