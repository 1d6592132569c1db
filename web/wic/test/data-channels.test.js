import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readData } from '../lib/data/sdp.js';
import { settle } from './support/clock.js';
import { FakeDevices, FakePeerConnection } from './support/peer-connection.js';
import { ANSWER, answerTo, connected, phone, registered, requestFrom } from './support/phone.js';

/** The far end's description with these lines in an m-line of data channels; port 0 if there are none to be. */
const withData = (lines, port = lines === null ? 0 : 5004) =>
  `${ANSWER}m=application ${port} UDP/DTLS/SCTP webrtc-datachannel\r\na=setup:passive\r\na=sctp-port:5000\r\n${(lines ?? []).map((line) => `a=${line}\r\n`).join('')}`;

const maps = (message) => [...message.sdp.matchAll(/^a=(dcmap|dcsa|3gpp-req-app|3gpp-qos-hint):(.*?)\r$/gm)].map(([, name, value]) => `${name}:${value}`);

/** What becomes of a channel, in order. */
function watch(channel) {
  const seen = [];
  for (const type of ['open', 'message', 'bufferedamountlow', 'closing', 'error', 'close']) channel.on(type, (detail) => seen.push(detail?.code ?? type));
  return seen;
}

/** Bob's answer to the re-INVITE that is due. */
async function answer({ transport }, lines) {
  const offer = await transport.take('INVITE');
  await transport.deliver(answerTo(offer, 200, { sdp: withData(lines) }));
  await transport.take('ACK');
  return maps(offer);
}

/** Bob's offer, and what alice answers. */
async function offered({ transport, far }, cseq, lines, method = 'INVITE') {
  await transport.deliver(far(method, { cseq, sdp: withData(lines) }));
  const response = await transport.take(`200 ${method}`);
  if (method === 'INVITE') await transport.deliver(far('ACK', { cseq }));
  return response;
}

/** A call with a channel that is open. */
async function withChannel(init = { label: 'chat' }) {
  const made = await connected();
  const channel = made.call.openChannel(init);
  const [map] = await answer(made, [`dcmap:${channel.id}`]);
  made.pc.associate();
  await channel.opened;
  return { ...made, channel, map };
}

test('an offer has an m-line for data channels when one is opened, and not before (TS 24.371 §8.2.2)', async () => {
  const made = await connected();
  assert.doesNotMatch(made.invite.sdp, /m=application/);
  made.call.openChannel();
  const { sdp } = await made.transport.take('INVITE');
  assert.match(sdp, /^m=application \d+ UDP\/DTLS\/SCTP webrtc-datachannel\r$/m);
  assert.match(sdp, /^a=sctp-port:5000\r$/m);
});

test('an offer with data channels is answered with them (TS 24.371 §8.2.3)', async () => {
  for (const proto of ['UDP/DTLS/SCTP', 'TCP/DTLS/SCTP']) {
    const made = await connected();
    made.call.on('channelrequest', (request) => request.accept());
    const offer = withData(['dcmap:1001']).replace('UDP/DTLS/SCTP', proto);
    await made.transport.deliver(made.far('INVITE', { cseq: 10, sdp: offer }));
    const { sdp } = await made.transport.take('200 INVITE');
    assert.match(sdp, /^m=application [1-9]\d* \S+ webrtc-datachannel\r$/m);
    assert.match(sdp, /^a=sctp-port:5000\r$/m);
    assert.match(sdp, /^a=dcmap:1001\r$/m);
  }
});

