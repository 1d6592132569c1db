// A STUN server: it says where a datagram came from (RFC 8489 §14.2). For stacks that ask one on the Internet when none is named.

import dgram from 'node:dgram';
import { once } from 'node:events';

const COOKIE = 0x2112a442;

/** Starts one on loopback. */
export async function startStun() {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (request, { address, port }) => {
    if (request.length < 20 || request.readUInt16BE(0) !== 0x0001) return;
    const response = Buffer.alloc(32);
    response.writeUInt16BE(0x0101, 0);
    response.writeUInt16BE(12, 2);
    request.copy(response, 4, 4, 20);
    response.writeUInt16BE(0x0020, 20);
    response.writeUInt16BE(8, 22);
    response[25] = 1;
    response.writeUInt16BE(port ^ (COOKIE >>> 16), 26);
    const octets = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
    response.writeUInt32BE((octets ^ COOKIE) >>> 0, 28);
    socket.send(response, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { url: `stun:127.0.0.1:${socket.address().port}`, stop: () => socket.close() };
}
