import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../lib/failure.js';
import { Message } from '../lib/sip/message.js';
import { settle } from './support/clock.js';
import { FakePeerConnection } from './support/peer-connection.js';
import { ANSWER, HOME, answerTo, connected, phone, registered, requestFrom } from './support/phone.js';

const HELD = ANSWER.replace('sendrecv', 'sendonly');

test('an INVITE asks for edge protection in the SIP copy only, without BUNDLE (TS 24.371 §7.2.2)', async () => {
  const { wic, transport } = await phone();
  const call = wic.call('bob', { video: true });
  const invite = await transport.take('INVITE');
  assert.equal(invite.uri, `sip:bob@${HOME}`);
  assert.equal(invite.get('Authorization'), 'Bearer token1');
  assert.deepEqual(invite.values('Route'), [`<sip:orig@scscf.${HOME};lr>`]);
  assert.equal(invite.sdp.match(/^a=3ge2ae:requested\r$/gm)?.length, 2);
  const pc = FakePeerConnection.made[0];
  assert.doesNotMatch(pc.localDescription.sdp, /3ge2ae/);
  assert.equal(pc.configuration.bundlePolicy, 'max-compat');
  assert.equal(pc.configuration.rtcpMuxPolicy, 'require');
  for (const option of ['100rel', 'timer', 'outbound']) assert.ok(invite.has('Supported', option));
  assert.equal(call.state, 'calling');
});

test('calling, ringing, connected, and an end by either side', async () => {
  const { wic, transport } = await phone();
  const call = wic.call('bob');
  const states = [];
  call.on('state', (state) => states.push(state));
  const invite = await transport.take('INVITE');
  await transport.deliver(Message.responseTo(invite, 100, 'Trying'));
  await transport.deliver(answerTo(invite, 180));
  await transport.deliver(answerTo(invite, 200, { sdp: ANSWER }));
  const ack = await transport.take('ACK');
  assert.equal(ack.uri, 'sip:bob@192.0.2.7');
  assert.deepEqual(ack.values('Route'), ['<sip:edge.example.net;lr>']);
  assert.equal(ack.get('Authorization'), 'Bearer token1');
  assert.equal(ack.cseq.number, invite.cseq.number);
  call.hangUp();
  const bye = await transport.take('BYE');
  assert.equal(bye.get('Authorization'), 'Bearer token1');
  assert.equal(bye.cseq.number, invite.cseq.number + 1);
  assert.deepEqual(states, ['calling', 'ringing', 'connected', 'ended']);
  assert.equal(call.failure, null);

  const other = await connected();
  await other.transport.deliver(other.far('BYE'));
  await other.transport.take('200 BYE');
  assert.equal(other.call.state, 'ended');
  assert.equal(other.pc.signalingState, 'closed');
  assert.equal(other.devices.opened[0].readyState, 'ended');
  assert.deepEqual(other.wic.calls, []);
});

test('a 2xx that comes again gets its ACK again', async () => {
  const { transport, invite, ack } = await connected();
  await transport.deliver(answerTo(invite, 200, { sdp: ANSWER }));
  const again = await transport.take('ACK');
  assert.equal(again.cseq.number, ack.cseq.number);
  await transport.nothing();
});

test('the 2xx of another fork is acknowledged and ended (RFC 3261 §13.2.2.4)', async () => {
  const { transport, invite, call } = await connected();
  await transport.deliver(answerTo(invite, 200, { tag: 'other', sdp: ANSWER }));
  assert.equal((await transport.take('ACK')).address('To')?.tag, 'other');
  assert.equal((await transport.take('BYE')).address('To')?.tag, 'other');
  assert.equal(call.state, 'connected');
});

