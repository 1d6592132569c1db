// A bad network before a UDP address: it loses and delays, both ways alike.

import dgram from 'node:dgram';

/** Opens a way to `to` that loses `loss` of a hundred datagrams, each way, and takes `delay` ms. */
export async function badNetwork(to, { loss, delay }) {
  const front = await socketOf();
  const [host, port] = [to.replace(/:\d+$/, ''), Number(to.split(':').at(-1))];
  const backs = new Map();
  // The same on every run.
  let dice = 1;
  const later = (send) => {
    dice = (Math.imul(dice, 1_664_525) + 1_013_904_223) >>> 0;
    if ((dice / 2 ** 32) * 100 < loss) return;
    // What is under way when it closes is lost.
    setTimeout(() => open && send(), delay);
  };
  let open = true;
  front.on('message', async (bytes, from) => {
    const name = `${from.address}:${from.port}`;
    // Every source has its own way on, as behind a NAT.
    if (!backs.has(name)) backs.set(name, socketOf((answer) => later(() => front.send(answer, from.port, from.address))));
    const back = await backs.get(name);
    later(() => back.send(bytes, port, host));
  });
  return {
    address: `127.0.0.1:${front.address().port}`,
    async close() {
      open = false;
      for (const socket of [front, ...(await Promise.all(backs.values()))]) socket.close();
    },
  };
}

function socketOf(heard) {
  const socket = dgram.createSocket('udp4');
  if (heard) socket.on('message', heard);
  return new Promise((resolve) => {
    socket.bind(0, '127.0.0.1', () => resolve(socket));
  });
}
