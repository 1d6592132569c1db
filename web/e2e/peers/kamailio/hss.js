// The HSS that stands behind the foreign IMS core: the four Cx commands (TS 29.229 §6.1) for the
// subscribers of a test, with SIP Digest (TS 29.229 §6.3.36). In memory, loopback, tests only.

import { createHash } from 'node:crypto';
import net from 'node:net';

import { answer, avp, avp3gpp, avps, framer, number, text, VENDOR_3GPP } from './diameter.js';

const CX = 16777216;
const SUCCESS = 2001;

/** Starts one. `subscribers`: `{ impi, password, impus }`. Gives `{ port, stop() }`. */
export async function startHss({ realm, scscf, subscribers }) {
  const hss = new Hss(realm, scscf, subscribers);
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const frame = framer((message) => {
      const reply = hss.handle(message);
      if (reply) socket.write(reply);
    });
    socket.on('data', (chunk) => {
      try {
        frame(chunk);
      } catch {
        socket.destroy();
      }
    });
  });
  await new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: server.address().port,
    /** How many peers have exchanged capabilities. */
    peers: () => hss.peers,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(resolve);
      }),
  };
}

class Hss {
  constructor(realm, scscf, subscribers) {
    this.realm = realm;
    this.scscf = scscf;
    this.subscribers = subscribers;
    /** Public user identity to the S-CSCF that serves it. */
    this.served = new Map();
    this.peers = 0;
  }

  handle(message) {
    if (!(message[4] & 0x80)) return null; // an answer to nothing
    const command = message.readUInt32BE(4) & 0xffffff;
    const request = avps(message.subarray(20));
    const body = this.body(command, request);
    return answer(message, Buffer.concat(body));
  }

  body(command, request) {
    const origin = [avp(264, 'localhost'), avp(296, this.realm)];
    const application = avp(260, [avp(266, VENDOR_3GPP), avp(258, CX)]);
    switch (command) {
      case 257: // Capabilities-Exchange
        this.peers += 1;
        return [
          avp(268, SUCCESS),
          ...origin,
          avp(257, Buffer.from([0, 1, 127, 0, 0, 1])),
          avp(266, VENDOR_3GPP),
          avp(269, 'test-hss'),
          avp(265, VENDOR_3GPP),
          avp(258, CX),
          application,
        ];
      case 280: // Device-Watchdog
      case 282: // Disconnect-Peer
        return [avp(268, SUCCESS), ...origin];
      default:
        break;
    }
    const session = request.get(263)?.[0];
    const head = [
      ...(session ? [avp(263, session)] : []),
      application,
      avp(277, 1), // no state maintained
      ...origin,
    ];
    const impu = text(request, 601);
    const impi = text(request, 1);
    return [...head, ...this.cx(command, request, impi, impu)];
  }

  cx(command, request, impi, impu) {
    const subscriber = this.find(impi, impu);
    const serving = this.served.get(impu);
    const experimental = (code) => avp(297, [avp(266, VENDOR_3GPP), avp(298, code)]);
    if (!subscriber) return [experimental(5001)]; // user unknown
    switch (command) {
      case 300: // User-Authorization: which S-CSCF
        return serving
          ? [experimental(2002), avp3gpp(602, serving)]
          : [experimental(2001), avp3gpp(603, [avp3gpp(604, 0)])];
      case 303: // Multimedia-Auth
        return [
          avp(1, subscriber.impi),
          avp3gpp(601, impu),
          avp3gpp(607, 1),
          avp3gpp(612, this.digest(subscriber)),
          avp(268, SUCCESS),
        ];
      case 301: {
        // Server-Assignment: 0 to 3 register, 4 to 8 deregister
        const type = number(request, 614) ?? 0;
        if (type <= 3) this.served.set(impu, text(request, 602) || this.scscf);
        else if (type <= 8) this.served.delete(impu);
        return [
          avp(1, subscriber.impi),
          avp3gpp(606, profile(subscriber)),
          avp3gpp(618, [avp3gpp(621, 'aaa://127.0.0.1')]),
          avp(268, SUCCESS),
        ];
      }
      case 302: // Location-Info
        return serving ? [avp3gpp(602, serving), avp(268, SUCCESS)] : [experimental(5003)];
      default:
        return [avp(268, 3001)]; // command unsupported
    }
  }

  digest(subscriber) {
    const secret = `${subscriber.impi}:${this.realm}:${subscriber.password}`;
    const ha1 = createHash('md5').update(secret).digest('hex');
    return [
      avp3gpp(613, 1),
      avp3gpp(608, 'SIP Digest'),
      avp3gpp(635, [avp(104, this.realm), avp(111, 'MD5'), avp(110, 'auth'), avp(121, ha1)]),
    ];
  }

  find(impi, impu) {
    return this.subscribers.find(
      (subscriber) => (impi && subscriber.impi === impi) || subscriber.impus.includes(impu),
    );
  }
}

/** The user profile of TS 29.228 Annex E: one service profile with every public identity. */
function profile(subscriber) {
  const identities = subscriber.impus.map(
    (impu) =>
      `<PublicIdentity><Identity>${impu}</Identity>` +
      '<Extension><IdentityType>0</IdentityType></Extension></PublicIdentity>',
  );
  return (
    '<?xml version="1.0" encoding="UTF-8"?><IMSSubscription>' +
    `<PrivateID>${subscriber.impi}</PrivateID>` +
    `<ServiceProfile>${identities.join('')}</ServiceProfile></IMSSubscription>`
  );
}