test('a reliable provisional response gets one PRACK, and its SDP is early media (RFC 3262)', async () => {
  const { wic, transport } = await phone();
  const call = wic.call('bob');
  const invite = await transport.take('INVITE');
  const progress = answerTo(invite, 183, { sdp: ANSWER, headers: [['Require', '100rel'], ['RSeq', '41']] });
  await transport.deliver(progress);
  const prack = await transport.take('PRACK');
  assert.equal(prack.get('RAck'), `41 ${invite.cseq.number} INVITE`);
  assert.equal(prack.get('Authorization'), 'Bearer token1');
  await transport.deliver(progress);
  await transport.nothing();
  assert.equal(call.earlyMedia, true);
  assert.equal(FakePeerConnection.made[0].signalingState, 'have-remote-pranswer');
  await transport.deliver(answerTo(invite, 200));
  await transport.take('ACK');
  assert.equal(FakePeerConnection.made[0].signalingState, 'stable');
});

test('an UPDATE with an offer before the answer is answered (RFC 3311)', async () => {
  const { wic, transport } = await phone();
  wic.call('bob');
  const invite = await transport.take('INVITE');
  await transport.deliver(answerTo(invite, 183, { sdp: ANSWER, headers: [['Require', '100rel'], ['RSeq', '1']] }));
  await transport.take('PRACK');
  const update = requestFrom('UPDATE', { callId: invite.callId, from: `<sip:bob@${HOME}>;tag=far`, to: invite.get('From'), sdp: ANSWER });
  await transport.deliver(update);
  const answer = await transport.take('200 UPDATE');
  assert.match(answer.sdp, /m=audio/);
  await transport.deliver(answerTo(invite, 200));
  await transport.take('ACK');
  assert.equal(FakePeerConnection.made[0].signalingState, 'stable');
});

test('hanging up before the answer cancels, and not before a provisional response (RFC 3261 §9.1)', async () => {
  const { wic, transport } = await phone();
  const call = wic.call('bob');
  const invite = await transport.take('INVITE');
  call.hangUp();
  assert.equal(call.state, 'ended');
  await transport.nothing();
  await transport.deliver(Message.responseTo(invite, 100, 'Trying'));
  const cancel = await transport.take('CANCEL');
  assert.equal(cancel.via.branch, invite.via.branch);
  assert.equal(cancel.get('Authorization'), 'Bearer token1');
  assert.deepEqual(cancel.values('Route'), invite.values('Route'));
  await transport.deliver(Message.responseTo(cancel, 200, 'OK', 'x'));
  await transport.deliver(answerTo(invite, 487));
  const ack = await transport.take('ACK');
  assert.equal(ack.via.branch, invite.via.branch);
  assert.equal(ack.get('Authorization'), 'Bearer token1');
});

test('an answer that crosses the CANCEL is ended with BYE', async () => {
  const { wic, transport } = await phone();
  const call = wic.call('bob');
  const invite = await transport.take('INVITE');
  await transport.deliver(answerTo(invite, 180));
  call.hangUp();
  await transport.take('CANCEL');
  await transport.deliver(answerTo(invite, 200, { sdp: ANSWER }));
  await transport.take('ACK');
  await transport.take('BYE');
  await transport.nothing();
});

test('each refusal has its code and its words', async () => {
  const expected = {
    380: ['emergency', 'This phone cannot call emergency services. Use another phone.'],
    404: ['unknown_number', 'There is no such name or number.'],
    408: ['no_answer', 'Bob did not answer.'],
    480: ['unreachable', 'Bob cannot be reached right now.'],
    486: ['busy', 'Bob is busy.'],
    488: ['incompatible', 'Bob has no audio or video format in common with this phone.'],
    503: ['service_down', 'The service is busy or down. Try again in a moment.'],
    603: ['declined', 'Bob declined the call.'],
  };
  for (const [status, [code, words]] of Object.entries(expected)) {
    const { wic, transport } = await phone();
    const call = wic.call('bob');
    const invite = await transport.take('INVITE');
    await transport.deliver(answerTo(invite, Number(status)));
    await transport.take('ACK');
    assert.equal(call.failure?.code, code, status);
    assert.equal(call.failure?.message, words);
    assert.equal(call.failure?.status, Number(status));
  }
});