test('a channel is offered in SDP, agreed, and opens when the association is up (RFC 8864 §6.3, §6.5)', async () => {
  const made = await connected();
  const channel = made.call.openChannel({ label: 'a "chat"', protocol: 'x', ordered: false, maxRetransmits: 3, attributes: ['fmtp:x y'], application: { id: 'app', endpoint: 'server' }, qosHint: 'loss=0.01;latency=100' });
  const seen = watch(channel);
  assert.equal(channel.id, 1000);
  assert.equal(channel.readyState, 'connecting');
  assert.throws(() => channel.send('too early'), { name: 'InvalidStateError' });
  assert.deepEqual(await answer(made, ['dcmap:1000 label="a %22chat%22"', 'dcsa:1000 theirs']), [
    '3gpp-qos-hint:loss=0.01;latency=100', 'dcmap:1000 subprotocol="x";label="a %22chat%22";ordered=false;max-retr=3', 'dcsa:1000 fmtp:x y', '3gpp-req-app:app;adc-stream-id-endpoint=1000:Server',
  ]);
  assert.doesNotMatch(made.pc.localDescription.sdp, /dcmap/, 'the browser has no part in it');
  const [native] = made.pc.channels;
  assert.deepEqual([native.negotiated, native.id, native.ordered, native.maxRetransmits, native.protocol], [true, 1000, false, 3, 'x']);
  assert.equal(channel.readyState, 'connecting');
  made.pc.associate();
  assert.equal(await channel.opened, channel);
  assert.deepEqual(channel.remoteAttributes, ['theirs']);
  channel.send('hello');
  assert.deepEqual(native.sent, ['hello']);
  native.receives('hi');
  assert.deepEqual(seen, ['open', 'message']);
});

test('a channel that the far end is asked about lets a change go first, and is asked about again', async () => {
  const made = await connected();
  const { call, transport } = made;
  const channel = call.openChannel({ label: 'board' });
  const invite = await transport.take('INVITE');
  assert.deepEqual(maps(invite), ['dcmap:1000 label="board"']);
  await transport.deliver(answerTo(invite, 100));
  const held = call.setHeld(true);
  const cancel = await transport.take('CANCEL');
  await transport.deliver(answerTo(cancel, 200));
  await transport.deliver(answerTo(invite, 487));
  await transport.take('ACK');
  const hold = await transport.take('INVITE');
  assert.doesNotMatch(hold.sdp, /m=application [1-9]/);
  assert.match(hold.sdp, /a=sendonly/);
  await transport.deliver(answerTo(hold, 200, { sdp: ANSWER.replace('sendrecv', 'recvonly') }));
  await transport.take('ACK');
  await held;
  assert.equal(channel.readyState, 'connecting');
  assert.deepEqual(await answer(made, ['dcmap:1000 label="board"']), ['dcmap:1000 label="board"']);
  made.pc.associate();
  assert.equal(await channel.opened, channel);
  await transport.nothing();
});

test('what comes before the answer is kept for when the channel is open (RFC 8864 §6)', async () => {
  const made = await withChannel();
  const second = made.call.openChannel();
  const heard = [];
  second.on('open', () => heard.push('open'));
  second.on('message', (data) => heard.push(data));
  const offer = await made.transport.take('INVITE');
  await settle();
  made.pc.channels[1].receives('early');
  assert.deepEqual(heard, []);
  await made.transport.deliver(answerTo(offer, 200, { sdp: withData(['dcmap:1000', `dcmap:${second.id}`]) }));
  await settle();
  assert.deepEqual(heard, ['open', 'early']);
});

test('early media may have the channels of the offer: they are open while it rings (TS 26.114 §6.2.10)', async () => {
  const { wic, transport } = await phone();
  const call = wic.call('bob');
  const [early, late] = [call.openChannel({ id: 0, protocol: 'http' }), call.openChannel({ id: 10, protocol: 'http' })];
  const invite = await transport.take('INVITE');
  assert.deepEqual(maps(invite), ['dcmap:0 subprotocol="http"', 'dcmap:10 subprotocol="http"']);
  await transport.deliver(answerTo(invite, 183, { sdp: withData(['dcmap:0 subprotocol="http"']) }));
  const [pc] = FakePeerConnection.made;
  pc.associate();
  await early.opened;
  assert.deepEqual([call.state, early.readyState, late.readyState], ['calling', 'open', 'connecting']);
  // Whoever answers then may be another one.
  await transport.deliver(answerTo(invite, 200, { sdp: withData(['dcmap:10 subprotocol="http"']) }));
  await transport.take('ACK');
  await settle();
  assert.deepEqual([call.state, early.readyState, late.readyState], ['connected', 'closed', 'open']);
});

