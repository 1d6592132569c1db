// Ports that are free now: taken all at once, so that no two are the same, and let go.

import dgram from 'node:dgram';
import net from 'node:net';

/** `count` ports of 127.0.0.1 that were free for TCP and UDP a moment ago. */
export async function freePorts(count) {
  const held = [];
  const ports = [];
  while (ports.length < count) {
    const server = net.createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    held.push(server);
    const { port } = server.address();
    const socket = dgram.createSocket('udp4');
    const free = await new Promise((resolve) => {
      socket.once('error', () => resolve(false));
      socket.bind(port, '127.0.0.1', () => resolve(true));
    });
    held.push(socket);
    if (free) ports.push(port);
  }
  await Promise.all(held.map((one) => new Promise((resolve) => one.close(() => resolve()))));
  return ports;
}