test('no response at all ends the call after 64*T1 = 128 s (TS 24.229 table 7.7.1)', async () => {
  const { wic, transport, clock } = await phone({ tokenLife: 100_000 });
  const call = wic.call('bob');
  await transport.take('INVITE');
  await clock.advance(127_000);
  assert.equal(call.state, 'calling');
  await clock.advance(2_000);
  assert.equal(call.failure?.code, 'no_answer');
});

test('an emergency number is never tried (TS 24.371 §7.2.4)', async () => {
  const { wic, transport } = await phone();
  for (const target of ['112', '911', '1-1-2', 'tel:112', 'urn:service:sos', 'URN:service:SOS.fire', `sip:112@${HOME};user=phone`]) {
    assert.throws(() => wic.call(target), { code: 'emergency', message: 'This phone cannot call emergency services. Use another phone.' }, target);
  }
  await transport.nothing();
});

test('nobody can call himself', async () => {
  const { wic, transport } = await phone();
  for (const target of ['alice', 'Alice', ` sip:alice@${HOME} `, '+1 555-0100', 'tel:+15550100', `sip:+15550100@${HOME};user=phone`]) {
    assert.throws(() => wic.call(target), { code: 'yourself' }, target);
  }
  await transport.nothing();
});

test('without a microphone there is no call, without a camera there is one', async () => {
  const { wic, transport, devices } = await phone();
  devices.refuse.audio = 'NotFoundError';
  const failed = wic.call('bob');
  await settle();
  assert.equal(failed.failure?.code, 'no_microphone');
  devices.refuse.audio = 'NotAllowedError';
  const refused = wic.call('bob');
  await settle();
  assert.equal(refused.failure?.code, 'microphone_refused');
  await transport.nothing();
  devices.refuse = { audio: '', video: 'NotFoundError' };
  const call = wic.call('bob', { video: true });
  const notices = [];
  call.on('notice', (failure) => notices.push(failure.code));
  const invite = await transport.take('INVITE');
  assert.deepEqual(notices, ['no_camera']);
  assert.match(invite.sdp, /m=video[^]*a=recvonly/);
});

test('candidates are waited for, but not for ever', async () => {
  const { wic, transport, clock } = await phone();
  wic.call('bob');
  FakePeerConnection.made[0].gathers = false;
  await clock.advance(1_900);
  await transport.nothing();
  await clock.advance(200);
  await transport.take('INVITE');
});

test('422 is answered with a longer session (RFC 4028 §7.3)', async () => {
  const { wic, transport } = await phone();
  wic.call('bob');
  const invite = await transport.take('INVITE');
  await transport.deliver(answerTo(invite, 422, { headers: [['Min-SE', '3600']] }));
  await transport.take('ACK');
  const again = await transport.take('INVITE');
  assert.equal(again.get('Session-Expires'), '3600');
  assert.equal(again.get('Min-SE'), '3600');
  assert.equal(again.callId, invite.callId);
  assert.equal(again.cseq.number, invite.cseq.number + 1);
});

test('hold and resume are offers with directions, and mute the microphone (RFC 3264 §8.4)', async () => {
  const { call, transport, devices } = await connected();
  const holding = call.setHeld(true);
  const hold = await transport.take('INVITE');
  assert.match(hold.sdp, /a=sendonly/);
  assert.match(hold.sdp, /a=3ge2ae:requested/);
  assert.equal(hold.get('Authorization'), 'Bearer token1');
  await transport.deliver(answerTo(hold, 200, { sdp: ANSWER.replace('sendrecv', 'recvonly') }));
  await transport.take('ACK');
  await holding;
  assert.equal(call.held, true);
  assert.equal(devices.opened[0].enabled, false);
  const resuming = call.setHeld(false);
  const resume = await transport.take('INVITE');
  assert.match(resume.sdp, /a=sendrecv/);
  await transport.deliver(answerTo(resume, 200, { sdp: ANSWER }));
  await transport.take('ACK');
  await resuming;
  assert.equal(call.held, false);
  assert.equal(devices.opened[0].enabled, true);
});