test('early media without the channels says nothing of them', async () => {
  const { wic, transport } = await phone();
  const call = wic.call('bob');
  const channel = call.openChannel({ id: 0, protocol: 'http' });
  const invite = await transport.take('INVITE');
  await transport.deliver(answerTo(invite, 183, { sdp: withData(null) }));
  await settle();
  assert.equal(channel.readyState, 'connecting');
  await transport.deliver(answerTo(invite, 200, { sdp: withData(null) }));
  await transport.take('ACK');
  await settle();
  assert.equal(channel.failure.code, 'channels_unsupported');
});

test('what comes before the answer has an end', async () => {
  const made = await connected();
  const channel = made.call.openChannel();
  await made.transport.take('INVITE');
  await settle();
  for (let i = 0; i < 5; i += 1) made.pc.channels[0].receives(new ArrayBuffer(256 * 1024));
  assert.equal(channel.failure.code, 'channel_failed');
});

test('channels that are opened at once go into one offer, and those that are left out of the answer are refused', async () => {
  const made = await connected();
  const [yes, no] = [made.call.openChannel({ label: 'yes' }), made.call.openChannel({ label: 'no' })];
  const seen = watch(no);
  assert.deepEqual(await answer(made, ['dcmap:1000 label="yes"']), ['dcmap:1000 label="yes"', 'dcmap:1002 label="no"']);
  await assert.rejects(no.opened, { code: 'channel_refused' });
  assert.deepEqual(seen, ['channel_refused', 'channel_refused'], 'error and close');
  assert.equal(yes.agreed, true);
  assert.deepEqual(made.call.channels, [yes]);
  await made.transport.nothing();
});

test('a far end without data channels says so by port 0 or by 488, and the call goes on', async () => {
  const made = await connected();
  const first = made.call.openChannel();
  await answer(made, null);
  await assert.rejects(first.opened, { code: 'channels_unsupported', message: 'Bob’s phone cannot exchange data in this call.' });
  const second = made.call.openChannel();
  await settle();
  const offer = await made.transport.take('INVITE');
  await made.transport.deliver(answerTo(offer, 488));
  await made.transport.take('ACK');
  await assert.rejects(second.opened, { code: 'channels_unsupported' });
  assert.equal(made.call.state, 'connected');
  assert.deepEqual(made.call.channels, []);
});

test('a channel of the far end is offered to whoever listens, and answered word for word (RFC 8864 §6.4)', async () => {
  const made = await connected();
  const asked = [];
  made.call.on('channelrequest', (request) => {
    asked.push([request.id, request.label, request.protocol, request.attributes, request.application]);
    if (request.label === 'chat') request.accept({ attributes: ['ours'] });
  });
  const lines = ['dcmap:1001 label="chat" ; priority=512', 'dcsa:1001 theirs', 'dcmap:7 subprotocol="other"', '3gpp-req-app:menu;x=y'];
  const response = await offered(made, 10, lines);
  assert.deepEqual(asked, [[1001, 'chat', '', ['theirs'], { id: 'menu', endpoint: 'ue' }], [7, '', 'other', [], { id: 'menu', endpoint: 'ue' }]]);
  assert.deepEqual(maps(response), ['dcmap:1001 label="chat" ; priority=512', 'dcsa:1001 ours', '3gpp-req-app:menu;x=y']);
  const [channel] = made.call.channels;
  made.pc.associate();
  await channel.opened;
  assert.equal(channel.priority, 512);
  assert.equal(channel.application.id, 'menu');
  // Once more as it is: nobody is asked again.
  assert.deepEqual(maps(await offered(made, 11, ['dcmap:1001 label="chat" ; priority=512'])), ['dcmap:1001 label="chat" ; priority=512', 'dcsa:1001 ours']);
  assert.equal(asked.length, 2);
});

