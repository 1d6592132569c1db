import { button, element } from './elements.js';

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];
/** What is read out for the two keys that are no digits. */
const NAMES = new Map([['*', 'Star'], ['#', 'Hash']]);

/** The keypad of a call: each key sends its tone, by pointer or by keyboard. */
export class Keypad {
  #dialog = element('keypad-dialog', HTMLDialogElement);
  #sent = element('keypad-sent', HTMLElement);
  #send;

  /** @param {(tone: string) => void} send */
  constructor(send) {
    this.#send = send;
    element('keys', HTMLElement).replaceChildren(
      ...KEYS.map((key) => {
        const made = document.createElement('button');
        made.type = 'button';
        made.className = 'key';
        made.autofocus = key === '1';
        made.textContent = key;
        const name = NAMES.get(key);
        if (name) made.setAttribute('aria-label', name);
        made.addEventListener('click', () => this.#press(key));
        return made;
      }),
    );
    button('keypad').addEventListener('click', () => {
      this.#sent.textContent = '';
      this.#dialog.showModal();
    });
    this.#dialog.addEventListener('keydown', (event) => {
      if (KEYS.includes(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) this.#press(event.key);
    });
  }

  /** The call has ended: nobody hears later what was pressed in it. */
  clear() {
    this.close();
    this.#sent.textContent = '';
  }

  close() {
    this.#dialog.close();
  }

  /** @param {string} key */
  #press(key) {
    this.#sent.textContent = `${this.#sent.textContent ?? ''}${key}`.slice(-24);
    this.#send(key);
  }
}