test('a refused hold is taken back', async () => {
  const { call, transport, pc } = await connected();
  const refused = assert.rejects(call.setHeld(true), { code: 'change_refused' });
  const hold = await transport.take('INVITE');
  await transport.deliver(answerTo(hold, 488));
  await transport.take('ACK');
  await refused;
  assert.equal(call.held, false);
  assert.equal(pc.signalingState, 'stable');
  assert.equal(pc.transceivers[0].direction, 'sendrecv');
  assert.equal(call.state, 'connected');
});

test('glare: 491 makes our offer wait, and their offer meets 491 while ours is open (RFC 3261 §14)', async () => {
  const { call, transport, clock, far, pc } = await connected();
  const holding = call.setHeld(true);
  const hold = await transport.take('INVITE');
  await transport.deliver(far('INVITE', { cseq: 5, sdp: HELD }));
  await transport.take('491 INVITE');
  await transport.deliver(answerTo(hold, 491));
  await transport.take('ACK');
  assert.equal(pc.signalingState, 'stable');
  await clock.advance(2_000);
  await transport.nothing();
  await clock.advance(2_000);
  const again = await transport.take('INVITE');
  assert.match(again.sdp, /a=sendonly/);
  await transport.deliver(answerTo(again, 200, { sdp: ANSWER }));
  await transport.take('ACK');
  await holding;
});

test('the far end holds and resumes; its 2xx is sent again until the ACK', async () => {
  const { call, transport, far, clock } = await connected();
  await transport.deliver(far('INVITE', { cseq: 5, sdp: HELD }));
  const answer = await transport.take('200 INVITE');
  assert.match(answer.sdp, /m=audio/);
  assert.equal(call.heldByRemote, true);
  await clock.advance(2_100);
  await transport.take('200 INVITE');
  await transport.deliver(far('ACK', { cseq: 5 }));
  await clock.advance(60_000);
  assert.equal(transport.sent.filter(({ status }) => status === 200).length, 0);
  await transport.deliver(far('INVITE', { cseq: 6, sdp: ANSWER }));
  await transport.take('200 INVITE');
  assert.equal(call.heldByRemote, false);
});

test('an offer that cannot be served gets 488 and the call goes on', async () => {
  const { call, transport, far } = await connected();
  await transport.deliver(far('INVITE', { cseq: 5, sdp: `${ANSWER}a=unacceptable\r\n` }));
  await transport.take('488 INVITE');
  assert.equal(call.state, 'connected');
});

test('a request older than one already seen gets 500 (RFC 3261 §12.2.2)', async () => {
  const { transport, far } = await connected();
  await transport.deliver(far('INFO', { cseq: 9 }));
  await transport.take('200 INFO');
  await transport.deliver(far('INFO', { cseq: 8 }));
  await transport.take('500 INFO');
});

test('DTMF goes as telephone-event, and by INFO where there is none', async () => {
  const { call, transport, pc } = await connected();
  call.sendTones('5');
  call.sendTones('#');
  assert.equal(pc.transceivers[0].sender.dtmf.toneBuffer, '5#');
  await transport.nothing();
  pc.transceivers[0].sender.dtmf.canInsertDTMF = false;
  call.sendTones('9');
  const info = await transport.take('INFO');
  assert.equal(info.get('Content-Type'), 'application/dtmf-relay');
  assert.match(info.body, /^Signal=9\r\nDuration=160\r\n$/);
});

test('as refresher we send UPDATE at half the interval (RFC 4028 §10)', async () => {
  const { wic, transport, clock } = await phone({ tokenLife: 100_000 });
  wic.call('bob');
  const invite = await transport.take('INVITE');
  const headers = [['Session-Expires', '100;refresher=uac'], ['Require', 'timer'], ['Allow', 'INVITE, UPDATE']];
  await transport.deliver(answerTo(invite, 200, { sdp: ANSWER, headers }));
  await transport.take('ACK');
  await clock.advance(49_000);
  await transport.nothing();
  await clock.advance(2_000);
  const update = await transport.take('UPDATE');
  assert.equal(update.get('Session-Expires'), '100;refresher=uac');
  await transport.deliver(answerTo(update, 200, { headers }));
  await clock.advance(51_000);
  await transport.take('UPDATE');
});