test('where nobody wants the channels, their m-line gets port 0, and the sound goes on', async () => {
  const made = await connected();
  const response = await offered(made, 10, ['dcmap:1001 label="chat"']);
  assert.equal(readData(response.sdp).refused, true);
  assert.match(response.sdp, /m=audio 40000/);
  assert.equal(made.call.state, 'connected');
  // A later one is taken all the same, in the same place.
  made.call.on('channelrequest', (request) => request.accept());
  assert.deepEqual(maps(await offered(made, 11, ['dcmap:1003'])), ['dcmap:1003']);
});

test('who asks a person has half a minute, and an offer that is taken back meanwhile is answered 487', async () => {
  const made = await connected();
  let asked = null;
  made.call.on('channelrequest', (request) => {
    asked = request;
    request.wait();
  });
  await made.transport.deliver(made.far('INVITE', { cseq: 10, sdp: withData(['dcmap:1001']) }));
  await made.transport.nothing();
  await made.clock.advance(29_000);
  await made.transport.take('100 INVITE');
  asked.accept();
  assert.deepEqual(maps(await made.transport.take('200 INVITE')), ['dcmap:1001']);
  await made.transport.deliver(made.far('ACK', { cseq: 10 }));
  await made.transport.deliver(made.far('INVITE', { cseq: 11, sdp: withData(['dcmap:1001', 'dcmap:1003']) }));
  await made.clock.advance(30_000);
  await made.transport.take('100 INVITE');
  assert.deepEqual(maps(await made.transport.take('200 INVITE')), ['dcmap:1001'], 'nobody decided');
  await made.transport.deliver(made.far('ACK', { cseq: 11 }));
  const third = made.far('INVITE', { cseq: 12, sdp: withData(['dcmap:1001', 'dcmap:1005']) });
  await made.transport.deliver(third);
  const cancel = made.far('CANCEL', { cseq: 12 });
  cancel.set('Via', third.get('Via'));
  await made.transport.deliver(cancel);
  await made.transport.take('200 CANCEL');
  await made.transport.take('487 INVITE');
  assert.deepEqual(made.call.channels.map(({ id }) => id), [1001]);
  // An UPDATE cannot wait (RFC 3311 §5.2).
  assert.deepEqual(maps(await offered(made, 13, ['dcmap:1001', 'dcmap:1007'], 'UPDATE')), ['dcmap:1001']);
});

test('an id that is in use is not taken for another channel', async () => {
  const made = await connected();
  made.call.on('channelrequest', (request) => request.accept());
  const ours = made.call.openChannel({ label: 'ours' });
  const offer = await made.transport.take('INVITE');
  // Both asked at once: 491, and theirs comes first, with an id that we have chosen too.
  await made.transport.deliver(answerTo(offer, 491));
  await made.transport.take('ACK');
  const response = await offered(made, 10, ['dcmap:1000 label="theirs"', 'dcmap:1001']);
  assert.deepEqual(maps(response), ['dcmap:1001']);
  await made.clock.advance(4_000);
  assert.deepEqual(await answer(made, ['dcmap:1000', 'dcmap:1001']), ['dcmap:1000 label="ours"', 'dcmap:1001']);
  made.pc.associate();
  await ours.opened;
  assert.throws(() => made.call.openChannel({ id: 1001 }), { name: 'OperationError' });
});

test('every later offer has the channels that there are: hold, and the answer to a refresh', async () => {
  const made = await withChannel();
  const held = made.call.setHeld(true);
  assert.deepEqual(await answer(made, ['dcmap:1000']), [made.map]);
  await held;
  assert.equal(made.channel.readyState, 'open');
  await made.transport.deliver(made.far('INVITE', { cseq: 10 }));
  const late = await made.transport.take('200 INVITE');
  assert.deepEqual(maps(late), [made.map]);
  await made.transport.deliver(made.far('ACK', { cseq: 10, sdp: withData(['dcmap:1000']) }));
  assert.equal(made.channel.readyState, 'open');
});

