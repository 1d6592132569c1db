import { SoftwareIsim } from '../lib/index.js';
import { button, element } from './elements.js';

/**
 * Registering with a SIM whose keys are typed in (TS 24.371 §6.2.1.3): for a laboratory, where the WWSF offers it. The keys
 * are forgotten with the page; a reload asks for them again.
 */
export class SimEntry {
  #dialog = element('sim-dialog', HTMLDialogElement);
  #form = element('sim-form', HTMLFormElement);
  #impi = element('sim-impi', HTMLInputElement);
  #k = element('sim-k', HTMLInputElement);
  #opc = element('sim-opc', HTMLInputElement);
  #hint = element('sim-hint', HTMLElement);
  #enter;
  /** @type {{ homeDomain: string, w2: string } | null} */
  #where = null;

  /** @param {(isim: SoftwareIsim, w2: string) => Promise<void>} enter */
  constructor(enter) {
    this.#enter = enter;
    button('sim').addEventListener('click', () => {
      this.#hint.textContent = '';
      this.#dialog.showModal();
    });
    // A key that was typed and not used stays nowhere.
    this.#dialog.addEventListener('close', () => this.#form.reset());
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit();
    });
  }

  /** @param {{ homeDomain: string, w2: string } | null} where null: it is not offered */
  offer(where) {
    this.#where = where;
    button('sim').hidden = where === null;
    this.#impi.placeholder = where ? `erin@${where.homeDomain}` : '';
  }

  async #submit() {
    if (!this.#where) return;
    const { homeDomain, w2 } = this.#where;
    const typed = this.#impi.value.trim();
    const impi = typed.includes('@') ? typed : `${typed}@${homeDomain}`;
    let isim;
    try {
      isim = await SoftwareIsim.of({ impi, homeDomain, k: this.#k.value, opc: this.#opc.value });
    } catch {
      this.#hint.textContent = 'K and OPc are 32 hexadecimal digits each.';
      this.#k.focus();
      return;
    }
    this.#form.reset();
    this.#dialog.close();
    await this.#enter(isim, w2);
  }
}