test('when the far end does not refresh, the call ends shortly before the interval does', async () => {
  const { wic, transport, clock } = await phone({ tokenLife: 100_000 });
  const call = wic.call('bob');
  const invite = await transport.take('INVITE');
  await transport.deliver(answerTo(invite, 200, { sdp: ANSWER, headers: [['Session-Expires', '300;refresher=uas']] }));
  await transport.take('ACK');
  await clock.advance(267_000);
  assert.equal(call.state, 'connected');
  await clock.advance(2_000);
  assert.match((await transport.take('BYE')).get('Reason') ?? '', /cause=408/);
  assert.equal(call.failure?.code, 'session_expired');
});

test('a call from outside: ring, answer, ACK, and the BYE waits for the ACK', async () => {
  const { wic, transport } = await phone();
  const incoming = [];
  wic.on('incoming', (call) => incoming.push(call));
  await transport.deliver(requestFrom('INVITE', { sdp: ANSWER }));
  const ringing = await transport.take('180 INVITE');
  assert.equal(incoming[0].who, 'Bob');
  await incoming[0].answer();
  const ok = await transport.take('200 INVITE');
  assert.equal(ok.address('To')?.tag, ringing.address('To')?.tag);
  assert.match(ok.get('Contact') ?? '', /;ob>/);
  assert.deepEqual(ok.values('Record-Route'), ['<sip:edge.example.net;lr>']);
  assert.equal(incoming[0].state, 'connected');
  incoming[0].hangUp();
  await transport.nothing();
  await transport.deliver(requestFrom('ACK', { to: ok.get('To') }));
  await transport.take('BYE');
});

test('an offer that was protected at the edge is answered in kind (TS 24.371 §7.2.3)', async () => {
  const { wic, transport } = await phone();
  let call;
  wic.on('incoming', (incoming) => (call = incoming));
  await transport.deliver(requestFrom('INVITE', { sdp: `${ANSWER}a=3ge2ae:applied\r\n` }));
  await transport.take('180 INVITE');
  await call.answer();
  const { sdp } = await transport.take('200 INVITE');
  assert.deepEqual(sdp.match(/^m=.*/gm), ['m=audio 40000 UDP/TLS/RTP/SAVPF 0']);
  assert.match(sdp, /^a=setup:active\r$/m);
  assert.doesNotMatch(sdp, /3ge2ae/);
});

test('the caller is who the network says (RFC 3325 §8)', async () => {
  const { wic, transport } = await phone();
  const incoming = [];
  wic.on('incoming', (call) => incoming.push(call.who));
  await transport.deliver(requestFrom('INVITE', { sdp: ANSWER, headers: [['P-Asserted-Identity', `<sip:mallory@${HOME}>, <tel:+1555>`]] }));
  assert.deepEqual(incoming, ['Mallory']);
});

test('reject is 603, a second caller hears 486', async () => {
  const { wic, transport } = await phone();
  const incoming = [];
  wic.on('incoming', (call) => incoming.push(call));
  await transport.deliver(requestFrom('INVITE', { sdp: ANSWER }));
  await transport.take('180 INVITE');
  await transport.deliver(requestFrom('INVITE', { sdp: ANSWER, callId: 'second' }));
  await transport.take('486 INVITE');
  incoming[0].reject();
  await transport.take('603 INVITE');
  assert.equal(incoming[0].failure, null);
  assert.deepEqual(wic.calls, []);
});