test('closing resets the stream, then takes the channel out of SDP; the id can be used again (RFC 8864 §6.6.1)', async () => {
  const made = await withChannel();
  const seen = watch(made.channel);
  made.channel.close();
  made.channel.close();
  assert.equal(made.channel.readyState, 'closing');
  assert.throws(() => made.channel.send('too late'), { name: 'InvalidStateError' });
  made.pc.channels[0].closes();
  assert.deepEqual(seen, ['close']);
  // What it sent may still be on its way between two gateways.
  await made.clock.advance(9_000);
  await made.transport.nothing();
  await made.clock.advance(1_000);
  assert.deepEqual(await answer(made, []), []);
  await made.clock.advance(60_000);
  await made.transport.nothing();
  const again = made.call.openChannel({ id: 1000 });
  await answer(made, ['dcmap:1000']);
  await again.opened;
  assert.equal(made.pc.channels.length, 2);
});

test('a channel that both ends open under one id is one channel, whoever offers it first', async () => {
  const made = await connected();
  const channel = made.call.openChannel({ id: 2000, joins: true });
  const offer = await made.transport.take('INVITE');
  await made.transport.deliver(answerTo(offer, 491));
  await made.transport.take('ACK');
  made.call.on('channelrequest', () => assert.fail('nobody is asked'));
  assert.deepEqual(maps(await offered(made, 10, ['dcmap:2000 label="theirs"'])), ['dcmap:2000 label="theirs"']);
  made.pc.associate();
  await channel.opened;
  await made.clock.advance(5_000);
  // Our own offer of it, which was refused, is made no more but as the next one in its turn.
  for (const message of made.transport.sent.splice(0)) assert.deepEqual(maps(message), ['dcmap:2000']);
});

test('what we know of data channels is in our Contact, and read in theirs', async () => {
  const made = await phone({ register: false });
  made.wic.start();
  const register = await made.transport.take('REGISTER');
  assert.match(register.get('Contact'), /;\+sip\.app-subtype="webrtc-datachannel";/);
  assert.equal(made.wic.registration.dataChannels, false);
  const answered = registered(register);
  answered.add('Feature-Caps', '*;+g.3gpp.icsi-ref="x";+g.3gpp.datachannel');
  await made.transport.deliver(answered);
  assert.equal(made.wic.registration.dataChannels, true);
  const call = made.wic.call('bob');
  const invite = await made.transport.take('INVITE');
  assert.match(invite.get('Contact'), />;\+sip\.app-subtype="webrtc-datachannel"/);
  assert.equal(call.farDataChannels, false);
  const response = answerTo(invite, 200, { sdp: ANSWER });
  response.set('Contact', '<sip:bob@192.0.2.7>;+sip.app-subtype="other,webrtc-datachannel"');
  await made.transport.deliver(response);
  assert.equal(call.farDataChannels, true);
});

test('an id that SDP still has is taken out of it before it is used again', async () => {
  const made = await withChannel();
  made.channel.close();
  made.pc.channels[0].closes();
  const again = made.call.openChannel({ id: 1000, label: 'again' });
  assert.deepEqual(await answer(made, []), []);
  assert.equal(again.readyState, 'connecting');
  assert.deepEqual(await answer(made, ['dcmap:1000']), ['dcmap:1000 label="again"']);
  await again.opened;
});

test('a far end that does not reset its side is not waited for', async () => {
  const made = await withChannel();
  made.channel.close();
  await made.clock.advance(11_000);
  assert.equal(made.channel.readyState, 'closed');
  await made.clock.advance(10_000);
  assert.deepEqual(await answer(made, []), []);
});

test('a channel that was closed is left out of the next offer there is, whatever that is for', async () => {
  const made = await withChannel();
  made.channel.close();
  made.pc.channels[0].closes();
  const held = made.call.setHeld(true);
  assert.deepEqual(await answer(made, []), []);
  await held;
  await made.clock.advance(60_000);
  await made.transport.nothing();
});

