import { IncomingCall } from '../lib/call/incoming-call.js';
import { Session } from '../lib/session.js';
import { ApplicationFrame } from '../runtime/application-frame.js';
import { PackageCache } from '../runtime/repository.js';
import { ApplicationStorage, indexedCabinet } from '../runtime/storage.js';
import { ApplicationWindow, make, paintMark } from './application-window.js';
import { askWords, endWords, hindranceWords, listWords, mistakeWords, providerWords } from './application-words.js';
import { Applications } from './applications.js';
import { DeveloperShelf } from './developer.js';
import { button, element, paintToggle } from './elements.js';
import { attributesOf } from './open-application.js';
import { Shelf } from './shelf.js';

/**
 * The list of applications, those that are open, and what the other side wants to open, of the call in front. What becomes of an
 * application is heard by a live region of its own: the page's says what becomes of the call.
 *
 * @typedef {import('../lib/call/call.js').Call} Call
 * @typedef {import('./applications.js').Ask} Ask
 * @typedef {import('./open-application.js').OpenApplication} OpenApplication
 * @typedef {import('./shelf.js').Entry} Entry
 *
 * @typedef {object} Owner whose phone it is, and what its network says of applications
 * @property {string} person
 * @property {string | null} site where applications run, with `{id}`
 * @property {string | null} key the operator's public key
 * @property {() => boolean | null} network whether it carries data channels
 *
 * @typedef {{ applications: Applications, place: HTMLElement, windows: Map<OpenApplication, ApplicationWindow> }} Shown what belongs to one call
 */

/** What people have agreed to, and whose network has applications that begin with a call. */
const AGREED = 'isthmus-agreed';
const BEGINS = 'isthmus-begins';
/** Who has looked, on which day, where the network does not say whether applications begin with calls. */
const LOOKED = 'isthmus-looked';
/** How much later who was called asks than who calls, in milliseconds. */
const LATER = 1000;
/** What is shown no longer than so long, in milliseconds, nobody has read. */
const UNSEEN = 400;

export class ApplicationsView {
  #panel = element('applications', HTMLElement);
  #list = element('applications-list', HTMLElement);
  #windows = element('windows', HTMLElement);
  #toggle = button('applications-toggle');
  #said = element('applications-said', HTMLElement);
  #developer = new DeveloperShelf();
  #cache = new PackageCache();
  #storage = new ApplicationStorage(indexedCabinet());
  /** @type {Map<Call, Shown>} */
  #calls = new Map();
  /** @type {Call | null} */
  #call = null;
  /** What the person reads a question about. @type {Ask | undefined} */
  #asked = undefined;
  /** When that took the place of another one. */
  #since = -Infinity;
  /** Whether calls begin with applications, as the network has said last. @type {Awaited<ReturnType<typeof Session.beginnings>>} */
  #begins = null;
  #opened;

