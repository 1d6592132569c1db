/**
 * An EventTarget whose events are typed: `Events` maps each event's name to the type of its `detail`.
 *
 * @template {object} Events
 */
export class Emitter extends EventTarget {
  /**
   * Listens for an event and hands over its detail.
   *
   * @template {keyof Events & string} K
   * @param {K} type
   * @param {(detail: Events[K]) => void} listener
   * @returns {() => void} stops listening
   */
  on(type, listener) {
    const run = (/** @type {Event} */ event) => listener(/** @type {CustomEvent<Events[K]>} */ (event).detail);
    this.addEventListener(type, run);
    return () => this.removeEventListener(type, run);
  }

  /**
   * @template {keyof Events & string} K
   * @param {K} type
   * @param {Events[K]} detail
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