test('the far end closes by reset, and is not told what it knows', async () => {
  const made = await withChannel();
  const seen = watch(made.channel);
  made.pc.channels[0].closes();
  assert.deepEqual(seen, ['closing', 'close']);
  assert.equal(made.channel.failure, null);
  await made.transport.nothing();
});

test('the far end closes the m-line, by an offer or by its answer to ours', async () => {
  const one = await withChannel();
  const seen = watch(one.channel);
  assert.equal(readData((await offered(one, 10, null)).sdp).refused, true);
  const other = await withChannel();
  const heard = watch(other.channel);
  const held = other.call.setHeld(true);
  await answer(other, null);
  await held;
  assert.deepEqual([seen, heard], [['close'], ['close']]);
});

test('the far end closes by an offer without the channel (RFC 8864 §6.6.1)', async () => {
  const made = await withChannel();
  const seen = watch(made.channel);
  assert.deepEqual(maps(await offered(made, 10, [])), []);
  assert.deepEqual(seen, ['close']);
  assert.equal(made.pc.channels[0].readyState, 'closing', 'our side of the stream is reset too');
  await made.transport.nothing();
});

test('an association that breaks is an error; the end of the call is none', async () => {
  const broken = await withChannel();
  const seen = watch(broken.channel);
  broken.pc.channels[0].closes('the peer aborted');
  assert.deepEqual(seen, ['closing', 'channel_failed', 'channel_failed']);
  assert.equal(broken.channel.failure.code, 'channel_failed');
  const ended = await withChannel();
  const heard = watch(ended.channel);
  ended.call.hangUp();
  assert.deepEqual(heard, ['close']);
  assert.throws(() => ended.call.openChannel(), { name: 'InvalidStateError' });
});

test('back-pressure: what has not left is counted, and who sends much waits', async () => {
  const { channel, pc } = await withChannel();
  const [native] = pc.channels;
  channel.bufferedAmountLowThreshold = 100;
  assert.equal(native.bufferedAmountLowThreshold, 100);
  channel.send(new ArrayBuffer(1_000));
  assert.equal(channel.bufferedAmount, 1_000);
  let drained = false;
  const waiting = channel.drained().then(() => {
    drained = true;
  });
  await settle();
  assert.equal(drained, false);
  native.leaves();
  await waiting;
  channel.send(new ArrayBuffer(1_000));
  const never = assert.rejects(channel.drained(), { code: 'channel_failed' });
  native.closes();
  await never;
});

test('a message larger than the far end takes is refused before it is sent', async () => {
  const { channel, pc } = await withChannel();
  pc.sctp.maxMessageSize = 10;
  channel.send('ten octets');
  assert.throws(() => channel.send('more than ten'), TypeError);
  assert.throws(() => channel.send('ééééé!'), TypeError, 'octets, not letters');
  assert.throws(() => channel.send(new Uint8Array(11)), TypeError);
  assert.deepEqual(pc.channels[0].sent, ['ten octets']);
});

test('what no channel can be is refused at once', async () => {
  const { call, transport } = await connected();
  for (const init of [
    { label: 'x'.repeat(70_000) }, { protocol: 'ü'.repeat(600) }, { id: 65_535 }, { id: -1 }, { id: 1.5 }, { maxRetransmits: 1, maxPacketLifeTime: 1 },
    { maxRetransmits: -1 }, { maxPacketLifeTime: 70_000 }, { priority: 65_536 },
    { application: { id: 'a b', endpoint: 'ue' } }, { qosHint: 'loss=1\r\na=x' },
  ]) assert.throws(() => call.openChannel(init), TypeError, JSON.stringify(init).slice(0, 60));
  await transport.nothing();
  let opened = 0;
  assert.throws(() => {
    for (; opened < 10_000; opened += 1) call.openChannel();
  }, { name: 'OperationError' });
  assert.equal(opened, 256);
});

