import { Timer } from '../clock.js';
import { params, split } from '../sip/params.js';

/**
 * Session timers (RFC 4028): one side refreshes at half the interval, the other ends the call when nobody did.
 *
 * @typedef {import('../sip/message.js').Message} Message
 */

export const SESSION_EXPIRES = 1_800;
/** RFC 4028 §5: smaller than this is never accepted. */
export const MIN_SE = 90;

export class SessionTimer {
  #timer;
  /** Seconds; 0 when no timer runs. */
  interval = 0;
  refresher = false;
  #refresh;
  #expire;

  /**
   * @param {import('../clock.js').Clock} clock
   * @param {{ refresh: () => void, expire: () => void }} actions
   */
  constructor(clock, { refresh, expire }) {
    this.#timer = new Timer(clock);
    this.#refresh = refresh;
    this.#expire = expire;
  }

  /**
   * RFC 4028 §7.2: what the 2xx to our request says.
   * @param {Message} response
   */
  handleResponse(response) {
    const given = read(response);
    if (!given) this.stop();
    else this.#start(given.interval, given.refresher !== 'uas');
  }

  /**
   * RFC 4028 §9: what a request asks; returns the headers of our 2xx.
   * @param {Message} request
   * @returns {[string, string][]}
   */
  handleRequest(request) {
    const given = read(request);
    if (!given) {
      this.stop();
      return [];
    }
    const theirs = request.has('Supported', 'timer');
    const refresher = theirs ? (given.refresher ?? 'uac') : 'uas';
    this.#start(given.interval, refresher === 'uas');
    /** @type {[string, string][]} */
    const headers = [['Session-Expires', `${given.interval};refresher=${refresher}`]];
    if (theirs) headers.push(['Require', 'timer']);
    return headers;
  }

  /**
   * RFC 4028 §9: true if a request asks for less than we take.
   * @param {Message} request
   */
  static tooSmall(request) {
    const given = read(request);
    return given !== null && given.interval < MIN_SE && request.has('Supported', 'timer');
  }

  /**
   * The headers of a refresh or another re-INVITE of ours.
   * @returns {[string, string][]}
   */
  headers() {
    if (this.interval === 0) return [['Session-Expires', String(SESSION_EXPIRES)], ['Min-SE', String(MIN_SE)]];
    return [['Session-Expires', `${this.interval};refresher=${this.refresher ? 'uac' : 'uas'}`], ['Min-SE', String(MIN_SE)]];
  }

  stop() {
    this.#timer.stop();
    this.interval = 0;
  }

  /**
   * @param {number} interval
   * @param {boolean} refresher
   */
  #start(interval, refresher) {
    this.interval = interval;
    this.refresher = refresher;
    // RFC 4028 §10: the refresher at half; the other 32 s or a third of the interval before the end.
    const seconds = refresher ? interval / 2 : interval - Math.min(32, interval / 3);
    this.#timer.set(seconds * 1000, () => (refresher ? this.#refresh() : this.#expire()));
  }
}

/** @param {Message} message */
function read(message) {
  const [value, ...more] = split(message.get('Session-Expires') ?? '', ';');
  const interval = Number(value);
  if (!Number.isInteger(interval) || interval <= 0) return null;
  const refresher = params(more).get('refresher')?.toLowerCase();
  return { interval, refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined };
}
