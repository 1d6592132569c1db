// The product under test: the binary, all in one or one function alone, on ports that were free.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { freePorts } from '../peers/ports.js';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const BINARY = process.env.ISTHMUS_BIN ?? path.join(ROOT, 'target/debug/isthmus');

/** Everything in one process. More flags of the command line may be given. */
export async function startIsthmus(flags = []) {
  const [https, http, core, mw, admin] = await freePorts(5);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-'));
  const product = new Isthmus(folder, { https, http, core, mw, admin });
  product.spawn([
    ...['--data-dir', folder],
    ...['--https-port', https, '--http-port', http, '--admin-port', admin],
    ...['--core-port', core, '--mw-port', mw],
    ...flags,
  ]);
  await product.ready();
  return product;
}

/** One function alone, from a configuration that is written here. */
export async function startFunction(name, configuration, admin) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `isthmus-${name}-`));
  const file = path.join(folder, `${name}.toml`);
  fs.writeFileSync(file, configuration.replaceAll('@FOLDER@', folder));
  const product = new Isthmus(folder, { admin });
  product.spawn([name, '--config', file]);
  await product.ready();
  return product;
}

class Isthmus {
  constructor(folder, ports) {
    this.folder = folder;
    this.ports = ports;
    this.printed = '';
  }

  spawn(words) {
    this.child = spawn(BINARY, words.map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        this.printed = (this.printed + text).slice(-200_000);
      });
    }
  }

  /** Waits for the admin port to say that it is ready. */
  async ready() {
    const deadline = Date.now() + 40_000;
    for (;;) {
      if (this.child.exitCode !== null) throw new Error(`it ended:\n${this.printed}`);
      try {
        const answer = await fetch(`http://127.0.0.1:${this.ports.admin}/ready`);
        if (answer.ok) return;
      } catch {
        // not yet
      }
      if (Date.now() > deadline) {
        await this.stop();
        throw new Error(`not ready within 20 s:\n${this.printed}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The page, over TLS with the laboratory's own certificate. */
  get address() {
    return `https://localhost:${this.ports.https}/`;
  }

  /** The passwords that it printed, by the name of the subscriber. */
  passwords() {
    const found = {};
    for (const line of this.printed.split('\n')) {
      const [, name, password] = /\b(alice|bob|carol|dave)\b\s+(\S+)/.exec(line) ?? [];
      if (name) found[name] = password;
    }
    return found;
  }

  /** A figure of the admin port, as of a second ago: `epcscf_bindings`. */
  async metric(name) {
    const answer = await fetch(`http://127.0.0.1:${this.ports.admin}/metrics`);
    const text = await answer.text();
    const line = text.split('\n').find((each) => each.startsWith(`isthmus_${name} `));
    if (!line) throw new Error(`there is no figure «${name}»:\n${text}`);
    return Number(line.split(' ').at(-1));
  }

  /** Waits until a figure has this value. */
  async shows(name, wanted, within = 40_000) {
    const deadline = Date.now() + within;
    for (;;) {
      const value = await this.metric(name);
      if (value === wanted) return;
      if (Date.now() > deadline) throw new Error(`${name} is ${value}, not ${wanted}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      const hard = setTimeout(() => this.child.kill('SIGKILL'), 8_000);
      this.child.kill('SIGTERM');
      await ended;
      clearTimeout(hard);
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
