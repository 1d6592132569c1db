// The stacks of node as a program of their own, as those of Rust and Python are: `node w3c_program.js werift`,
// with «direct» behind it when the peer is another of its kind.

import readline from 'node:readline';

import { STACKS } from './stacks.js';

const [, , stack, direct] = process.argv;
const { peer } = await STACKS[stack]({ direct: direct === 'direct' });
const peers = new Map();

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { peer: number, do: what, ...words } = JSON.parse(line);
  const say = (event) => process.stdout.write(`${JSON.stringify({ peer: number, ...event })}\n`);
  if (!peers.has(number)) peers.set(number, peer(say));
  Promise.resolve()
    .then(() => peers.get(number)[what](words))
    .then((sdp) => {
      if (typeof sdp === 'string') say({ event: 'sdp', sdp });
    })
    .catch((error) => say({ event: 'failed', reason: String(error) }));
}
process.exit(0);
