import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from './support/clock.js';
import { ANSWER, answerTo, connected, phone, requestFrom } from './support/phone.js';

/** The far end's description with this video: its direction, or 0 for port 0. */
const withVideo = (direction, audio = 'sendrecv') =>
  `${ANSWER.replace('sendrecv', audio)}m=video ${direction === 0 ? 0 : 5002} UDP/TLS/RTP/SAVPF 96\r\na=setup:passive\r\na=rtcp-mux\r\na=${direction === 0 ? 'inactive' : direction}\r\n`;
const offering = (direction, audio) => withVideo(direction, audio).replaceAll('passive', 'actpass');

/** What a description says of each m-line, in order: `audio sendrecv`, `video 0`. */
const media = (sdp) =>
  sdp.split(/\r\n(?=m=)/).slice(1).map((section) => {
    const [, kind, port] = /^m=(\S+) (\d+)/.exec(section);
    return `${kind} ${port === '0' ? 0 : /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(section)[1]}`;
  });

const asking = { wic: { asksForVideo: true } };

/** Bob says yes, with this. */
async function grant({ transport }, sdp) {
  const offer = await transport.take('INVITE');
  await transport.deliver(answerTo(offer, 200, { sdp }));
  await transport.take('ACK');
  return media(offer.sdp);
}

/** Bob offers this, and alice answers. */
async function offered({ transport, far }, cseq, sdp) {
  await transport.deliver(far('INVITE', { cseq, sdp }));
  const answer = await transport.take('200 INVITE');
  await transport.deliver(far('ACK', { cseq }));
  return media(answer.sdp);
}

test('our picture comes by a new m-line, and goes with it when the far end shows none (RFC 3264 §8.1, §8.2)', async () => {
  const made = await connected();
  const { call, devices } = made;
  assert.equal(call.media.offersVideo, false);
  const on = call.setCamera(true);
  await settle();
  assert.equal(call.media.offersVideo, true);
  assert.deepEqual(await grant(made, withVideo('recvonly')), ['audio sendrecv', 'video sendrecv']);
  await on;
  assert.equal(call.media.offersVideo, false);
  assert.equal(call.cameraOn, true);
  assert.equal(call.hasVideo, true);
  const off = call.setCamera(false);
  assert.deepEqual(await grant(made, withVideo(0)), ['audio sendrecv', 'video 0']);
  await off;
  assert.equal(call.cameraOn, false);
  assert.equal(call.hasVideo, false);
  assert.equal(devices.opened[1].readyState, 'ended');
});

test('where both are seen, a camera goes off by direction, and on again', async () => {
  const made = await connected();
  const { call } = made;
  const on = call.setCamera(true);
  await grant(made, withVideo('sendrecv'));
  await on;
  const off = call.setCamera(false);
  assert.deepEqual(await grant(made, withVideo('sendonly')), ['audio sendrecv', 'video recvonly']);
  await off;
  assert.equal(call.hasVideo, true);
  const again = call.setCamera(true);
  assert.deepEqual(await grant(made, withVideo('sendrecv')), ['audio sendrecv', 'video sendrecv']);
  await again;
  assert.equal(call.cameraOn, true);
});

test('a picture that is refused leaves the call as it was, by port 0 or by 488', async () => {
  for (const how of ['port 0', '488']) {
    const made = await connected();
    const { call, transport, devices, pc } = made;
    const refused = assert.rejects(call.setCamera(true), { code: 'video_refused', message: /^There is no video with Bob now/ });
    if (how === 'port 0') await grant(made, withVideo(0));
    else {
      await transport.deliver(answerTo(await transport.take('INVITE'), 488));
      await transport.take('ACK');
    }
    await refused;
    assert.equal(call.state, 'connected');
    assert.equal(call.cameraOn, false);
    assert.equal(devices.opened[1].readyState, 'ended', 'the camera looks no more');
    assert.equal(pc.signalingState, 'stable');
    // The next offer does not bring it up again.
    const hold = call.setHeld(true);
    assert.deepEqual(await grant(made, how === 'port 0' ? withVideo(0, 'recvonly') : ANSWER.replace('sendrecv', 'recvonly')),
      how === 'port 0' ? ['audio sendonly', 'video 0'] : ['audio sendonly']);
    await hold;
    assert.equal(call.held, true);
  }
});

test('an offer that goes wrong is no refusal, and takes the picture back all the same', async () => {
  const made = await connected();
  const failed = assert.rejects(made.call.setCamera(true), { code: 'change_refused', status: 500 });
  await made.transport.deliver(answerTo(await made.transport.take('INVITE'), 500));
  await made.transport.take('ACK');
  await failed;
  assert.equal(made.call.cameraOn, false);
});

