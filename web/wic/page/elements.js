/**
 * An element of index.html by its id; a missing one is a mistake in the page itself.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`the page has no ${kind.name} #${id}`);
  return found;
}

/** @param {string} id */
export const button = (id) => element(id, HTMLButtonElement);

/**
 * What turns something on and off says what a press does now; the colour says whether it is on. There is no `aria-pressed`, which
 * would turn those words around: "Unmute, pressed".
 *
 * @param {HTMLButtonElement} pressed
 * @param {boolean} on
 * @param {string} words
 * @param {string} [icon]
 */
export function paintToggle(pressed, on, words, icon) {
  const name = /** @type {HTMLElement} */ (pressed.querySelector('span'));
  // The same name again would be read again.
  if (name.textContent !== words) name.textContent = words;
  pressed.classList.toggle('on', on);
  if (icon) pressed.querySelector('use')?.setAttribute('href', icon);
}

/**
 * @param {string} name
 * @returns {string} up to two letters for a round picture
 */
export function initials(name) {
  const words = name.replace(/[^\p{L}\p{N} ]/gu, ' ').trim().split(/\s+/);
  const letters = words.length > 1 ? words[0].charAt(0) + words[words.length - 1].charAt(0) : words[0].charAt(0);
  return /^\d/.test(letters) ? '#' : letters.toUpperCase();
}
