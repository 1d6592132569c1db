// One side of a call of data channels: a peer, and what it heard.

import assert from 'node:assert/strict';

const PATIENCE = 40_000;

export class Talker {
  #heard = [];
  #waiting = new Set();
  #failed = null;

  constructor(name, stack) {
    this.name = name;
    this.peer = stack.peer((event) => {
      if (event.event === 'failed') this.#failed = event.reason;
      else this.#heard.push(event);
      for (const look of [...this.#waiting]) look();
    });
  }

  /**
   * Opens a channel where there was one before, under the same id as likely as not. One that confuses them (rtc-sctp 0.21, by its
   * source) takes a reset request that comes again for one of the new channel, though it has its number (RFC 6525 §4.1), and tries
   * once more.
   */
  async opensAgain(init, confuses) {
    await this.peer.open(init);
    if (!confuses) return;
    const first = await this.hears(['open', 'closed'], init.label);
    if (first.event === 'closed') await this.peer.open(init);
    else this.#heard.unshift(first);
  }

  /** The next event of that name, or of one of those, on that channel; each is heard once. */
  hears(event, label) {
    const events = [event].flat();
    return new Promise((resolve, reject) => {
      const done = (settle, value) => {
        clearTimeout(late);
        this.#waiting.delete(look);
        settle(value);
      };
      const told = () => this.#heard.map((each) => JSON.stringify(each).slice(0, 200)).join('\n');
      const look = () => {
        const at = this.#heard.findIndex((each) => events.includes(each.event) && each.label === label);
        if (at >= 0) done(resolve, this.#heard.splice(at, 1)[0]);
        else if (this.#failed) done(reject, new Error(`${this.name}: ${this.#failed}`));
      };
      const words = `${this.name} waited for «${events.join('» or «')}» of «${label}»`;
      const late = setTimeout(() => done(reject, new Error(`${words}, and heard\n${told()}`)), PATIENCE);
      this.#waiting.add(look);
      look();
    });
  }

  /** Text and bytes come back as they were sent. */
  async echoes(label) {
    const text = 'Grüße, 世界';
    await this.peer.send({ label, text });
    assert.equal((await this.hears('text', label)).text, text);
    const hex = '00ff80'.repeat(700);
    await this.peer.send({ label, hex });
    assert.equal((await this.hears('binary', label)).hex, hex);
  }

  /** A file arrives as it was sent. */
  async gives(label, size, far) {
    await this.peer.open({ label });
    await Promise.all([this.hears('open', label), far.hears('open', label)]);
    const [, sent, arrived] = await Promise.all([
      this.peer.file({ label, size }),
      this.hears('sent', label),
      far.hears('file', label),
    ]);
    assert.deepEqual([arrived.size, arrived.sha256], [size, sent.sha256]);
  }
}
