/**
 * The second tap of a double tap, which comes to another button than the first did because the page has changed in between: who
 * answers a call with two taps must not hang it up, or mute it.
 *
 * @typedef {object} Tap
 * @property {number} at when, in milliseconds
 * @property {number} x
 * @property {number} y
 * @property {unknown} on what can be pressed there, if anything can
 *
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Place
 */

/** What people and browsers take for a double tap, in milliseconds. */
const SOON = 500;
const PRESSABLE = 'button, a, input, select, label, summary';

export class SecondTap {
  /** The first one, and where that stood which it was meant for. @type {{ at: number, on: unknown, place: Place } | null} */
  #first = null;

  /**
   * Whether this tap was meant for what stood there before.
   * @param {Tap} tap
   * @param {Place} place where that stands which is tapped on
   */
  strays({ at, x, y, on }, place) {
    const first = this.#first;
    const within = first !== null && x >= first.place.left && x <= first.place.right && y >= first.place.top && y <= first.place.bottom;
    if (first && within && at - first.at < SOON && on !== first.on) {
      // A third one is meant for it just the same.
      first.at = at;
      return true;
    }
    this.#first = { at, on, place };
    return false;
  }
}

/**
 * Keeps such taps from what they hit. Keys, and what stands in for them, are no taps.
 * @param {Document} page
 */
export function stopSecondTaps(page) {
  const second = new SecondTap();
  page.addEventListener('click', (event) => {
    const on = event.target instanceof Element ? event.target.closest(PRESSABLE) : null;
    if (!on || event.detail === 0) return;
    if (!second.strays({ at: event.timeStamp, x: event.clientX, y: event.clientY, on }, on.getBoundingClientRect())) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true });
}
