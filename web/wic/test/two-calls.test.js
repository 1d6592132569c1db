import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakePeerConnection } from './support/peer-connection.js';
import { ANSWER, HOME, answerTo, connected, requestFrom } from './support/phone.js';

const HELD = ANSWER.replace('sendrecv', 'recvonly');
const two = { wic: { maxCalls: 2 } };

const fromCarol = (method, more = {}) =>
  requestFrom(method, { callId: 'call-from-carol', from: `Carol <sip:carol@${HOME}>;tag=carol`, sdp: ANSWER, ...more });

/** Alice talks to bob, and carol calls. */
async function carolCalls(options = two) {
  const made = await connected(options);
  await made.transport.deliver(fromCarol('INVITE'));
  const ringing = await made.transport.take('180 INVITE');
  return { ...made, bob: made.call, carol: made.wic.calls[1], to: ringing.get('To') };
}

/** The far end of a call of ours says yes to an offer. */
async function grant({ transport }, sdp) {
  const offer = await transport.take('INVITE');
  const response = answerTo(offer, 200, { tag: offer.address('To')?.tag, sdp });
  await transport.deliver(response);
  await transport.take('ACK');
  return offer;
}

/** Carol has been answered, and bob is on hold. */
async function bothConnected(options) {
  const made = await carolCalls(options);
  const answered = made.wic.answer(made.carol, { video: false });
  await grant(made, HELD);
  await made.transport.take('200 INVITE');
  await made.transport.deliver(fromCarol('ACK', { to: made.to, sdp: '' }));
  await answered;
  return made;
}

test('a second call is answered once the first is on hold', async () => {
  const made = await carolCalls();
  const { wic, bob, carol, transport } = made;
  const answered = wic.answer(carol, { video: false });
  const hold = await transport.take('INVITE');
  assert.equal(hold.callId, made.invite.callId);
  assert.match(hold.sdp, /a=sendonly/);
  assert.equal(carol.state, 'incoming', 'nobody hears what is for another');
  await transport.deliver(answerTo(hold, 200, { sdp: HELD }));
  await transport.take('ACK');
  await transport.take('200 INVITE');
  await answered;
  assert.deepEqual([bob.held, carol.held], [true, false]);
  assert.deepEqual([bob.state, carol.state], ['connected', 'connected']);
  const [toBob, toCarol] = FakePeerConnection.made.map(({ transceivers }) => transceivers[0].sender.track.enabled);
  assert.deepEqual([toBob, toCarol], [false, true]);
});

test('a second call is rejected and the first does not notice', async () => {
  const { carol, bob, transport } = await carolCalls();
  carol.hangUp();
  await transport.take('603 INVITE');
  await transport.nothing();
  assert.equal(bob.held, false);
});

test('two calls are swapped, one always on hold, and each is hung up alone', async () => {
  const made = await bothConnected(two);
  const { wic, bob, carol, transport } = made;
  for (const [front, back] of [[bob, carol], [carol, bob]]) {
    const swapped = wic.switchTo(front);
    const hold = await grant(made, HELD);
    assert.equal(hold.callId, back.dialog.callId);
    assert.match(hold.sdp, /a=sendonly/);
    const resume = await grant(made, ANSWER);
    assert.equal(resume.callId, front.dialog.callId);
    assert.match(resume.sdp, /a=sendrecv/);
    await swapped;
    assert.deepEqual([front.held, back.held], [false, true]);
  }
  carol.hangUp();
  assert.equal((await transport.take('BYE')).callId, 'call-from-carol');
  assert.deepEqual(wic.calls, [bob]);
  assert.equal(bob.held, true, 'who was on hold is not talked to before somebody wants it');
  bob.hangUp();
  assert.equal((await transport.take('BYE')).callId, made.invite.callId);
  assert.deepEqual(wic.calls, []);
});

test('where the first cannot be put on hold the second is not answered', async () => {
  const { wic, bob, carol, transport } = await carolCalls();
  const refused = assert.rejects(wic.answer(carol), { code: 'change_refused' });
  await transport.deliver(answerTo(await transport.take('INVITE'), 488));
  await transport.take('ACK');
  await refused;
  await transport.nothing();
  assert.deepEqual([bob.held, carol.state], [false, 'incoming']);
});

test('who gives up while the first is put on hold leaves the first as it was', async () => {
  const made = await carolCalls();
  const { wic, bob, carol, transport } = made;
  const answered = wic.answer(carol);
  const hold = await transport.take('INVITE');
  carol.reject();
  await transport.take('603 INVITE');
  await transport.deliver(answerTo(hold, 200, { sdp: HELD }));
  await transport.take('ACK');
  await grant(made, ANSWER);
  await answered;
  assert.equal(bob.held, false);
});

test('a third caller hears busy, and so does a second while a call only begins', async () => {
  const { transport } = await bothConnected(two);
  await transport.deliver(requestFrom('INVITE', { callId: 'third', sdp: ANSWER }));
  await transport.take('486 INVITE');

  const early = await carolCalls();
  await early.transport.deliver(requestFrom('INVITE', { callId: 'third', sdp: ANSWER }));
  await early.transport.take('486 INVITE');
});
