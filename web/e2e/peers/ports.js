// Ports for programs that take theirs from a configuration. They are from below the ones that the
// system lends to connections (from 32768 on Linux): one of those can be gone, or its neighbour be,
// between the moment it is found free and the moment the program takes it. And from below 20000,
// where the phones' media and the ports of the other tests are.

import dgram from 'node:dgram';
import net from 'node:net';

const FIRST = 10_000;
const COUNT = 10_000;

// Files of tests run side by side, each in a process of its own: they begin far apart, and none
// takes a port twice.
let next = (process.pid * 397) % COUNT;

/** `count` ports of 127.0.0.1, free for TCP and UDP, and nobody else's soon. */
export async function freePorts(count) {
  const ports = [];
  while (ports.length < count) {
    const port = take();
    if (await free(port)) ports.push(port);
  }
  return ports;
}

/** The first of two ports that follow each other: a phone takes SIP on one and SIP over TLS on the next. */
export async function freePair() {
  for (;;) {
    const port = take();
    if (take() === port + 1 && (await free(port)) && (await free(port + 1))) return port;
  }
}

function take() {
  const port = FIRST + next;
  next = (next + 1) % COUNT;
  return port;
}

async function free(port) {
  const server = net.createServer();
  const socket = dgram.createSocket('udp4');
  const answers = await Promise.all([
    held(server, () => server.listen(port, '127.0.0.1')),
    held(socket, () => socket.bind(port, '127.0.0.1')),
  ]);
  return answers.every(Boolean);
}

/** Whether it can listen there; it listens no more afterwards. */
function held(one, listen) {
  return new Promise((resolve) => {
    one.once('error', () => resolve(false));
    one.once('listening', () => one.close(() => resolve(true)));
    listen();
  });
}
