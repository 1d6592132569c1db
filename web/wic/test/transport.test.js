import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocketTransport } from '../lib/transport.js';
import { VirtualClock } from './support/clock.js';

/** A WebSocket whose other end is the test. */
class FakeSocket {
  static all = [];
  sent = [];
  closed = null;
  onopen = null;
  onmessage = null;
  onclose = null;

  constructor(url) {
    this.url = url;
    FakeSocket.all.push(this);
  }

  send(data) {
    this.sent.push(data);
  }

  close(code) {
    this.closed = code;
  }
}

function open({ random = () => 1 } = {}) {
  FakeSocket.all = [];
  const clock = new VirtualClock();
  const network = new EventTarget();
  const transport = new WebSocketTransport('wss://edge.example.net/w2', {
    clock,
    network,
    random,
    open: (url) => new FakeSocket(url),
  });
  const states = [];
  transport.on('state', (state) => states.push(state));
  transport.connect();
  return { clock, network, transport, states, socket: () => FakeSocket.all.at(-1) };
}

test('a message travels both ways, text or bytes, and keep-alives stay inside', () => {
  const { transport, socket, states } = open();
  assert.equal(transport.send('early'), false);
  socket().onopen();
  const messages = [];
  transport.on('message', (text) => messages.push(text));
  assert.equal(transport.send('hello'), true);
  socket().onmessage({ data: 'one' });
  socket().onmessage({ data: new TextEncoder().encode('zwö').buffer });
  socket().onmessage({ data: '\r\n' });
  socket().onmessage({ data: '\r\n\r\n' });
  assert.deepEqual(messages, ['one', 'zwö']);
  assert.deepEqual(socket().sent, ['hello', '\r\n']);
  assert.deepEqual(states, ['connecting', 'open']);
});

test('a ping that nobody answers is a lost connection (RFC 5626 §4.4.1)', async () => {
  const { transport, socket, clock } = open();
  socket().onopen();
  await clock.advance(30_000);
  assert.deepEqual(socket().sent, ['\r\n\r\n']);
  socket().onmessage({ data: '\r\n' });
  await clock.advance(29_000);
  assert.equal(transport.state, 'open');
  await clock.advance(11_200);
  assert.equal(transport.state, 'waiting');
});

test('it comes back after a growing, random time, and at once when the network does', async () => {
  const { transport, socket, clock, network } = open();
  const waits = [];
  for (let i = 0; i < 8; i += 1) {
    socket().onclose();
    const made = FakeSocket.all.length;
    let waited = 0;
    while (FakeSocket.all.length === made) {
      await clock.advance(100);
      waited += 100;
    }
    waits.push(waited);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 24_000, 24_000]);
  socket().onclose();
  assert.equal(transport.state, 'waiting');
  network.dispatchEvent(new Event('online'));
  assert.equal(transport.state, 'connecting');

  const hurried = open({ random: () => 0 });
  hurried.socket().onclose();
  await hurried.clock.advance(250);
  assert.equal(FakeSocket.all.length, 2);
});

test('a server that opens and closes at once is not hammered', async () => {
  const { socket, clock } = open();
  for (let i = 0; i < 4; i += 1) {
    socket().onopen();
    socket().onclose();
    await clock.advance(500 * 2 ** i - 1);
    assert.equal(FakeSocket.all.length, i + 1);
    await clock.advance(1);
    assert.equal(FakeSocket.all.length, i + 2);
  }
  socket().onopen();
  await clock.advance(10_000);
  socket().onclose();
  await clock.advance(500);
  assert.equal(FakeSocket.all.length, 6);
});

test('going offline asks whether the connection still lives', async () => {
  const { transport, socket, clock, network } = open();
  socket().onopen();
  network.dispatchEvent(new Event('offline'));
  assert.deepEqual(socket().sent, ['\r\n\r\n']);
  await clock.advance(4_000);
  assert.equal(transport.state, 'waiting');
});

test('a connection that never opens is given up, and a closed transport stays closed', async () => {
  const { transport, socket, clock, network } = open();
  await clock.advance(10_000);
  assert.equal(transport.state, 'waiting');
  transport.close();
  assert.equal(transport.state, 'closed');
  network.dispatchEvent(new Event('online'));
  await clock.advance(100_000);
  assert.equal(FakeSocket.all.length, 1);
  assert.equal(socket().closed, 4000);
  assert.equal(clock.pending, 0);
});
