import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import vm from 'node:vm';
import { ApplicationHost, EarlyChannel, frameSource, interfaces, Link } from '../ts66/index.js';
import * as names from '../ts66/names.js';
import { connected, answerTo, ANSWER } from './support/phone.js';
import { settle } from './support/clock.js';

const DATA = 'm=application 5004 UDP/DTLS/SCTP webrtc-datachannel\r\na=setup:passive\r\na=sctp-port:5000\r\n';

/** Messages of a port take a turn of the loop each way. */
async function passed() {
  for (let i = 0; i < 10; i += 1) {
    await settle();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** An application in a call, with the test as the far end. */
async function application(t, parts = {}) {
  const made = await connected();
  const host = new ApplicationHost({ call: made.call, application: { id: 'board' }, clock: made.clock, ...parts });
  const link = new Link();
  link.bind(host.port);
  t.after(() => {
    host.close();
    host.port.close();
  });
  return { ...made, host, ...interfaces(link) };
}

/** The far end's yes to all that is offered. */
async function grant({ transport, pc }, lines) {
  await passed();
  const offer = await transport.take('INVITE');
  const maps = [...offer.sdp.matchAll(/^a=dcmap:(\d+)/gm)].map(([, id]) => `a=dcmap:${id}\r\n`);
  await transport.deliver(answerTo(offer, 200, { sdp: `${ANSWER}${DATA}${(lines ?? maps).join('')}` }));
  await transport.take('ACK');
  pc.associate();
  await passed();
  return offer;
}

/** The far end offers these lines. */
async function offered({ transport, far }, cseq, lines) {
  await transport.deliver(far('INVITE', { cseq, sdp: `${ANSWER}${DATA}${lines.map((line) => `a=${line}\r\n`).join('')}` }));
  await passed();
  const answer = await transport.take('200 INVITE');
  await transport.deliver(far('ACK', { cseq }));
  return [...answer.sdp.matchAll(/^a=dcmap:(\d+)/gm)].map(([, id]) => Number(id));
}

const events = (target, ...types) => {
  const seen = [];
  for (const type of types) target.addEventListener(type, () => seen.push(type));
  return seen;
};

test('an application associates, opens a channel, and sends and hears over the call', async (t) => {
  const made = await application(t);
  const service = new made.RTCPeerSignallingService();
  assert.equal(service.state, 'new');
  await service.associate();
  assert.equal(service.state, 'associated');
  assert.deepEqual([service.appId, service.sessionState, service.sessionMedia], ['board', 'active', ['audio']]);
  const pc = new made.RTCPeerConnection({ signallingService: service });
  const channel = pc.createDataChannel('strokes', { protocol: 'x', ordered: false, maxRetransmits: 0, endpoint: 'server', qosHint: 'loss=0.1' });
  assert.ok(channel instanceof made.RTCDataChannel);
  const seen = events(channel, 'open', 'close');
  assert.equal(channel.readyState, 'connecting');
  assert.throws(() => channel.send('x'), { name: 'InvalidStateError' });
  const offer = await grant(made);
  assert.match(offer.sdp, /a=dcmap:1000 subprotocol="x";label="strokes";ordered=false;max-retr=0\r\n/);
  assert.match(offer.sdp, /a=3gpp-req-app:board;adc-stream-id-endpoint=1000:Server\r\n/);
  assert.match(offer.sdp, /a=3gpp-qos-hint:loss=0.1\r\n/);
  assert.equal(channel.readyState, 'open');
  assert.equal(channel.id, 1000);
  assert.equal(pc.connectionState, 'connected');
  const heard = [];
  channel.onmessage = ({ data }) => heard.push(data);
  channel.send('grüße');
  assert.equal(channel.bufferedAmount, 7);
  channel.send(new Uint8Array([1, 2, 3]).subarray(1));
  await passed();
  const [native] = made.pc.channels;
  assert.equal(native.sent[0], 'grüße');
  assert.deepEqual([...new Uint8Array(native.sent[1])], [2, 3]);
  native.receives('hello');
  await passed();
  assert.deepEqual(heard, ['hello']);
  // What has left is told.
  let low = 0;
  channel.onbufferedamountlow = () => {
    low += 1;
  };
  native.leaves();
  await made.clock.advance(100);
  await passed();
  assert.equal(channel.bufferedAmount, 0);
  assert.equal(low, 1);
  channel.close();
  assert.equal(channel.readyState, 'closing');
  await passed();
  native.closes();
  await passed();
  assert.deepEqual(seen, ['open', 'close']);
});

test('what the profile says that its channels need is asked for, unless the application says it better (TS 29.392 §6.1.6.2.3)', async (t) => {
  const profile = { id: 'board', qosHint: 'loss=0.0002;latency=600' };
  for (const [qosHint, expected] of [[undefined, profile.qosHint], ['loss=0.1', 'loss=0.1']]) {
    const made = await application(t, { application: profile });
    new made.RTCPeerConnection().createDataChannel('strokes', { qosHint });
    const { sdp } = await grant(made);
    assert.deepEqual([...sdp.matchAll(/^a=3gpp-qos-hint:(.*)\r$/gm)].map(([, hint]) => hint), [expected]);
  }
});

test('a connection without a service of its own finds the call by itself', async (t) => {
  const made = await application(t);
  const channel = new made.RTCPeerConnection().createDataChannel('x');
  await grant(made);
  assert.equal(channel.readyState, 'open');
  assert.equal(channel.endpoint, 'ue');
  assert.equal(channel.negotiated, true);
});

test('what the other side offers is told, and taken unless it is refused', async (t) => {
  const made = await application(t);
  const pc = new made.RTCPeerConnection();
  const came = [];
  const asked = [];
  pc.ondatachannel = ({ channel }) => came.push([channel.label, channel.readyState]);
  pc.onchannelrequest = (event) => {
    asked.push(event.label);
    if (event.label === 'no') event.refuse();
  };
  await passed();
  const lines = ['dcmap:1001 label="yes"', 'dcmap:1003 label="no"', 'dcmap:1005 label="other"', 'dcmap:7 label="low"', '3gpp-req-app:board;adc-stream-id-endpoint=1001:UE,1003:UE,7:UE', '3gpp-req-app:menu;adc-stream-id-endpoint=1005:UE'];
  assert.deepEqual(await offered(made, 10, lines), [1001]);
  assert.deepEqual(asked, ['yes', 'no'], 'neither another application’s, nor one below 1000');
  made.pc.associate();
  await passed();
  assert.deepEqual(came, [['yes', 'open']]);
});

test('an application may take its time to decide', async (t) => {
  const made = await application(t);
  const pc = new made.RTCPeerConnection();
  let request = null;
  pc.addEventListener('channelrequest', (event) => {
    event.preventDefault();
    request = event;
  });
  await passed();
  await made.transport.deliver(made.far('INVITE', { cseq: 10, sdp: `${ANSWER}${DATA}a=dcmap:1001\r\na=3gpp-req-app:board\r\n` }));
  await passed();
  await made.transport.nothing();
  request.accept();
  await passed();
  assert.match((await made.transport.take('200 INVITE')).sdp, /dcmap:1001/);
});

test('who may not associate is told why, and its channels end', async (t) => {
  for (const [parts, init, name] of [
    [{}, { appId: 'menu' }, 'NotAllowedError'],
    [{}, { sessionId: 'another' }, 'NotFoundError'],
    [{ network: () => false }, {}, 'NotSupportedError'],
    [{ permit: () => Promise.reject(new DOMException('no', 'NotAllowedError')) }, {}, 'NotAllowedError'],
  ]) {
    const made = await application(t, parts);
    const service = new made.RTCPeerSignallingService(init);
    const pc = new made.RTCPeerConnection({ signallingService: service });
    const channel = pc.createDataChannel('x');
    const seen = events(channel, 'error', 'close');
    await assert.rejects(service.associate(), { name });
    await passed();
    assert.equal(service.state, 'failed');
    assert.equal(pc.connectionState, 'failed');
    assert.deepEqual(seen, ['error', 'close']);
    await assert.rejects(service.associate(), { name: 'InvalidStateError' });
    await made.transport.nothing();
  }
});

test('hold and the end of the call are told; the application’s end leaves the call alone', async (t) => {
  const made = await application(t);
  const service = new made.RTCPeerSignallingService();
  const told = events(service, 'statechange', 'sessionchange', 'associationlost');
  await service.associate();
  const pc = new made.RTCPeerConnection({ signallingService: service });
  const channel = pc.createDataChannel('x');
  await grant(made);
  const held = made.call.setHeld(true);
  await passed();
  assert.equal(service.sessionState, 'held');
  await grant(made);
  await held;
  assert.equal(channel.readyState, 'open', 'data flow on, on hold');
  const other = new made.RTCPeerConnection();
  const second = other.createDataChannel('y');
  await grant(made);
  service.close();
  assert.equal(channel.readyState, 'closed');
  await passed();
  assert.equal(made.pc.channels[0].readyState, 'closing');
  assert.equal(second.readyState, 'open', 'another association is another one');
  assert.equal(made.call.state, 'connected');
  const third = new made.RTCPeerSignallingService();
  await third.associate();
  told.length = 0;
  const lost = events(third, 'associationlost');
  made.call.hangUp();
  await passed();
  assert.deepEqual(lost, ['associationlost']);
  assert.equal(third.state, 'closed');
  assert.equal(second.readyState, 'closed');
  assert.deepEqual(told, []);
});

test('what an application may not have is refused', async (t) => {
  const made = await application(t);
  const pc = new made.RTCPeerConnection();
  for (const [label, init, name] of [
    ['x', { id: 0 }, 'OperationError'], ['x', { id: 999 }, 'OperationError'], ['x', { id: 65_535 }, 'TypeError'], ['x'.repeat(70_000), {}, 'TypeError'],
    ['x', { negotiated: true }, 'TypeError'], ['x', { maxRetransmits: 1, maxPacketLifeTime: 1 }, 'TypeError'], ['x', { endpoint: 'bootstrap' }, 'TypeError'],
    ['x', { priority: 'highest' }, 'TypeError'], ['x', 5, 'TypeError'],
  ]) assert.throws(() => pc.createDataChannel(label, init), { name }, JSON.stringify(init));
  for (const name of ['addTrack', 'addTransceiver', 'restartIce']) assert.throws(() => pc[name](), { name: 'NotSupportedError' });
  for (const name of ['createOffer', 'setRemoteDescription', 'addIceCandidate']) await assert.rejects(pc[name](), { name: 'NotSupportedError' });
  assert.throws(() => new made.RTCDataChannel(), TypeError);
  await made.transport.nothing();
});

test('a frame that says anything harms nothing', async (t) => {
  const made = await connected();
  const host = new ApplicationHost({ call: made.call, application: { id: 'board' }, clock: made.clock });
  const { port } = host;
  t.after(() => {
    host.close();
    port.close();
  });
  const heard = [];
  port.onmessage = ({ data }) => heard.push(data.type);
  const say = (message) => port.postMessage(message);
  say({ type: 'open', channel: 2, parameters: {} });
  say({ type: 'associate', request: 1, sessionId: null, applicationId: null });
  for (const message of [null, 5, 'x', {}, { type: 'open' }, { type: 'open', channel: 3, parameters: {} }, { type: 'open', channel: 'x' }, { type: 'send', channel: 2, data: 'x' },
    { type: 'accept', channel: 1 }, { type: 'close', channel: {} }, { type: 'open', channel: 4, parameters: { id: 1 } }, { type: 'open', channel: 6, parameters: { id: 'x' } },
    { type: 'open', channel: 8, parameters: { id: null, qosHint: 'a\r\nb' } }]) say(message);
  await passed();
  assert.deepEqual(heard, ['closed', 'associated', 'closed', 'closed', 'closed']);
  for (let channel = 100; channel < 20_100; channel += 2) say({ type: 'open', channel, parameters: { label: 'x', protocol: '', id: null, maxRetransmits: null, maxPacketLifeTime: null } });
  await passed();
  assert.equal(host.channels.length, 64);
  assert.equal(made.call.state, 'connected');
});

test('the frame’s half is one script that puts the interfaces in the browser’s own one’s place', async () => {
  const source = await frameSource((file) => readFile(new URL(`../ts66/${file}`, import.meta.url), 'utf8'));
  assert.doesNotMatch(source, /^\s*(import|export) /m);
  // In one scope two functions of one name would be one.
  const declared = [...source.matchAll(/^(?:async )?(?:function|class|const|let) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(declared.filter((name, index) => declared.indexOf(name) !== index), []);
  const listeners = [];
  const window = { RTCPeerConnection: 'the browser’s', addEventListener: (type, listener) => listeners.push(listener), removeEventListener: () => {} };
  vm.runInNewContext(source, { window, EventTarget, Event, DOMException, TextEncoder, TextDecoder, Blob, MessageEvent });
  assert.deepEqual(Object.keys(Object.getOwnPropertyDescriptors(window)).filter((name) => /^RTC/.test(name)).sort(), Object.values(names.INTERFACES).toSorted());
  assert.equal(window.RTCPeerConnection.name, 'RTCPeerConnection');
  assert.equal(listeners.length, 1);
});

test('a channel that was taken before the application was there comes with what it said meanwhile', async (t) => {
  const made = await connected();
  const host = new ApplicationHost({ call: made.call, application: { id: 'board' }, clock: made.clock, attributes: ['isthmus-application:name=Board'] });
  t.after(() => {
    host.close();
    host.port.close();
  });
  const early = [];
  made.call.on('channelrequest', (request) => early.push(new EarlyChannel(request.accept())));
  await offered(made, 20, ['dcmap:1001 label="first"', '3gpp-req-app:board;adc-stream-id-endpoint=1001:Server']);
  await offered(made, 21, ['dcmap:1001 label="first"', 'dcmap:1003', '3gpp-req-app:board;adc-stream-id-endpoint=1001:Server,1003:UE']);
  made.pc.associate();
  await passed();
  made.pc.channels[0].receives('a menu');
  for (const each of early) host.take(each);
  // The application comes.
  const link = new Link();
  link.bind(host.port);
  const { RTCPeerConnection } = interfaces(link);
  const connection = new RTCPeerConnection();
  const heard = [];
  connection.onchannelrequest = (request) => {
    if (request.id === 1003) request.refuse();
  };
  connection.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => heard.push([channel.label, channel.endpoint, data]);
  };
  await passed();
  assert.deepEqual(heard, [['first', 'server', 'a menu']]);
  assert.equal(early[1].channel.readyState, 'closing', 'what the application refuses is closed');
  // What it opens itself says whose it is.
  connection.createDataChannel('own');
  await passed();
  const { sdp } = await made.transport.take('INVITE');
  assert.match(sdp, /^a=dcsa:1000 isthmus-application:name=Board\r$/m);
});

/** A member's descriptor, wherever it is inherited from that is ours. */
function described(prototype, member) {
  for (let own = prototype; own !== EventTarget.prototype && own !== Event.prototype; own = Object.getPrototypeOf(own)) {
    const descriptor = Object.getOwnPropertyDescriptor(own, member);
    if (descriptor) return descriptor;
  }
  return undefined;
}

test('what docs/ts66.md says in WebIDL is what there is, member by member', async () => {
  const text = await readFile(new URL('../../../docs/ts66.md', import.meta.url), 'utf8');
  const [, idl] = /```webidl\n([\s\S]*?)```/.exec(text);
  const made = interfaces(new Link());
  const seen = [];
  for (const [, , name, base, body] of idl.matchAll(/(partial )?interface (\w+)(?: : (\w+))? \{([\s\S]*?)\n\};/g)) {
    const { prototype } = made[name];
    if (base) assert.ok(prototype instanceof globalThis[base], `${name} is ${base}`);
    for (const line of body.split(';').map((each) => each.trim()).filter(Boolean)) {
      const [, readonly, type, attribute] = /^(readonly )?attribute (.+) (\w+)$/.exec(line) ?? [];
      const [, result, operation, parameters] = attribute ? [] : /^(?:(.+) )?(\w+)\((.*)\)$/.exec(line) ?? [];
      const member = attribute ?? operation;
      assert.ok(member, line);
      seen.push(`${name}.${member}`);
      if (member === 'constructor') continue;
      const descriptor = described(prototype, member);
      assert.ok(descriptor?.enumerable && descriptor.configurable, `${name}.${member}`);
      if (attribute) {
        assert.equal(typeof descriptor.get, 'function', `${name}.${member} is an attribute`);
        assert.equal(descriptor.set === undefined, readonly !== undefined, `${name}.${member} ${readonly ? 'cannot' : 'can'} be set`);
        // What is always the same is so for whoever asks.
        if (type !== 'EventHandler' && member !== 'iceGatheringState') assert.throws(() => descriptor.get.call({}), TypeError, `${name}.${member} is of its own objects`);
      } else {
        const needed = parameters.split(',').filter((each) => each.trim() !== '' && !/\boptional\b/.test(each)).length;
        assert.equal(descriptor.value.length, needed, `${name}.${member} has ${needed} parameters`);
        if (!result.startsWith('Promise')) assert.throws(() => descriptor.value.call({}), TypeError, `${name}.${member} is of its own objects`);
      }
    }
  }
  assert.equal(seen.length, 36, seen.join());
  // And what the W3C has: WebRTC 1.0 §6.2, with the priority of WebRTC Priority Control §4.4.
  const channel = ['label', 'ordered', 'maxPacketLifeTime', 'maxRetransmits', 'protocol', 'negotiated', 'id', 'readyState', 'bufferedAmount', 'priority'];
  const settable = ['bufferedAmountLowThreshold', 'binaryType', ...['open', 'bufferedamountlow', 'error', 'closing', 'close', 'message'].map((type) => `on${type}`)];
  for (const member of [...channel, ...settable]) {
    const descriptor = described(made.RTCDataChannel.prototype, member);
    assert.deepEqual([typeof descriptor?.get, descriptor?.set !== undefined], ['function', settable.includes(member)], member);
  }
  for (const [member, parameters] of [['send', 1], ['close', 0]]) assert.equal(described(made.RTCDataChannel.prototype, member).value.length, parameters, member);
});