test('video that the far end adds is asked about, and taken with our camera, without it, or not at all', async () => {
  const outcomes = [
    [(request) => request.accept({ camera: true }), 'video sendrecv', true, true],
    [(request) => request.accept(), 'video recvonly', false, true],
    [(request) => request.refuse(), 'video 0', false, false],
  ];
  for (const [decide, line, camera, video] of outcomes) {
    const { call, transport, far } = await connected(asking);
    const seen = [];
    call.on('videorequest', (request) => seen.push(request));
    await transport.deliver(far('INVITE', { cseq: 5, sdp: offering('sendrecv') }));
    await transport.nothing();
    assert.equal(call.videoRequest, seen[0]);
    decide(seen[0]);
    const answer = await transport.take('200 INVITE');
    assert.deepEqual(media(answer.sdp), ['audio sendrecv', line]);
    await transport.deliver(far('ACK', { cseq: 5 }));
    assert.equal(call.cameraOn, camera);
    assert.equal(call.hasVideo, video);
    assert.equal(seen[1], null);
    assert.equal(call.videoRequest, null);
  }
});

test('who does not decide has refused after half a minute, and a second offer meets 500 meanwhile', async () => {
  const { call, transport, far, clock } = await connected(asking);
  await transport.deliver(far('INVITE', { cseq: 5, sdp: offering('sendrecv') }));
  await transport.deliver(far('UPDATE', { cseq: 6, sdp: ANSWER }));
  await transport.take('500 UPDATE');
  await clock.advance(200);
  // RFC 3261 §17.2.1: from now on it may be cancelled.
  await transport.take('100 INVITE');
  await clock.advance(29_000);
  await transport.nothing();
  await clock.advance(1_500);
  assert.deepEqual(media((await transport.take('200 INVITE')).sdp), ['audio sendrecv', 'video 0']);
  assert.equal(call.state, 'connected');
});

test('the camera button answers the question, hold and hanging up refuse it', async () => {
  const made = await connected(asking);
  await made.transport.deliver(made.far('INVITE', { cseq: 5, sdp: offering('sendrecv') }));
  await made.call.setCamera(true);
  assert.deepEqual(media((await made.transport.take('200 INVITE')).sdp), ['audio sendrecv', 'video sendrecv']);

  const held = await connected(asking);
  await held.transport.deliver(held.far('INVITE', { cseq: 5, sdp: offering('sendrecv') }));
  const holding = held.call.setHeld(true);
  assert.deepEqual(media((await held.transport.take('200 INVITE')).sdp), ['audio sendrecv', 'video 0']);
  await held.transport.deliver(held.far('ACK', { cseq: 5 }));
  assert.deepEqual(await grant(held, withVideo(0, 'recvonly')), ['audio sendonly', 'video 0']);
  await holding;

  const over = await connected(asking);
  await over.transport.deliver(over.far('INVITE', { cseq: 5, sdp: offering('sendrecv') }));
  over.call.hangUp();
  await over.transport.take('BYE');
  await over.transport.take('487 INVITE');
  assert.equal(over.devices.opened.length, 1);
});

test('a question that is taken back gets 487, and the call goes on as it was (RFC 3261 §9.2)', async () => {
  const { call, transport, far, pc } = await connected(asking);
  const invite = far('INVITE', { cseq: 5, sdp: offering('sendrecv') });
  await transport.deliver(invite);
  const cancel = far('CANCEL', { cseq: 5 });
  cancel.set('Via', invite.get('Via'));
  await transport.deliver(cancel);
  await transport.take('200 CANCEL');
  await transport.take('487 INVITE');
  await transport.nothing();
  assert.equal(call.videoRequest, null);
  assert.equal(call.state, 'connected');
  assert.equal(pc.lines.length, 1);
});

test('nobody is asked who did not want to be, nor by UPDATE, nor for a picture that is there already', async () => {
  const quiet = await connected();
  assert.deepEqual(await offered(quiet, 5, offering('sendrecv')), ['audio sendrecv', 'video recvonly']);
  assert.equal(quiet.devices.opened.length, 1);

  const update = await connected(asking);
  await update.transport.deliver(update.far('UPDATE', { cseq: 5, sdp: offering('sendrecv') }));
  assert.deepEqual(media((await update.transport.take('200 UPDATE')).sdp), ['audio sendrecv', 'video recvonly']);
  assert.deepEqual(await offered(update, 6, offering('sendonly')), ['audio sendrecv', 'video recvonly']);
});

test('the far end ends video: our camera looks no more, and video may come again in the same place', async () => {
  const made = await connected();
  const { call, devices } = made;
  const on = call.setCamera(true);
  await grant(made, withVideo('sendrecv'));
  await on;
  assert.deepEqual(await offered(made, 5, offering(0)), ['audio sendrecv', 'video 0']);
  assert.equal(call.cameraOn, false);
  assert.equal(call.hasVideo, false);
  assert.equal(devices.opened[1].readyState, 'ended');
  assert.deepEqual(await offered(made, 6, offering('sendrecv')), ['audio sendrecv', 'video recvonly']);
  const again = call.setCamera(true);
  assert.deepEqual(await grant(made, withVideo('sendrecv')), ['audio sendrecv', 'video sendrecv']);
  await again;
  assert.equal(call.cameraOn, true);
});