  /** @param {{ opened: () => void }} parts opened: the list takes the place beside the call */
  constructor({ opened }) {
    this.#opened = opened;
    void this.#storage.sweep().catch(() => {});
    this.#toggle.addEventListener('click', () => (this.#panel.hidden ? this.#show() : this.shut()));
    button('applications-close').addEventListener('click', () => this.shut());
    this.#panel.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      this.shut();
    });
    button('application-accept').addEventListener('click', () => {
      const ask = this.#answered();
      if (ask) this.#shown?.applications.accept(ask);
    });
    button('application-refuse').addEventListener('click', () => {
      const ask = this.#answered();
      if (ask) this.#shown?.applications.refuse(ask);
      element('stage', HTMLElement).focus();
    });
    // What it unfolds may lie below the edge of the panel.
    const developer = element('developer', HTMLDetailsElement);
    developer.addEventListener('toggle', () => developer.open && developer.scrollIntoView({ block: 'nearest' }));
    for (const [pressed, input] of [['developer-folder', 'developer-folder-files'], ['developer-package', 'developer-package-file']]) {
      const files = element(input, HTMLInputElement);
      button(pressed).addEventListener('click', () => files.click());
      files.addEventListener('change', () => void this.#develop(files));
    }
  }

  /**
   * A call has begun.
   * @param {Call} call
   * @param {Owner} owner
   */
  add(call, { person, site, key, network }) {
    const place = make('div', 'windows-of-call');
    place.hidden = true;
    this.#windows.append(place);
    const shelf = new Shelf({ call, developer: this.#developer, key, cache: this.#cache });
    /** @type {Map<OpenApplication, ApplicationWindow>} */
    const windows = new Map();
    const calls = !(call instanceof IncomingCall);
    const applications = new Applications({
      call,
      shelf,
      begins: {
        early: calls && Boolean(this.#begins?.before || this.#begins?.within),
        answered: async () => {
          // Both ends do not ask at once; who has a list from while it rang has asked for another one by then.
          if (!calls) await new Promise((resolve) => setTimeout(resolve, LATER));
          return (await this.learn())?.within ?? mayBegin(person);
        },
      },
      network,
      agreed: ({ application, developer }) => developer || words(AGREED).includes(agreement(person, application)),
      frame: (open, { application, developer }, bytes) => new ApplicationFrame({
        parent: windows.get(open)?.body ?? place,
        call,
        application,
        bytes,
        launchedBy: open.launchedBy,
        site,
        developer,
        network,
        attributes: attributesOf(application),
        storage: this.#storage.of({ person, provider: application.provider, id: application.id }, application.validUntil),
      }),
    });
    this.#calls.set(call, { applications, place, windows });
    applications.on('change', () => this.#update());
    applications.on('open', (open) => this.#open(call, open, person));
    applications.on('ask', (ask) => {
      this.#say(askWords(ask, call.who));
      this.#update();
    });
    applications.on('answered', ({ ask, answer }) => {
      if (answer === 'late') this.#say(`${call.who} does not wait for ${ask.name} any more.`);
      this.#update();
    });
    shelf.on('change', () => {
      if (shelf.state === 'known') keepWord(BEGINS, person, shelf.entries.some(({ application, developer }) => application.autoload && !developer));
      if (shelf.state === 'known' || shelf.state === 'unavailable') keepWord(LOOKED, today(person), true);
    });
    call.on('state', (state) => {
      if (state !== 'ended') return;
      place.remove();
      this.#calls.delete(call);
      // What was said of its applications is over with it.
      this.#say('');
      if (this.#call === call) this.show(null);
    });
  }

  /** Asks the network whether calls begin with applications. */
  async learn() {
    // Who cannot be asked now has not changed its mind.
    this.#begins = (await Session.beginnings()) ?? this.#begins;
    return this.#begins;
  }

  /**
   * The call in front is another one, or none.
   * @param {Call | null} call
   */
  show(call) {
    if (this.#call === call) return;
    this.#call = call;
    this.#panel.hidden = true;
    for (const [each, { place }] of this.#calls) place.hidden = each !== call;
    this.#update();
  }

  /** The list goes; what is open stays. */
  shut() {
    if (this.#panel.hidden) return;
    const inside = this.#panel.contains(document.activeElement);
    this.#panel.hidden = true;
    this.#update();
    // The focus goes back to where the list came from.
    if (inside) this.#toggle.focus();
  }

  #uncover() {
    if (getComputedStyle(this.#panel).position === 'fixed') this.shut();
  }

  get #shown() {
    return (this.#call && this.#calls.get(this.#call)) ?? null;
  }

  #show() {
    if (!this.#shown) return;
    this.#opened();
    this.#panel.hidden = false;
    this.#update();
    this.#panel.querySelector('button')?.focus();
    void this.#shown.applications.shelf.look();
  }

  /** @param {string} words */
  #say(words) {
    this.#said.textContent = words;
  }

  /**
   * @param {Call} call
   * @param {OpenApplication} open
   * @param {string} person
   */
  #open(call, open, person) {
    const shown = this.#calls.get(call);
    if (!shown) return;
    const { place, windows } = shown;
    const window = new ApplicationWindow(open, { who: () => call.who, said: (words) => this.#say(words) });
    windows.set(open, window);
    place.append(window.element);
    let asked = false;
    open.on('change', () => {
      if (open.state === 'agreeing') asked = true;
      if (asked && open.state === 'loading' && open.entry) keepWord(AGREED, agreement(person, open.entry.application), true);
    });
    open.on('close', () => {
      windows.delete(open);
      const inside = window.element.contains(document.activeElement);
      window.element.remove();
      if (open.why !== '' || open.hangs) this.#say(`${open.name}: ${endWords(open.why, call.who)}`);
      this.#update();
      if (inside && call.state !== 'ended') (this.#panel.hidden ? this.#toggle : this.#entryOf(open.id) ?? this.#toggle).focus();
    });
    this.#update();
    // What begins by itself takes nobody's place.
    if (open.byItself) return;
    // Where the list lies over the call it lies over what has just been opened, too.
    this.#uncover();
    window.focus();
  }

  /** What a press answers: not a question that has just come under the finger in place of another. */
  #answered() {
    return performance.now() - this.#since < UNSEEN ? undefined : this.#asked;
  }

  #update() {
    const shown = this.#shown;
    const visible = !this.#panel.hidden && shown !== null;
    this.#windows.hidden = !shown || shown.windows.size === 0;
    this.#toggle.setAttribute('aria-expanded', String(visible));
    paintToggle(this.#toggle, visible, visible ? 'Hide apps' : 'Apps');
    const [ask] = shown?.applications.asks ?? [];
    element('application-ask', HTMLElement).hidden = !ask;
    if (ask !== this.#asked) this.#since = this.#asked ? performance.now() : -Infinity;
    this.#asked = ask;
    if (ask && this.#call) this.#showAsk(ask, this.#call.who);
    if (visible && this.#call) this.#showList(shown, this.#call);
  }

  /**
   * @param {Ask} ask
   * @param {string} who
   */
  #showAsk(ask, who) {
    element('application-ask-words', HTMLElement).textContent = askWords(ask, who);
    element('application-accept-words', HTMLElement).textContent = `Open ${ask.name}`;
  }

  /**
   * @param {Shown} shown
   * @param {Call} call
   */
  #showList({ applications }, call) {
    const { shelf } = applications;
    const words = listWords(shelf.state, shelf.entries.length, call.state !== 'connected');
    const place = element('applications-words', HTMLElement);
    if (place.textContent !== words) place.textContent = words;
    place.hidden = words === '';
    // What has the focus keeps it: entries are changed in their places.
    const before = new Map([...this.#list.children].map((each) => [/** @type {HTMLElement} */ (each).dataset.id ?? '', /** @type {HTMLElement} */ (each)]));
    const items = shelf.entries.map((entry) => {
      const { id } = entry.application;
      const item = before.get(id) ?? listItem(id);
      const pressed = /** @type {HTMLButtonElement} */ (item.firstElementChild);
      paintEntry(pressed, entry, detail(entry, applications, call));
      pressed.onclick = () => {
        const there = applications.find(id);
        if (there) {
          this.#uncover();
          shown(this.#calls, call, there)?.focus();
        } else if (applications.hindrance(entry) === '') applications.launch(entry);
      };
      return item;
    });
    if (items.length !== before.size || items.some((item, index) => item !== this.#list.children[index])) this.#list.replaceChildren(...items);
  }

  /** @param {string} id */
  #entryOf(id) {
    const item = [...this.#list.children].find((each) => /** @type {HTMLElement} */ (each).dataset.id === id);
    return item ? /** @type {HTMLButtonElement} */ (item.firstElementChild) : null;
  }

  /** @param {HTMLInputElement} input */
  async #develop(input) {
    const hint = element('developer-hint', HTMLElement);
    hint.textContent = '';
    const files = [...input.files ?? []];
    input.value = '';
    if (files.length === 0) return;
    try {
      const { id, name } = await this.#developer.add(files);
      for (const { applications } of this.#calls.values()) applications.shelf.changed();
      hint.textContent = mistakeWords(name, this.#developer.mistakes(id));
      this.#say(`${name} is in your list.`);
      this.#entryOf(id)?.focus();
    } catch (error) {
      hint.textContent = error instanceof TypeError ? error.message : 'This cannot be read.';
    }
  }
}

/**
 * @param {Map<Call, Shown>} calls
 * @param {Call} call
 * @param {OpenApplication} open
 */
function shown(calls, call, open) {
  return calls.get(call)?.windows.get(open);
}

/**
 * @param {Entry} entry
 * @param {Applications} applications
 * @param {Call} call
 */
function detail(entry, applications, call) {
  const { application, developer } = entry;
  const hindrance = applications.hindrance(entry);
  const open = applications.find(application.id) !== null;
  const words = [
    developer ? 'Yours' : '',
    application.version ? `Version ${application.version}` : '',
    providerWords(entry, applications.shelf.entries),
    open ? 'Open' : hindranceWords(hindrance, application, call.who),
  ];
  return { words: words.filter(Boolean).join(' · '), open, hindered: hindrance !== '' && !open };
}

/** @param {string} id */
function listItem(id) {
  const item = make('li', '');
  item.dataset.id = id;
  const pressed = make('button', 'entry');
  pressed.setAttribute('type', 'button');
  const mark = make('span', 'mark');
  mark.setAttribute('aria-hidden', 'true');
  const text = make('span', 'entry-text');
  const [name, words] = [make('strong', ''), make('span', 'entry-words')];
  // Its name is what it is called; how it stands comes behind.
  [name.id, words.id] = [`entry-${id}`, `entry-words-${id}`];
  pressed.setAttribute('aria-labelledby', name.id);
  pressed.setAttribute('aria-describedby', words.id);
  text.append(name, ' ', words);
  pressed.append(mark, text);
  item.append(pressed);
  return item;
}

/**
 * @param {HTMLButtonElement} pressed
 * @param {Entry} entry
 * @param {{ words: string, open: boolean, hindered: boolean }} state
 */
function paintEntry(pressed, { application }, { words, open, hindered }) {
  const [mark, text] = /** @type {HTMLElement[]} */ ([...pressed.children]);
  paintMark(mark, application.id, application.name, application.icon);
  const [name, more] = text.children;
  name.textContent = application.name;
  more.textContent = words;
  pressed.classList.toggle('open', open);
  // It can be reached and heard why not, and pressing it does nothing.
  pressed.setAttribute('aria-disabled', String(hindered));
}

/**
 * @param {string} person
 * @param {import('../runtime/list.js').ListedApplication} application
 */
function agreement(person, { provider, id, personalDataUrl }) {
  return JSON.stringify([person, provider, id, personalDataUrl]);
}

/**
 * Whether a call may begin with applications, where the network does not say: as the last list has it, which is looked at once a day.
 * @param {string} person
 */
function mayBegin(person) {
  return words(BEGINS).includes(person) || !words(LOOKED).includes(today(person));
}

/** @param {string} person */
function today(person) {
  return `${new Date().toISOString().slice(0, 10)} ${person}`;
}

/** What is remembered in this browser. @param {string} key @returns {string[]} */
function words(key) {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/**
 * @param {string} key
 * @param {string} word
 * @param {boolean} kept
 */
function keepWord(key, word, kept) {
  try {
    const others = words(key).filter((each) => each !== word);
    localStorage.setItem(key, JSON.stringify([...others, ...(kept ? [word] : [])].slice(-200)));
  } catch {
    // Where nothing can be kept people are asked again.
  }
}
