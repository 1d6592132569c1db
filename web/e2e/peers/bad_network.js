// A bad network before a UDP address: the testbed's relay, which loses and delays both ways alike.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const BINARY = process.env.UDP_RELAY_BIN ?? path.join(ROOT, 'target/debug/udp-relay');

/** Opens a way to `to` that loses `loss` of a hundred datagrams, each way, and takes `delay` ms. */
export async function badNetwork(to, { loss, delay }) {
  const words = ['--listen', '127.0.0.1:0', '--to', to, '--loss', loss, '--delay', delay];
  const child = spawn(BINARY, words.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    printed += text;
  });
  while (!printed.includes('\n')) {
    await Promise.race([once(child.stdout, 'data'), ended]);
    if (child.exitCode !== null && !printed.includes('\n')) throw new Error('the relay did not begin');
  }
  const [, address] = /^relaying (\S+) to /.exec(printed);
  return {
    address,
    /** Ends it, and gives what it said of itself. */
    async close() {
      // It ends with its standard input, so that it never outlives its test.
      child.stdin.end();
      await ended;
      const [, relayed, lost] = /relayed (\d+), lost (\d+)/.exec(printed) ?? [];
      return { relayed: Number(relayed), lost: Number(lost) };
    },
  };
}

/** Runs in the page before its own scripts: what the far end says of its addresses is led by `wayTo`. */
export function goAstray() {
  const { prototype } = RTCPeerConnection;
  const apply = prototype.setRemoteDescription;
  prototype.setRemoteDescription = async function setRemoteDescription({ type, sdp }) {
    const lines = await Promise.all(
      sdp.split('\r\n').map(async (line) => {
        const words = line.split(' ');
        if (!line.startsWith('a=candidate:') || words[2].toLowerCase() !== 'udp') return line;
        const [host, port] = (await window.wayTo(`${words[4]}:${words[5]}`)).split(':');
        return [...words.slice(0, 4), host, port, ...words.slice(6)].join(' ');
      }),
    );
    return apply.call(this, { type, sdp: lines.join('\r\n') });
  };
}

/** Bad ways for several people: each reaches every candidate of the gateway by a way of its own. */
export class BadWays {
  #weather;
  /** @type {Map<string, ReturnType<typeof badNetwork>>} */
  #ways = new Map();

  constructor(weather) {
    this.#weather = weather;
  }

  /** What a person's page needs before it is opened. */
  prepare(name) {
    return async (page) => {
      await page.exposeFunction('wayTo', async (address) => {
        const key = `${name} ${address}`;
        if (!this.#ways.has(key)) this.#ways.set(key, badNetwork(address, this.#weather));
        return (await this.#ways.get(key)).address;
      });
      await page.evaluateOnNewDocument(goAstray);
    };
  }

  /** Ends all of them, and gives what they say of themselves. */
  async close() {
    const ways = [...this.#ways.values()];
    this.#ways.clear();
    return Promise.all(ways.map(async (way) => (await way).close()));
  }
}
