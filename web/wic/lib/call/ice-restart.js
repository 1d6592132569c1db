import { pause, Timer } from '../clock.js';

/**
 * Keeps the way of a call's media: notices when it breaks, and finds another (RFC 8445 §2.4).
 *
 *   connected ──disconnected──> patience ──2 s──> restart ──connected──> connected
 *       │                          └──connected──> connected
 *       └──failed, or another network──> restart ──20 s without media──> lost
 *
 * @typedef {object} IceRestartParts
 * @property {import('../clock.js').Clock} clock
 * @property {() => boolean} alive whether there is still a call to keep
 * @property {() => boolean} reachable whether an offer can leave now
 * @property {() => boolean} flows whether the browser says that the media are connected
 * @property {() => Promise<void>} offer an offer with new credentials and candidates; rejects if it was refused
 * @property {(interrupted: boolean) => void} changed
 * @property {() => void} lost nothing came back in time
 */

/** Before a restart: a short gap heals by itself. The browser has waited about 5 s before it says anything. */
const PATIENCE = 2_000;
/** Media that are gone this long after a restart will not come back. */
const GRACE = 20_000;
/** How often a restart that is refused is tried, and what the first pause is half of. */
const ATTEMPTS = 5;
const AGAIN = 500;

export class IceRestart {
  #parts;
  #patience;
  #grace;
  #running = false;
  /** The network changed again, or cannot be spoken to yet. */
  #due = false;
  /** True while nothing is heard because the way of the media broke. */
  interrupted = false;

  /** @param {IceRestartParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#patience = new Timer(parts.clock);
    this.#grace = new Timer(parts.clock);
  }

  /** @param {RTCPeerConnectionState} connection what the browser says of the media */
  handleConnection(connection) {
    if (!this.#parts.alive()) return;
    if (connection === 'connected') {
      this.stop();
      this.#interrupt(false);
    } else if (connection === 'disconnected') {
      this.#interrupt(true);
      if (!this.#running) this.#patience.set(PATIENCE, () => void this.restart());
    } else if (connection === 'failed') {
      this.#interrupt(true);
      void this.restart();
    }
  }

  /**
   * One restart at a time; and none before the signalling is back, for by then its candidates would be of a network that is
   * gone. It is tried again where the far end cannot be asked: its network may have changed as well, and 430 is all that there
   * is until it is back.
   */
  async restart() {
    this.#due = true;
    if (this.#running) return;
    this.#running = true;
    let refused = 0;
    while (this.#due && this.#parts.reachable() && this.#parts.alive()) {
      this.#due = false;
      this.#patience.stop();
      if (!this.#grace.running) this.#expectMedia();
      try {
        await this.#parts.offer();
        refused = 0;
      } catch {
        refused += 1;
        this.#due = refused < ATTEMPTS;
        await pause(this.#parts.clock, AGAIN * 2 ** refused);
      }
    }
    this.#running = false;
  }

  /** Nothing is waited for any more. */
  stop() {
    this.#patience.stop();
    this.#grace.stop();
  }

  #expectMedia() {
    this.#grace.set(GRACE, () => {
      if (this.#parts.flows()) return;
      // Without signalling there is another limit, and until then nothing to say.
      if (!this.#parts.reachable()) this.#expectMedia();
      else this.#parts.lost();
    });
  }

  /** @param {boolean} interrupted */
  #interrupt(interrupted) {
    if (this.interrupted === interrupted) return;
    this.interrupted = interrupted;
    this.#parts.changed(interrupted);
  }
}
