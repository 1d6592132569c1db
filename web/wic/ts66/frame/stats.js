/**
 * RTCStatsReport of W3C WebRTC §8.4, with what an application may know: its channels (RTCDataChannelStats and RTCPeerConnectionStats
 * of WebRTC Statistics §8.8 and §8.9). What else a browser says there is of the call.
 *
 * @typedef {{ id: string, type: string, timestamp: number } & Record<string, unknown>} Stats
 */
export class StatsReport {
  /** @type {Map<string, Stats>} */
  #all;

  /** @param {Stats[]} all */
  constructor(all) {
    this.#all = new Map(all.map((each) => [each.id, each]));
  }

  get size() {
    return this.#all.size;
  }

  /** @param {string} id */
  get(id) {
    return this.#all.get(`${id}`);
  }

  /** @param {string} id */
  has(id) {
    return this.#all.has(`${id}`);
  }

  entries() {
    return this.#all.entries();
  }

  keys() {
    return this.#all.keys();
  }

  values() {
    return this.#all.values();
  }

  /**
   * @param {(value: Stats, key: string, report: StatsReport) => void} call
   * @param {unknown} [self]
   */
  forEach(call, self = undefined) {
    for (const [key, value] of this.#all) call.call(self, value, key, this);
  }

  [Symbol.iterator]() {
    return this.#all.entries();
  }

  get [Symbol.toStringTag]() {
    return 'RTCStatsReport';
  }
}

/** The time of a report: W3C WebRTC §8.6 has it as HR-Time says it, since the epoch. */
export function statsTime() {
  return performance.timeOrigin + performance.now();
}
