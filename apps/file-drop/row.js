// One file in the list, as people see and hear it.

export class Row {
  #name = document.createElement('span');
  #what = document.createElement('span');
  #bar = document.createElement('progress');
  #buttons = document.createElement('span');

  constructor(name) {
    const item = document.createElement('li');
    const words = document.createElement('span');
    this.#name.className = 'name';
    this.#what.className = 'quiet';
    this.#what.setAttribute('role', 'status');
    this.#bar.value = 0;
    words.append(this.#name, ' ', this.#what);
    item.append(words, this.#buttons, this.#bar);
    document.querySelector('#files').prepend(item);
    this.named(name);
  }

  named(name) {
    this.#name.textContent = name;
    this.#bar.setAttribute('aria-label', `${name}: how far it has come`);
  }

  says(what) {
    this.#what.textContent = what;
  }

  progress(done, all) {
    this.#bar.max = Math.max(all, 1);
    this.#bar.value = all === 0 ? 1 : Math.max(0, done);
  }

  /** Buttons by their names. */
  offer(actions) {
    this.#buttons.replaceChildren(...Object.entries(actions).map(([name, act]) => {
      const button = document.createElement('button');
      button.textContent = name;
      button.setAttribute('aria-label', `${name} ${this.#name.textContent}`);
      button.addEventListener('click', act);
      return button;
    }));
  }
}
