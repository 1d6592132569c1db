// An eP-CSCF's end of Iq over loopback, to steer a gateway that runs alone.

import crypto from 'node:crypto';
import net from 'node:net';

const VERSION = 3;

/** Connects, proves the secret, and gives somebody to ask. */
export async function connectIq(port, secret) {
  const socket = net.connect(port, '127.0.0.1');
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const iq = new Iq(socket);
  const ours = [...crypto.randomBytes(32)];
  const proof = (who, theirs) => {
    const parts = ['isthmus iq ', Buffer.from([VERSION >> 8, VERSION & 255]), who, Buffer.from(ours), Buffer.from(theirs)];
    // Without TLS there is nothing to bind to: 32 zeroes.
    return [...[...parts, Buffer.alloc(32)].reduce((hmac, part) => hmac.update(part), crypto.createHmac('sha256', secret)).digest()];
  };
  iq.send({ Hello: { version: VERSION, nonce: ours } });
  const answer = await iq.receive();
  const { Challenge: challenge } = answer;
  if (!challenge) throw new Error(`no challenge: ${JSON.stringify(answer)}`);
  if (challenge.proof.join() !== proof('gateway', challenge.nonce).join()) throw new Error('not our gateway');
  iq.send({ Proof: { proof: proof('eP-CSCF', challenge.nonce) } });
  if ((await iq.receive()) !== 'Welcome') throw new Error('not welcome');
  iq.alive = setInterval(() => iq.send('Ping'), 4_000);
  return iq;
}

class Iq {
  /** What the gateway told without being asked. */
  notifications = [];
  #socket;
  #bytes = Buffer.alloc(0);
  #frames = [];
  #waiting = [];
  #next = 0;

  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      while (this.#bytes.length >= 4) {
        const end = 4 + this.#bytes.readUInt32BE(0);
        if (this.#bytes.length < end) break;
        this.#take(JSON.parse(this.#bytes.subarray(4, end)));
        this.#bytes = this.#bytes.subarray(end);
      }
    });
  }

  #take(frame) {
    if (frame === 'Pong') return;
    if (frame.Notification) this.notifications.push(frame.Notification);
    else if (this.#waiting.length > 0) this.#waiting.shift()(frame);
    else this.#frames.push(frame);
  }

  send(frame) {
    const text = Buffer.from(JSON.stringify(frame));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    this.#socket.write(Buffer.concat([length, text]));
  }

  receive() {
    if (this.#frames.length > 0) return Promise.resolve(this.#frames.shift());
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** One request; gives what was done. */
  async ask(command) {
    this.send({ Request: { id: this.#next++, command } });
    const { Reply: reply } = await this.receive();
    if (!reply.result.Ok) throw new Error(`refused: ${JSON.stringify(reply.result)}`);
    return reply.result.Ok;
  }

  close() {
    clearInterval(this.alive);
    this.#socket.destroy();
  }
}
