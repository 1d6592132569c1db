// The phone without a browser: `isthmus wic`, and the JSON lines that it prints.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const BINARY = process.env.ISTHMUS_BIN ?? path.join(ROOT, 'target/debug/isthmus');

/** Starts one with these words of the command line. */
export const startPhone = (...words) => new Phone(words);

class Phone {
  constructor(words) {
    this.lines = [];
    this.said = '';
    this.waiting = new Set();
    this.looked = 0;
    const typed = words.includes('--commands') ? 'pipe' : 'ignore';
    this.child = spawn(BINARY, ['wic', ...words.map(String)], { stdio: [typed, 'pipe', 'pipe'] });
    let rest = '';
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop();
      for (const part of parts) this.lines.push(JSON.parse(part));
      for (const look of [...this.waiting]) look();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.said += text;
    });
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code) => {
        this.code = code;
        resolve(code);
        for (const look of [...this.waiting]) look();
      });
    });
  }

  /** Types a command; it was started with `--commands`. */
  types(line) {
    this.child.stdin.write(`${line}\n`);
  }

  /** The first line of an event, once it is there. */
  hears(event, within = 40_000) {
    return this.#find(() => this.lines.find((each) => each.event === event), event, within);
  }

  /** The next line of an event, after the one that was heard so last. */
  next(event, within = 40_000) {
    const look = () => {
      const at = this.lines.findIndex((each, index) => index >= this.looked && each.event === event);
      if (at < 0) return undefined;
      this.looked = at + 1;
      return this.lines[at];
    };
    return this.#find(look, event, within);
  }

  /** What comes in a second: packets, mean energy, frames. */
  async second() {
    const report = () => {
      this.types('report');
      return this.next('report');
    };
    const first = await report();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const second = await report();
    const frames = (each) => each.video?.frames ?? 0;
    return {
      packets: second.packets - first.packets,
      energy: second.energy,
      frames: frames(second) - frames(first),
    };
  }

  #find(find, event, within) {
    return new Promise((resolve, reject) => {
      const done = (settle, value) => {
        clearTimeout(late);
        this.waiting.delete(look);
        settle(value);
      };
      const look = () => {
        const line = find();
        if (line) done(resolve, line);
        else if (this.code !== undefined) done(reject, new Error(`no «${event}»\n${this.told()}`));
      };
      const late = setTimeout(() => done(reject, new Error(`waited for «${event}»\n${this.told()}`)), within);
      this.waiting.add(look);
      look();
    });
  }

  /** All that it printed, for a failure's sake. */
  told() {
    return `${this.lines.map((line) => JSON.stringify(line)).join('\n')}\n${this.said}`;
  }

  async stop() {
    if (this.code !== undefined) return;
    const hard = setTimeout(() => this.child.kill('SIGKILL'), 3_000);
    this.child.kill('SIGINT');
    await this.ended;
    clearTimeout(hard);
  }
}