test('a call may begin with channels, and be answered with them', async () => {
  const made = await phone();
  const call = made.wic.call('bob');
  const channel = call.openChannel({ label: 'menu' });
  const invite = await made.transport.take('INVITE');
  assert.deepEqual(maps(invite), ['dcmap:1000 label="menu"']);
  await made.transport.deliver(answerTo(invite, 200, { sdp: withData(['dcmap:1000']) }));
  await made.transport.take('ACK');
  FakePeerConnection.made[0].associate();
  await channel.opened;
  await made.transport.nothing();

  const called = await phone();
  called.wic.on('incoming', (incoming) => {
    incoming.on('channelrequest', (request) => request.accept());
    void incoming.answer();
  });
  await called.transport.deliver(requestFrom('INVITE', { sdp: withData(['dcmap:1000 label="menu"']) }));
  await called.transport.take('180 INVITE');
  assert.deepEqual(maps(await called.transport.take('200 INVITE')), ['dcmap:1000 label="menu"']);
  const own = called.wic.calls[0].openChannel({ label: 'own' });
  assert.equal(own.id, 1001, 'who was called has the odd ones');
  // RFC 3261 §14.1: not before the ACK.
  await called.transport.nothing();
  await called.transport.deliver(requestFrom('ACK', { to: `<sip:alice@ims.example.net>;tag=${called.wic.calls[0].dialog.local.tag}` }));
  assert.deepEqual(maps(await called.transport.take('INVITE')), ['dcmap:1000 label="menu"', 'dcmap:1001 label="own"']);
});

test('a channel that was closed before the answer is taken out again', async () => {
  const made = await connected();
  const channel = made.call.openChannel();
  const offer = await made.transport.take('INVITE');
  channel.close();
  await assert.rejects(channel.opened);
  await made.transport.deliver(answerTo(offer, 200, { sdp: withData(['dcmap:1000']) }));
  await made.transport.take('ACK');
  await made.clock.advance(10_000);
  assert.deepEqual(await answer(made, []), []);
});

test('what is opened in band is offered like the rest, where it may come at all (RFC 8832)', async () => {
  for (const inBandChannels of [false, true]) {
    const made = await connected();
    await offered(made, 10, []);
    assert.equal(made.pc.lines.length, 2);
    made.call.hangUp();
    const createPeerConnection = (configuration) => new FakePeerConnection(configuration);
    const other = await phone({ wic: { media: () => ({ devices: new FakeDevices(), createPeerConnection, inBandChannels }) } });
    const call = other.wic.call('bob');
    const invite = await other.transport.take('INVITE');
    await other.transport.deliver(answerTo(invite, 200, { sdp: ANSWER }));
    await other.transport.take('ACK');
    call.on('channelrequest', (request) => request.accept());
    const [pc] = FakePeerConnection.made;
    const native = pc.createDataChannel('theirs', { id: 3 });
    pc.dispatchEvent(Object.assign(new Event('datachannel'), { channel: native }));
    native.opens();
    assert.deepEqual(call.channels.map(({ label, readyState }) => [label, readyState]), inBandChannels ? [['theirs', 'open']] : []);
    assert.equal(native.readyState, inBandChannels ? 'open' : 'closing');
  }
});

test('a line without channels is taken, for those that are to come', async () => {
  const made = await connected();
  await made.transport.deliver(made.far('INVITE', { cseq: 10, sdp: withData([]) }));
  await settle();
  const { sdp } = await made.transport.take('200 INVITE');
  assert.match(sdp, /^m=application [1-9]/m);
  assert.doesNotMatch(sdp, /^a=dcmap/m);
  await made.transport.deliver(made.far('ACK', { cseq: 10 }));
  const channel = made.call.openChannel({ label: 'ours' });
  const offer = await made.transport.take('INVITE');
  assert.match(offer.sdp, /^a=dcmap:1000 label="ours"/m);
  assert.equal(channel.readyState, 'connecting');
});
