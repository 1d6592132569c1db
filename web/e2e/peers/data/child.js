// Peers of data channels in a process of their own: a line of JSON each way for what is to be done and what happens.

import { spawn } from 'node:child_process';

/** A program that keeps many peers. */
export class PeerProgram {
  #next = 1;
  #peers = new Map();
  #said = '';

  constructor(command, words) {
    this.child = spawn(command, words, { stdio: ['pipe', 'pipe', 'pipe'] });
    let rest = '';
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) this.#hear(JSON.parse(line));
    });
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#said = (this.#said + text).slice(-20_000);
    });
    this.child.stdin.on('error', () => {}); // its end is told by what follows
    this.ended = new Promise((resolve) => {
      const gone = (why) => {
        for (const peer of this.#peers.values()) peer.lost(`${command} is gone (${why}):\n${this.#said}`);
        resolve();
      };
      this.child.on('error', (error) => gone(error.message));
      this.child.on('close', (code, signal) => gone(code ?? signal));
    });
  }

  /** A new peer in it. */
  peer(tell) {
    const number = this.#next;
    this.#next += 1;
    const peer = new ChildPeer((line) => this.child.stdin.write(`${JSON.stringify({ peer: number, ...line })}\n`), tell);
    this.#peers.set(number, peer);
    return peer;
  }

  async stop() {
    this.child.stdin.end();
    const hard = setTimeout(() => this.child.kill('SIGKILL'), 2_000);
    await this.ended;
    clearTimeout(hard);
  }

  #hear({ peer, ...event }) {
    this.#peers.get(peer)?.hear(event);
  }
}

class ChildPeer {
  #asked = null;
  #lost = null;

  constructor(write, tell) {
    this.write = write;
    this.tell = tell;
  }

  offer() {
    return this.#sdp({ do: 'offer' });
  }

  answer({ sdp }) {
    return this.#sdp({ do: 'answer', sdp });
  }

  answered({ sdp }) {
    this.write({ do: 'answered', sdp });
  }

  open(what) {
    this.write({ do: 'open', ...what });
  }

  send(what) {
    this.write({ do: 'send', ...what });
  }

  file(what) {
    this.write({ do: 'file', ...what });
  }

  shut(what) {
    this.write({ do: 'shut', ...what });
  }

  end() {
    this.write({ do: 'end' });
  }

  hear(event) {
    if (event.event === 'sdp') return this.#asked?.resolve(event.sdp);
    if (event.event === 'failed') this.#asked?.reject(new Error(event.reason));
    return this.tell(event);
  }

  lost(reason) {
    this.#lost = reason;
    this.#asked?.reject(new Error(reason));
    this.tell({ event: 'failed', reason });
  }

  #sdp(line) {
    return new Promise((resolve, reject) => {
      if (this.#lost) return reject(new Error(this.#lost));
      this.#asked = { resolve, reject };
      return this.write(line);
    });
  }
}
