import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER, answerTo, connected, phone, registered, requestFrom } from './support/phone.js';

const long = { tokenLife: 100_000 };

/** The network changed: the page's WebSocket is another one, and registered. */
async function reconnected({ transport }) {
  transport.lose();
  transport.restore();
  await transport.deliver(registered(await transport.take('REGISTER'), { expires: 100_000 }));
}

async function grant({ transport }) {
  const offer = await transport.take('INVITE');
  await transport.deliver(answerTo(offer, 200, { sdp: ANSWER }));
  await transport.take('ACK');
  return offer;
}

const networkChanges = ({ transport }) => transport.dispatchEvent(new CustomEvent('network'));

test('a registration on another connection restarts ICE, even if the browser has noticed nothing yet', async () => {
  const made = await connected(long);
  await reconnected(made);
  await grant(made);
  assert.equal(made.pc.restarts, 1);
  await made.transport.nothing();
  assert.equal(made.call.state, 'connected');
});

test('a refresh on the same connection does not', async () => {
  const made = await connected({ tokenLife: 1000 });
  await made.clock.advance(950_000);
  const [refresh] = made.transport.sent.filter(({ method }) => method === 'REGISTER');
  assert.ok(refresh, 'it was refreshed');
  await made.transport.deliver(registered(refresh, { expires: 1000 }));
  assert.equal(made.pc.restarts, 0);
});

test('a question for video does not keep the media waiting', async () => {
  const made = await connected({ ...long, wic: { asksForVideo: true } });
  const { call, far, transport } = made;
  await transport.deliver(far('INVITE', { cseq: 5, sdp: `${ANSWER}m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=sendrecv\r\n` }));
  await transport.nothing();
  assert.ok(call.videoRequest, 'somebody is asked');
  networkChanges(made);
  await transport.take('200 INVITE');
  await transport.deliver(far('ACK', { cseq: 5 }));
  await grant(made);
  assert.equal(call.videoRequest, null);
  assert.equal(made.pc.restarts, 1);
});

test('a browser that is online again restarts ICE at once', async () => {
  const made = await connected(long);
  networkChanges(made);
  await grant(made);
  assert.equal(made.pc.restarts, 1);
});

test('a short gap heals by itself, a longer one by an ICE restart', async () => {
  const made = await connected(long);
  const { pc, clock, transport, call } = made;
  pc.connection('disconnected');
  assert.equal(call.interrupted, true);
  await clock.advance(1_500);
  pc.connection('connected');
  assert.equal(call.interrupted, false);
  await clock.advance(60_000);
  await transport.nothing();
  pc.connection('disconnected');
  await clock.advance(2_100);
  await grant(made);
  assert.equal(pc.restarts, 1);
  pc.connection('connected');
  await clock.advance(60_000);
  assert.equal(call.state, 'connected');
});

test('media that break without signalling wait for it, however long, and gather then', async () => {
  const made = await connected(long);
  const { pc, clock, transport, call } = made;
  transport.lose();
  pc.connection('disconnected');
  await clock.advance(10_000);
  pc.connection('failed');
  await clock.advance(40_000);
  assert.equal(pc.restarts, 0, 'candidates of a network that is gone are none');
  assert.equal(call.state, 'connected');
  transport.restore();
  await transport.deliver(registered(await transport.take('REGISTER'), { expires: 100_000 }));
  await grant(made);
  assert.equal(pc.restarts, 1);
  pc.connection('connected');
  await clock.advance(60_000);
  assert.equal(call.state, 'connected');
});

test('an ICE restart that meets another offer (491) waits and is made again', async () => {
  const made = await connected(long);
  const { pc, clock, transport } = made;
  networkChanges(made);
  await transport.deliver(answerTo(await transport.take('INVITE'), 491));
  await transport.take('ACK');
  await clock.advance(4_000);
  await grant(made);
  assert.equal(pc.restarts, 2);
});

test('changes that follow one another while a restart is on its way are one more restart', async () => {
  const made = await connected(long);
  networkChanges(made);
  await made.transport.take('INVITE').then(async (first) => {
    networkChanges(made);
    networkChanges(made);
    await made.transport.deliver(answerTo(first, 200, { sdp: ANSWER }));
    await made.transport.take('ACK');
  });
  await grant(made);
  await made.transport.nothing();
  assert.equal(made.pc.restarts, 2);
});

test('what was said on the lost connection and not answered is said again, as the same request (RFC 3261 §18.2.2)', async () => {
  const made = await connected(long);
  const { call, transport } = made;
  const holding = call.setHeld(true);
  const first = await transport.take('INVITE');
  await reconnected(made);
  const again = await transport.take('INVITE');
  assert.equal(again.via.branch, first.via.branch);
  assert.equal(again.cseq.number, first.cseq.number);
  assert.equal(again.sdp, first.sdp);
  await transport.deliver(answerTo(again, 200, { sdp: ANSWER }));
  await transport.take('ACK');
  await holding;
  assert.equal(call.held, true);
  await grant(made);
});

test('a call that rings at the far end, or was hung up, is not lost with its connection', async () => {
  const made = await phone(long);
  const { wic, transport } = made;
  const call = wic.call('bob');
  const invite = await transport.take('INVITE');
  await transport.deliver(answerTo(invite, 180));
  await reconnected(made);
  const again = await transport.take('INVITE');
  assert.equal(again.via.branch, invite.via.branch);
  await transport.deliver(answerTo(again, 200, { sdp: ANSWER }));
  await transport.take('ACK');
  assert.equal(call.state, 'connected');

  call.hangUp();
  const bye = await transport.take('BYE');
  await reconnected(made);
  assert.equal((await transport.take('BYE')).via.branch, bye.via.branch);
});

test('an ICE restart that finds the far end away (430) is tried again, and given up in the end', async () => {
  const made = await connected(long);
  const { pc, clock, transport, call } = made;
  const refuse = async () => {
    await transport.deliver(answerTo(await transport.take('INVITE'), 430));
    await transport.take('ACK');
  };
  pc.connection('connected');
  networkChanges(made);
  await refuse();
  await transport.nothing();
  await clock.advance(1_100);
  await grant(made);
  await clock.advance(60_000);
  await transport.nothing();
  assert.equal(pc.restarts, 2);

  networkChanges(made);
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await refuse();
    await clock.advance(20_000);
  }
  await transport.nothing();
  assert.equal(pc.restarts, 7);
  assert.equal(call.state, 'connected', 'the media never broke');
});

test('a call that rings here is over with the connection that it came by, answered or not', async () => {
  for (const answers of [false, true]) {
    const { wic, transport, devices } = await phone(long);
    await transport.deliver(requestFrom('INVITE', { sdp: ANSWER }));
    await transport.take('180 INVITE');
    const [call] = wic.calls;
    const open = devices.getUserMedia.bind(devices);
    let allow;
    devices.getUserMedia = async (constraints) => {
      await new Promise((resolve) => {
        allow = resolve;
      });
      return open(constraints);
    };
    const answered = answers ? call.answer() : null;
    transport.lose();
    assert.equal(call.failure?.code, 'missed');
    assert.deepEqual(wic.calls, []);
    allow?.();
    await answered;
    assert.ok(devices.opened.every(({ readyState }) => readyState === 'ended'), 'no device stays open');
    transport.restore();
    await transport.deliver(registered(await transport.take('REGISTER'), { expires: 100_000 }));
    await transport.take('480 INVITE');
    await transport.nothing();
  }
});