test('a cancelled call says whether another phone took it (RFC 3326)', async () => {
  for (const [reason, code] of [['', 'missed'], ['SIP;cause=200;text="Call completed elsewhere"', 'answered_elsewhere']]) {
    const { wic, transport } = await phone();
    let call;
    wic.on('incoming', (incoming) => (call = incoming));
    const invite = requestFrom('INVITE', { sdp: ANSWER });
    await transport.deliver(invite);
    await transport.take('180 INVITE');
    const cancel = Message.parse(invite.toString().replace(/INVITE/g, 'CANCEL'));
    if (reason) cancel.add('Reason', reason);
    await transport.deliver(cancel);
    await transport.take('200 CANCEL');
    await transport.take('487 INVITE');
    assert.equal(call.failure.code, code);
  }
});

test('an INVITE without an offer is offered in the 2xx and answered in the ACK', async () => {
  const { wic, transport } = await phone();
  let call;
  wic.on('incoming', (incoming) => (call = incoming));
  await transport.deliver(requestFrom('INVITE'));
  await transport.take('180 INVITE');
  await call.answer();
  const ok = await transport.take('200 INVITE');
  assert.match(ok.sdp, /a=3ge2ae:requested/);
  await transport.deliver(requestFrom('ACK', { to: ok.get('To'), sdp: ANSWER }));
  assert.equal(FakePeerConnection.made[0].signalingState, 'stable');
  assert.equal(call.state, 'connected');
});

test('100rel that is required is obeyed: 180 until PRACK (RFC 3262 §3)', async () => {
  const { transport, clock } = await phone({ tokenLife: 100_000 });
  await transport.deliver(requestFrom('INVITE', { sdp: ANSWER, headers: [['Require', '100rel']] }));
  const ringing = await transport.take('180 INVITE');
  assert.ok(ringing.has('Require', '100rel'));
  await clock.advance(2_100);
  await transport.take('180 INVITE');
  const rack = `${ringing.get('RSeq')} 1 INVITE`;
  await transport.deliver(requestFrom('PRACK', { cseq: 2, to: ringing.get('To'), headers: [['RAck', '1 1 INVITE']] }));
  await transport.take('481 PRACK');
  await transport.deliver(requestFrom('PRACK', { cseq: 3, to: ringing.get('To'), headers: [['RAck', rack]] }));
  await transport.take('200 PRACK');
  await clock.advance(60_000);
  assert.equal(transport.sent.filter(({ status }) => status === 180).length, 0);
});

test('a 2xx that is never acknowledged ends the call after 64*T1', async () => {
  const { wic, transport, clock } = await phone({ tokenLife: 100_000 });
  let call;
  wic.on('incoming', (incoming) => (call = incoming));
  await transport.deliver(requestFrom('INVITE', { sdp: ANSWER }));
  await call.answer();
  await clock.advance(140_000);
  assert.equal(call.failure.code, 'session_expired');
  assert.equal(transport.sent.at(-1)?.method, 'BYE');
});

test('an unknown extension, method or dialog is refused as RFC 3261 §8.2 says', async () => {
  const { transport } = await phone();
  await transport.deliver(requestFrom('INVITE', { headers: [['Require', 'precondition']] }));
  assert.equal((await transport.take('420 INVITE')).get('Unsupported'), 'precondition');
  await transport.deliver(requestFrom('MESSAGE'));
  assert.match((await transport.take('405 MESSAGE')).get('Allow') ?? '', /INVITE/);
  await transport.deliver(requestFrom('BYE', { to: '<sip:alice@x>;tag=none' }));
  await transport.take('481 BYE');
  await transport.deliver(requestFrom('OPTIONS'));
  await transport.take('200 OPTIONS');
});

test('a lost WebSocket leaves the call alone, and what was asked meanwhile leaves after the REGISTER', async () => {
  const { call, transport, wic } = await connected();
  transport.lose();
  assert.equal(wic.status, 'reconnecting');
  assert.equal(call.state, 'connected');
  call.hangUp();
  await transport.nothing();
  transport.restore();
  const register = await transport.take('REGISTER');
  await transport.nothing();
  await transport.deliver(registered(register));
  await transport.take('BYE');
});

