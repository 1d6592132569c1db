import { sizeWords } from './words.js';
import { openWords } from './application-words.js';

/**
 * What is around an application that is open: its name, what becomes of it, what it asks, and the way out.
 *
 * @typedef {import('./open-application.js').OpenApplication} OpenApplication
 */

let windows = 0;

export class ApplicationWindow {
  #open;
  #who;
  #said;
  #title;
  #words = make('p', 'window-words');
  #ask = make('div', 'ask window-ask');
  #body = make('div', 'window-body');
  #progress = document.createElement('progress');
  #console = make('div', 'window-console');
  #toggle;
  /** What the ask is about: it is built once, so that nothing is pressed that has just come. */
  #asked = '';

  /**
   * @param {OpenApplication} open
   * @param {object} parts
   * @param {() => string} parts.who the other party, who may be another one later
   * @param {(words: string) => void} parts.said what is heard where it is not seen
   */
  constructor(open, { who, said }) {
    this.#open = open;
    this.#who = who;
    this.#said = said;
    windows += 1;
    this.element = make('article', 'window');
    this.element.tabIndex = -1;
    this.#title = make('h2', '');
    this.#title.id = `window-${windows}`;
    this.element.setAttribute('aria-labelledby', this.#title.id);
    this.#toggle = iconButton('#i-console', 'Console', () => this.#showConsole());
    this.#toggle.setAttribute('aria-expanded', 'false');
    this.#toggle.hidden = true;
    const close = iconButton('#i-close', 'Close', () => open.close());
    const head = make('header', 'window-head');
    const text = make('div', 'window-text');
    text.append(this.#title, this.#words);
    this.mark = make('span', 'mark');
    this.mark.setAttribute('aria-hidden', 'true');
    head.append(this.mark, text, this.#toggle, close);
    this.close = close;
    this.#ask.setAttribute('role', 'group');
    this.#ask.hidden = true;
    this.#progress.setAttribute('aria-label', 'Loading');
    this.#body.append(this.#progress);
    this.#console.setAttribute('role', 'log');
    this.#console.tabIndex = 0;
    this.#console.hidden = true;
    this.element.append(head, this.#ask, this.#body, this.#console);
    open.on('change', () => this.update());
    open.on('trace', (trace) => this.#trace(trace));
    this.update();
  }

  /** Where its frame goes. */
  get body() {
    return this.#body;
  }

  /** The focus comes to its head; the application is the next in order. */
  focus() {
    this.element.focus();
  }

  update() {
    const { name, state, progress } = this.#open;
    this.#title.textContent = name;
    paintMark(this.mark, this.#open.id, name, this.#open.entry?.application.icon);
    for (const [pressed, what] of /** @type {const} */ ([[this.close, 'Close'], [this.#toggle, 'Console of']])) pressed.setAttribute('aria-label', `${what} ${name}`);
    this.#console.setAttribute('aria-label', `Console of ${name}`);
    this.element.dataset.state = state;
    this.#toggle.hidden = this.#open.entry?.developer !== true;
    const words = openWords(this.#open, this.#who());
    if (this.#words.textContent !== words) {
      this.#words.textContent = words;
      // How far it has come is seen; it is not heard at each step.
      if (state !== 'loading' && state !== 'starting') this.#said(`${name}: ${words}`);
    }
    this.#progress.hidden = state !== 'loading' && state !== 'starting';
    if (state === 'loading' && progress > 0) this.#progress.value = progress;
    else this.#progress.removeAttribute('value');
    this.#showAsk();
  }

  #showAsk() {
    const { state, save, entry, name } = this.#open;
    const what = state === 'agreeing' ? 'agree' : save ? `save ${save.name}` : '';
    if (what === this.#asked) return;
    this.#asked = what;
    this.#ask.replaceChildren();
    this.#ask.hidden = what === '';
    if (what === 'agree') {
      const url = entry?.application.personalDataUrl;
      const link = document.createElement('a');
      if (url) Object.assign(link, { href: url, target: '_blank', rel: 'noopener noreferrer', textContent: 'Which, and what for' });
      this.#question([`${name} collects personal data. `, ...(url ? [link, '.'] : ['Its provider does not say which.'])], [
        ['Don’t open', () => this.#open.close()],
        ['Agree and open', () => this.#open.agree()],
      ]);
    } else if (save) {
      this.#question([`${name} wants to save “${save.name}”, ${sizeWords(save.blob.size)}, on this device.`], [
        ['Don’t save', () => this.#open.answerSave(false)],
        ['Save', () => {
          download(save.name, save.blob);
          this.#open.answerSave(true);
        }],
      ]);
    }
  }

  /**
   * @param {(string | Node)[]} words
   * @param {[string, () => void][]} answers
   */
  #question(words, answers) {
    const text = make('p', '');
    text.append(...words);
    const row = make('div', 'ask-answers');
    for (const [index, [name, pressed]] of answers.entries()) {
      const button = make('button', index === answers.length - 1 ? 'primary' : 'secondary');
      button.setAttribute('type', 'button');
      button.textContent = name;
      button.addEventListener('click', () => {
        pressed();
        if (this.element.isConnected) this.element.focus();
      });
      row.append(button);
    }
    this.#ask.setAttribute('aria-label', text.textContent ?? '');
    this.#ask.append(text, row);
    this.#said(text.textContent ?? '');
  }

  #showConsole() {
    this.#console.hidden = !this.#console.hidden;
    this.#toggle.setAttribute('aria-expanded', String(!this.#console.hidden));
    if (this.#console.hidden) this.#console.replaceChildren();
    else for (const trace of this.#open.traces) this.#trace(trace);
  }

  /** @param {{ kind: string, text: string }} trace */
  #trace({ kind, text }) {
    if (this.#console.hidden) return;
    const line = make('p', `trace ${kind}`);
    line.textContent = text;
    this.#console.append(line);
    while (this.#console.childElementCount > 500) this.#console.firstChild?.remove();
    this.#console.scrollTop = this.#console.scrollHeight;
  }
}

/**
 * The mark of an application: its icon, if that came with the list, or its first letter on a colour of its own. What would have to
 * be fetched is not: it would tell its provider who is in a call.
 * @param {HTMLElement} mark
 * @param {string} id
 * @param {string} name
 * @param {string} [icon]
 */
export function paintMark(mark, id, name, icon = '') {
  const shown = icon.startsWith('data:image/') ? icon : '';
  const letter = [...name.trim()][0]?.toUpperCase() ?? '?';
  if (mark.dataset.shown === shown + letter) return;
  mark.dataset.shown = shown + letter;
  let hash = 7;
  for (const each of id) hash = (Math.imul(hash, 31) + (each.codePointAt(0) ?? 0)) >>> 0;
  mark.style.setProperty('--hue', String((hash % 24) * 15));
  if (shown === '') {
    mark.textContent = letter;
    return;
  }
  const picture = new Image();
  picture.alt = '';
  picture.addEventListener('error', () => mark.replaceChildren(letter));
  picture.src = shown;
  mark.replaceChildren(picture);
}

/**
 * @param {string} name
 * @param {Blob} blob
 */
function download(name, blob) {
  const link = document.createElement('a');
  Object.assign(link, { href: URL.createObjectURL(blob), download: name });
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * @param {string} icon
 * @param {string} name
 * @param {() => void} pressed
 */
function iconButton(icon, name, pressed) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'icon';
  button.setAttribute('aria-label', name);
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', icon);
  svg.append(use);
  button.append(svg);
  button.addEventListener('click', pressed);
  return button;
}

/**
 * @param {string} name
 * @param {string} className
 * @returns {HTMLElement}
 */
export function make(name, className) {
  const element = document.createElement(name);
  element.className = className;
  return element;
}