test('m-lines keep their places through adding, holding, dropping and reviving, from both sides (RFC 3264 §8)', async () => {
  const made = await connected();
  const { call, pc } = made;
  const does = async (change, sdp, expected) => {
    const done = change();
    assert.deepEqual(await grant(made, sdp), expected);
    await done;
  };
  await does(() => call.setCamera(true), withVideo('sendrecv'), ['audio sendrecv', 'video sendrecv']);
  await does(() => call.setHeld(true), withVideo('recvonly', 'recvonly'), ['audio sendonly', 'video sendonly']);
  await does(() => call.setHeld(false), withVideo('sendrecv'), ['audio sendrecv', 'video sendrecv']);
  await does(() => call.stopVideo(), withVideo(0), ['audio sendrecv', 'video 0']);
  await does(() => call.setHeld(true), withVideo(0, 'recvonly'), ['audio sendonly', 'video 0']);
  await does(() => call.setHeld(false), withVideo(0), ['audio sendrecv', 'video 0']);
  await does(() => call.setCamera(true), withVideo('recvonly'), ['audio sendrecv', 'video sendrecv']);
  assert.deepEqual(await offered(made, 5, offering('sendonly', 'sendonly')), ['audio recvonly', 'video recvonly']);
  assert.equal(call.heldByRemote, true);
  assert.deepEqual(await offered(made, 6, offering('sendrecv')), ['audio sendrecv', 'video sendrecv']);
  assert.deepEqual(await offered(made, 7, offering(0)), ['audio sendrecv', 'video 0']);
  await does(() => call.setCamera(true), withVideo('sendrecv'), ['audio sendrecv', 'video sendrecv']);
  assert.deepEqual(pc.lines.map(({ receiver }) => receiver.track.kind), ['audio', 'video']);
});

test('on hold a camera that goes off only rests, and what comes new rests too', async () => {
  const made = await connected();
  const { call } = made;
  const on = call.setCamera(true);
  await grant(made, withVideo('sendrecv'));
  await on;
  const hold = call.setHeld(true);
  await grant(made, withVideo('recvonly', 'recvonly'));
  await hold;
  const off = call.setCamera(false);
  assert.deepEqual(await grant(made, withVideo('inactive', 'recvonly')), ['audio sendonly', 'video inactive']);
  await off;
  const resume = call.setHeld(false);
  assert.deepEqual(await grant(made, withVideo('sendonly')), ['audio sendrecv', 'video recvonly']);
  await resume;
  assert.equal(call.hasVideo, true);

  const other = await connected();
  const holding = other.call.setHeld(true);
  await grant(other, ANSWER.replace('sendrecv', 'recvonly'));
  await holding;
  assert.deepEqual(await offered(other, 5, offering('sendrecv')), ['audio sendonly', 'video inactive']);
});

test('a camera that the answer has no use for is closed again', async () => {
  const { wic, transport, devices } = await phone();
  const call = wic.call('bob', { video: true });
  const invite = await transport.take('INVITE');
  assert.deepEqual(media(invite.sdp), ['audio sendrecv', 'video sendrecv']);
  await transport.deliver(answerTo(invite, 200, { sdp: withVideo(0) }));
  await transport.take('ACK');
  assert.equal(call.cameraOn, false);
  assert.equal(devices.opened[1].readyState, 'ended');

  const called = await phone();
  await called.transport.deliver(requestFrom('INVITE', { sdp: offering('sendrecv') }));
  await called.transport.take('180 INVITE');
  await called.wic.calls[0].answer();
  assert.deepEqual(media((await called.transport.take('200 INVITE')).sdp), ['audio sendrecv', 'video sendrecv']);
  assert.equal(called.wic.calls[0].cameraOn, true);
});

test('both ask for video at once: our picture goes into their m-line, and there is one (RFC 3261 §14)', async () => {
  const made = await connected(asking);
  const { call, transport, far, clock, pc } = made;
  const on = call.setCamera(true);
  const offer = await transport.take('INVITE');
  await transport.deliver(far('INVITE', { cseq: 5, sdp: offering('sendrecv') }));
  await transport.take('491 INVITE');
  await transport.deliver(answerTo(offer, 491));
  await transport.take('ACK');
  assert.deepEqual(await offered(made, 6, offering('sendrecv')), ['audio sendrecv', 'video sendrecv']);
  assert.equal(call.videoRequest, null, 'who asks for the same is not asked');
  await clock.advance(4_000);
  assert.deepEqual(await grant(made, withVideo('sendrecv')), ['audio sendrecv', 'video sendrecv']);
  await on;
  assert.equal(call.cameraOn, true);
  assert.equal(pc.lines.length, 2);
});

test('on hold no picture is sent, not even a black one', async () => {
  const made = await connected();
  const { call, pc } = made;
  const on = call.setCamera(true);
  await grant(made, withVideo('sendrecv'));
  await on;
  const { sender } = pc.lines[1];
  const hold = call.setHeld(true);
  await grant(made, withVideo('recvonly', 'recvonly'));
  await hold;
  assert.deepEqual(sender.encodings, [{ active: false }]);
  const resume = call.setHeld(false);
  await grant(made, withVideo('sendrecv'));
  await resume;
  assert.deepEqual(sender.encodings, [{ active: true }]);
});
