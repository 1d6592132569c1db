import { Chat, LONGEST_LINE } from './chat.js';
import { button, element, paintToggle } from './elements.js';
import { fileEntry, forgetFile } from './file-entry.js';

/**
 * The panel with the chat of the call in front. The log is a live region of its own: what is written is heard as it comes. While
 * the panel is shut the page's own live region says that there is something to read.
 *
 * @typedef {import('../lib/call/call.js').Call} Call
 * @typedef {import('./chat.js').Line} Line
 */

/** The log goes on following what comes while it is this close to its end, in pixels. */
const AT_THE_END = 40;

export class ChatView {
  #panel = element('chat', HTMLElement);
  #log = element('chat-log', HTMLElement);
  #form = element('chat-form', HTMLFormElement);
  #input = element('chat-text', HTMLInputElement);
  #toggle = button('chat-toggle');
  /** One for each call, as long as it lasts. @type {Map<Call, Chat>} */
  #chats = new Map();
  /** @type {Call | null} */
  #call = null;
  #follows = true;
  #say;
  #opened;

  /**
   * @param {(words: string) => void} say
   * @param {{ opened: () => void }} parts opened: the chat takes the place beside the call
   */
  constructor(say, { opened }) {
    this.#say = say;
    this.#opened = opened;
    this.#log.addEventListener('scroll', () => {
      const { scrollTop, clientHeight, scrollHeight } = this.#log;
      this.#follows = scrollHeight - scrollTop - clientHeight < AT_THE_END;
    });
    // As when the keys of a phone come up.
    new ResizeObserver(() => {
      if (this.#follows) this.#log.scrollTop = this.#log.scrollHeight;
    }).observe(this.#log);
    this.#toggle.addEventListener('click', () => (this.#panel.hidden ? this.#open() : this.shut()));
    button('chat-close').addEventListener('click', () => this.shut());
    button('chat-again').addEventListener('click', () => {
      this.#chat?.open();
      this.#input.focus();
    });
    this.#panel.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing) return;
      event.preventDefault();
      this.shut();
    });
    const picker = element('chat-file', HTMLInputElement);
    button('chat-attach').addEventListener('click', () => picker.click());
    picker.addEventListener('change', () => {
      this.#sendFiles(picker.files);
      picker.value = '';
    });
    this.#panel.addEventListener('dragover', (event) => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
      this.#panel.classList.toggle('drop', !button('chat-attach').disabled);
    });
    this.#panel.addEventListener('dragleave', () => this.#panel.classList.remove('drop'));
    this.#panel.addEventListener('drop', (event) => {
      event.preventDefault();
      this.#panel.classList.remove('drop');
      this.#sendFiles(event.dataTransfer?.files ?? null);
    });
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  /**
   * A call has begun.
   * @param {Call} call
   */
  add(call) {
    const chat = new Chat(call);
    this.#chats.set(call, chat);
    chat.on('line', (line) => this.#line(call, chat, line));
    chat.on('state', () => this.#update());
    call.on('state', (state) => {
      if (state !== 'ended') {
        this.#update();
        return;
      }
      this.#chats.delete(call);
      for (const { file } of chat.lines) if (file) forgetFile(file);
      if (this.#call === call) this.show(null);
    });
  }

  /**
   * The call in front is another one, or none.
   * @param {Call | null} call
   */
  show(call) {
    if (this.#call === call) return;
    this.#call = call;
    this.#panel.hidden = !this.#chat || this.#chat.lines.length === 0 || this.#panel.hidden;
    this.#input.value = '';
    this.#log.replaceChildren(...(this.#chat?.lines ?? []).map(entry));
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#update();
  }

  get #chat() {
    return (this.#call && this.#chats.get(this.#call)) ?? null;
  }

  #open() {
    if (!this.#chat) return;
    this.#show();
    if (this.#chat.state === 'none') this.#chat.open();
    this.#input.focus();
  }

  #show() {
    this.#opened();
    this.#panel.hidden = false;
    this.#chat?.read();
    this.#update();
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  /** The panel goes; the chat goes on. */
  shut() {
    const inside = this.#panel.contains(document.activeElement);
    this.#panel.hidden = true;
    this.#update();
    // The focus goes back to where the panel came from.
    if (inside) this.#toggle.focus();
  }

  #send() {
    const text = this.#input.value.trim();
    if (text === '' || !this.#chat) return;
    if (new TextEncoder().encode(text).byteLength > LONGEST_LINE) this.#say('This message is too long.');
    else if (this.#chat.send(text)) this.#input.value = '';
    this.#input.focus();
  }

  /** @param {FileList | null} files */
  #sendFiles(files) {
    if (button('chat-attach').disabled) return;
    for (const file of files ?? []) this.#chat?.sendFile(file);
  }

  /**
   * @param {Call} call
   * @param {Chat} chat
   * @param {Line} line
   */
  #line(call, chat, line) {
    if (this.#call !== call) {
      if (line.from === 'them') this.#say(`Message from ${chat.who}`);
      return;
    }
    // A chat that the other side opens shows itself, and leaves the focus where it is.
    if (this.#panel.hidden && chat.lines.length === 1) this.#show();
    this.#log.append(entry(line));
    while (this.#log.childElementCount > chat.lines.length) this.#log.firstElementChild?.remove();
    if (this.#follows || line.from === 'us') this.#log.scrollTop = this.#log.scrollHeight;
    if (!this.#panel.hidden) chat.read();
    else if (line.from === 'them') this.#say(`Message from ${chat.who}`);
    this.#update();
  }

  #update() {
    const chat = this.#chat;
    this.#toggle.disabled = this.#call?.state !== 'connected';
    const shown = !this.#panel.hidden;
    this.#toggle.setAttribute('aria-expanded', String(shown));
    paintToggle(this.#toggle, shown, shown ? 'Hide chat' : 'Chat');
    this.#toggle.classList.toggle('unread', (chat?.unread ?? 0) > 0);
    if (!chat) return;
    element('chat-title', HTMLElement).textContent = `Chat with ${chat.who}`;
    this.#panel.dataset.state = chat.state;
    button('chat-send').disabled = chat.state !== 'open';
    button('chat-attach').disabled = chat.state !== 'open';
    button('chat-again').hidden = chat.state !== 'closed';
  }
}

/** @param {Line} line */
function entry({ from, who, text, at, file }) {
  const item = document.createElement('p');
  item.className = `line ${from}`;
  if (from !== 'phone') {
    const speaker = document.createElement('span');
    speaker.className = 'speaker';
    speaker.textContent = from === 'us' ? 'You' : who;
    const time = document.createElement('time');
    const date = new Date(at);
    time.dateTime = date.toISOString();
    time.textContent = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    item.append(speaker, ' ');
    const words = document.createElement('span');
    words.className = 'words';
    words.dir = 'auto';
    if (file) words.append(fileEntry(file, from === 'us'));
    else words.textContent = text;
    item.append(words, ' ', time);
  } else item.textContent = text;
  return item;
}