test('a network that stays away ends the call in words', async () => {
  const { call, transport, clock } = await connected({ tokenLife: 100_000 });
  transport.lose();
  await clock.advance(59_000);
  assert.equal(call.state, 'connected');
  await clock.advance(2_000);
  assert.equal(call.failure?.code, 'network_gone');
});

test('media that fails is restored by an ICE restart, or the call ends', async () => {
  const { call, transport, pc, clock } = await connected({ tokenLife: 100_000 });
  const flows = [];
  call.on('media', (value) => flows.push(value));
  pc.connection('failed');
  const restart = await transport.take('INVITE');
  assert.equal(pc.restarts, 1);
  await transport.deliver(answerTo(restart, 200, { sdp: ANSWER }));
  await transport.take('ACK');
  pc.connection('connected');
  await clock.advance(30_000);
  assert.deepEqual(flows, [false, true]);
  assert.equal(call.state, 'connected');
  pc.connection('failed');
  await clock.advance(21_000);
  assert.equal(call.failure?.code, 'media_failed');
});

test('an answer that the browser refuses ends the call on both sides', async () => {
  const { wic, transport } = await phone();
  const call = wic.call('bob');
  const invite = await transport.take('INVITE');
  await transport.deliver(answerTo(invite, 200, { sdp: `${ANSWER}a=unacceptable\r\n` }));
  await transport.take('ACK');
  assert.match((await transport.take('BYE')).get('Reason') ?? '', /cause=488/);
  assert.ok(call.failure instanceof Failure);
  assert.equal(call.failure.code, 'incompatible');
});

test('an answer to a re-INVITE that cannot be followed ends the call', async () => {
  const { call, transport } = await connected();
  const holding = call.setHeld(true);
  const hold = await transport.take('INVITE');
  await transport.deliver(answerTo(hold, 200, { sdp: `${ANSWER}a=unacceptable\r\n` }));
  await transport.take('ACK');
  assert.match((await transport.take('BYE')).get('Reason') ?? '', /cause=488/);
  await holding;
  assert.equal(call.failure?.code, 'incompatible');
});

test('a 401 inside the dialog is answered with a new token, a higher CSeq and the same offer (RFC 8898)', async () => {
  const { call, transport } = await connected();
  const holding = call.setHeld(true);
  const first = await transport.take('INVITE');
  const expired = answerTo(first, 401, { headers: [['WWW-Authenticate', 'Bearer realm="ims", error="invalid_token"']] });
  await transport.deliver(expired);
  await transport.take('ACK');
  // The binding is renewed with the new token as well.
  assert.equal((await transport.take('REGISTER')).get('Authorization'), 'Bearer token2');
  const second = await transport.take('INVITE');
  assert.equal(second.get('Authorization'), 'Bearer token2');
  assert.equal(second.cseq.number, first.cseq.number + 1);
  assert.equal(second.sdp, first.sdp);
  await transport.deliver(answerTo(second, 200, { sdp: ANSWER }));
  assert.equal((await transport.take('ACK')).cseq.number, second.cseq.number);
  await holding;
});

test('another microphone or camera takes its place without an offer', async () => {
  const { call, transport, devices, pc } = await connected();
  await call.media.useMicrophone('usb');
  assert.equal(pc.transceivers[0].sender.track, devices.opened[1]);
  assert.equal(devices.opened[0].readyState, 'ended');
  await transport.nothing();
  devices.refuse.audio = 'NotReadableError';
  await assert.rejects(call.media.useMicrophone('gone'), { code: 'microphone_in_use' });
  assert.equal(pc.transceivers[0].sender.track, devices.opened[1]);
  assert.equal(devices.opened[1].readyState, 'live');
});

test('a muted call stays muted through hold and another microphone', async () => {
  const { call, devices } = await connected();
  call.setMuted(true);
  assert.equal(devices.opened[0].enabled, false);
  await call.media.useMicrophone('usb');
  assert.equal(devices.opened[1].enabled, false);
  call.setMuted(false);
  assert.equal(devices.opened[1].enabled, true);
});

test('a video call is answered with or without our camera', async () => {
  const video = `${ANSWER}m=video 5002 UDP/TLS/RTP/SAVPF 96\r\na=setup:actpass\r\na=rtcp-mux\r\na=sendrecv\r\n`;
  for (const [options, cameras] of [[{}, 1], [{ video: false }, 0]]) {
    const { wic, transport, devices } = await phone();
    let call;
    wic.on('incoming', (incoming) => (call = incoming));
    await transport.deliver(requestFrom('INVITE', { sdp: video }));
    await transport.take('180 INVITE');
    assert.equal(call.offersVideo, true);
    await call.answer(options);
    const answer = (await transport.take('200 INVITE')).sdp;
    assert.equal(devices.opened.filter(({ kind }) => kind === 'video').length, cameras);
    assert.match(answer, cameras ? /m=video[^]*a=sendrecv/ : /m=video[^]*a=recvonly/);
    assert.equal(call.cameraOn, cameras === 1);
  }
});

test('a caller whose phone finds no microphone is told at once', async () => {
  const { wic, transport, devices } = await phone();
  let call;
  wic.on('incoming', (incoming) => (call = incoming));
  devices.refuse.audio = 'NotAllowedError';
  await transport.deliver(requestFrom('INVITE', { sdp: ANSWER }));
  await transport.take('180 INVITE');
  await call.answer();
  await transport.take('480 INVITE');
  assert.equal(call.failure.code, 'microphone_refused');
});

test('garbage and strangers on the connection disturb nothing', async () => {
  const { call, transport } = await connected();
  for (const text of ['hello', '\r\n\r\n\r\n', 'SIP/2.0 200 OK\r\n\r\n', requestFrom('BYE').toString().replace('From: ', 'From: <')]) {
    transport.dispatchEvent(new CustomEvent('message', { detail: text }));
  }
  await transport.nothing();
  assert.equal(call.state, 'connected');
});

test('a transfer by REFER or Replaces is refused, and the call goes on', async () => {
  const { call, transport, far } = await connected();
  await transport.deliver(far('REFER', { cseq: 10, headers: [['Refer-To', `<sip:carol@${HOME}>`]] }));
  assert.match((await transport.take('405 REFER')).get('Allow') ?? '', /INVITE/);
  await transport.deliver(requestFrom('INVITE', { sdp: ANSWER, headers: [['Require', 'replaces'], ['Replaces', `${call.dialog.callId};to-tag=a;from-tag=b`]] }));
  assert.equal((await transport.take('420 INVITE')).get('Unsupported'), 'replaces');
  assert.equal(call.state, 'connected');
});

test('who takes the call over is told, and who is asserted by another name is the same (RFC 3325 §9.1)', async () => {
  const { call, transport, far } = await connected();
  const told = [];
  call.on('party', () => told.push(call.who));
  let cseq = 10;
  const asserts = async (value) => {
    cseq += 1;
    await transport.deliver(far('UPDATE', { cseq, headers: [['P-Asserted-Identity', value]] }));
    await transport.take('200 UPDATE');
  };
  // The first word of it, another kind of name, both.
  for (const value of [`"Bob" <sip:bob@${HOME}>`, '<tel:+15550101>', `<sip:bob@${HOME.toUpperCase()}>`, `<sip:bob@${HOME}>, <tel:+15550101>`, 'nonsense']) await asserts(value);
  assert.deepEqual(told, []);
  assert.equal(call.who, 'Bob');
  await asserts(`"Carol" <sip:carol@${HOME}>, <tel:+15550102>`);
  assert.deepEqual(told, ['Carol']);
  await asserts('<tel:+15550102>');
  assert.deepEqual(told, ['Carol']);
  await asserts('<tel:+15550101>');
  assert.equal(told.length, 2);
  assert.equal(call.state, 'connected');
});
