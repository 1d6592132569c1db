// Runs in the browser. What W3C WebRTC 1.0 says of RTCDataChannel and of what makes one, member by member. Each case does
// something with a pair and answers with what it has seen; the test holds the two answers against each other.

const event = (target, type) => new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const outcome = (run) => {
  try {
    const value = run();
    return typeof value === 'object' && value !== null ? 'an object' : value;
  } catch (error) {
    return error.name;
  }
};
const later = (promise) => promise.then(() => 'fulfilled', (error) => error.name);

/** What happens to a channel, in order. */
function watch(channel, ...types) {
  const seen = [];
  for (const type of types) channel.addEventListener(type, () => seen.push(`${type} (${channel.readyState})`));
  return seen;
}

/** A channel that is open at both ends. */
async function open({ a, z }, init, label = 'x') {
  const came = event(z, 'datachannel');
  const near = a.createDataChannel(label, init);
  const opened = event(near, 'open');
  const { channel: far } = await came;
  if (near.readyState !== 'open') await opened;
  return { near, far };
}

async function next(channel) {
  return (await event(channel, 'message')).data;
}

const PARAMETERS = ['label', 'protocol', 'ordered', 'maxPacketLifeTime', 'maxRetransmits'];
const STATE = ['readyState', 'bufferedAmount', 'bufferedAmountLowThreshold', 'binaryType'];
const HANDLERS = ['onopen', 'onbufferedamountlow', 'onerror', 'onclosing', 'onclose', 'onmessage'];
const pick = (object, names) => Object.fromEntries(names.map((name) => [name, object[name]]));

export const CASES = {
  'a channel as it is made': ({ a }) => {
    const channel = a.createDataChannel('x');
    const seen = pick(channel, [...PARAMETERS, ...STATE, ...HANDLERS]);
    channel.close();
    return seen;
  },
  'negotiated, by default': ({ a }) => a.createDataChannel('x').negotiated,
  'id before the channel is open': ({ a }) => a.createDataChannel('x').id,
  'id once it is open': async (pair) => {
    const { near, far } = await open(pair);
    return [near.id === far.id, near.id < 1000];
  },
  'the parameters at both ends': async (pair) => {
    const answers = [];
    for (const init of [{}, { ordered: false }, { maxRetransmits: 3, protocol: 'p"%\u00fc' }, { maxPacketLifeTime: 500, ordered: false }]) {
      const { near, far } = await open(pair, init, 'l"%;=☎');
      answers.push(pick(near, PARAMETERS), pick(far, PARAMETERS));
      near.close();
    }
    return answers;
  },
  'labels of any kind': ({ a }) => [null, undefined, 5, {}, 'a\ud800b', '', '\ufeffx'].map((label) => a.createDataChannel(label).label),
  'protocols of any kind': ({ a }) => [null, undefined, 5, 'a\udc00', ''].map((protocol) => a.createDataChannel('x', { protocol }).protocol),
  'ordered of any kind': ({ a }) => [undefined, null, 0, 1, '', 'no'].map((ordered) => a.createDataChannel('x', { ordered }).ordered),
  'numbers of any kind': ({ a }) =>
    ['maxRetransmits', 'maxPacketLifeTime'].map((name) =>
      [0, 65_535, 65_536, -1, 1.9, -0.5, '7', 'x', NaN, Infinity, undefined, null, true, []].map((value) => outcome(() => a.createDataChannel('x', { [name]: value })[name])),
    ),
  'arguments that cannot be': ({ a }) =>
    [
      [], ['x', 5], ['x', 'y'], ['x', { maxRetransmits: 1, maxPacketLifeTime: 1 }], ['x', { negotiated: true }], ['x', { negotiated: true, id: 65_535 }],
      ['x', { negotiated: true, id: 65_536 }], ['x', { negotiated: true, id: -1 }], ['x'.repeat(65_536)], ['\u00fc'.repeat(32_768)],
      ['x', { protocol: 'x'.repeat(65_536) }], [Symbol('x')], ['x', { priority: 'urgent' }],
    ].map((given) => outcome(() => a.createDataChannel(...given))),
  'arguments that can be': ({ a }) => [['x', null], ['x', undefined], ['x', () => {}], ['x', {}, 5], ['x', { other: 1 }]].map((given) => outcome(() => a.createDataChannel(...given))),
  'an id that is in use': ({ a }) => {
    const id = 2_000;
    return [outcome(() => a.createDataChannel('x', { negotiated: true, id })), outcome(() => a.createDataChannel('y', { negotiated: true, id }))];
  },
  'an id below 1000': ({ a }) => outcome(() => a.createDataChannel('x', { negotiated: true, id: 998 })),
  'an id that is not negotiated': ({ a }) => a.createDataChannel('x', { id: 2_002 }).id,
  priority: ({ a }) => [a.createDataChannel('x').priority, a.createDataChannel('x', { priority: 'high' }).priority],
  'the members of a channel': ({ a }) => {
    const members = [];
    for (const name in a.createDataChannel('x')) members.push(name);
    return members.sort();
  },
  'what it says it is': ({ a, global }) => {
    const channel = a.createDataChannel('x');
    const { RTCDataChannel, RTCPeerConnection } = global;
    return [
      String(channel), String(a), channel instanceof RTCDataChannel, channel instanceof EventTarget, a instanceof RTCPeerConnection, RTCDataChannel.name,
      channel.send.length, channel.close.length, a.createDataChannel.length, RTCDataChannel.length, typeof RTCDataChannel.prototype.send,
    ];
  },
  'it is not made by hand': ({ global }) => [outcome(() => new global.RTCDataChannel()), outcome(() => global.RTCDataChannel()), outcome(() => global.RTCPeerConnection())],
  'members of something else': ({ global }) => [
    outcome(() => global.RTCDataChannel.prototype.label), outcome(() => global.RTCDataChannel.prototype.send.call({}, 'x')),
    outcome(() => global.RTCDataChannel.prototype.close.call(new EventTarget())),
  ],
  'what cannot be written is not written': ({ a }) => {
    const channel = a.createDataChannel('x');
    for (const name of ['label', 'id', 'readyState', 'bufferedAmount', 'ordered']) outcome(() => (channel[name] = 'y'));
    return [channel.label, channel.readyState, channel.bufferedAmount, channel.ordered];
  },
  binaryType: ({ a }) => {
    const channel = a.createDataChannel('x');
    return ['blob', 'arraybuffer', 'x', null, 'BLOB', 'blob', ''].map((type) => outcome(() => {
      channel.binaryType = type;
      return channel.binaryType;
    }));
  },
  bufferedAmountLowThreshold: ({ a }) => {
    const channel = a.createDataChannel('x');
    return [5, -1, 4_294_967_296, 1.9, '7', 'x', null, undefined].map((value) => {
      channel.bufferedAmountLowThreshold = value;
      return channel.bufferedAmountLowThreshold;
    });
  },
  'handlers of any kind': ({ a }) => {
    const channel = a.createDataChannel('x');
    const handler = () => {};
    return [5, 'x', null, undefined, handler, {}].map((value) => {
      channel.onopen = value;
      return channel.onopen === value && value !== null ? 'kept' : channel.onopen;
    });
  },
  'handlers and listeners in their order': async (pair) => {
    const { near, far } = await open(pair);
    const seen = [];
    near.addEventListener('message', () => seen.push('first'));
    near.onmessage = () => seen.push('never');
    near.addEventListener('message', () => seen.push('last'));
    // Another handler takes the place of the one before.
    near.onmessage = function handler(message) {
      seen.push(`handler ${this === near} ${message.currentTarget === near}`);
    };
    const object = { handleEvent: () => seen.push('object') };
    near.addEventListener('message', object);
    far.send('x');
    await next(near);
    near.onmessage = null;
    near.removeEventListener('message', object);
    far.send('y');
    await next(near);
    return seen;
  },
  'a channel that comes is open': async (pair) => {
    const seen = [];
    const done = new Promise((resolve) => {
      pair.z.ondatachannel = (told) => {
        const { channel } = told;
        seen.push(told.type, told.bubbles, told.cancelable, channel.readyState, String(told), told.target === pair.z);
        channel.onopen = () => {
          seen.push('open');
          resolve();
        };
      };
    });
    pair.a.createDataChannel('x');
    await done;
    pair.z.ondatachannel = null;
    return seen;
  },
  'the event that tells of a channel': ({ a, global }) => {
    const channel = a.createDataChannel('x');
    const made = new global.RTCDataChannelEvent('datachannel', { channel, bubbles: true });
    const { RTCDataChannelEvent } = global;
    return [
      made.channel === channel, made.bubbles, made instanceof Event, outcome(() => new RTCDataChannelEvent('x')), outcome(() => new RTCDataChannelEvent('x', {})),
      outcome(() => new RTCDataChannelEvent('x', { channel: {} })), outcome(() => new RTCDataChannelEvent()),
    ];
  },
  'nothing is sent before it is open': ({ a }) => {
    const channel = a.createDataChannel('x');
    return [outcome(() => channel.send('x')), outcome(() => channel.send()), outcome(() => channel.send(new ArrayBuffer(1)))];
  },
  'messages of each kind': async (pair) => {
    const { near, far } = await open(pair);
    const seen = [];
    const view = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4);
    const each = ['', 'text ☎ \ud83d\ude00', 'a\ud800', '\0', 5, null, undefined, { toString: () => 'object' }, true, new ArrayBuffer(0), view.slice().buffer, view, new DataView(view.buffer, 2, 1), new Float32Array([1])];
    for (const data of each) {
      near.send(data);
      const heard = await next(far);
      seen.push(typeof heard === 'string' ? heard : [...new Uint8Array(heard)]);
    }
    return [seen, outcome(() => near.send()), outcome(() => near.send(Symbol('x')))];
  },
  'a message’s event': async (pair) => {
    const { near, far } = await open(pair);
    const heard = event(far, 'message');
    near.send('x');
    const message = await heard;
    return [message instanceof MessageEvent, message.type, message.lastEventId, message.source, message.ports.length, message.bubbles, message.cancelable, message.target === far];
  },
  'a message’s origin': async (pair) => {
    const { near, far } = await open(pair);
    const heard = event(far, 'message');
    near.send('x');
    return (await heard).origin;
  },
  'Blobs, and binaryType where they arrive': async (pair) => {
    const { near, far } = await open(pair);
    far.binaryType = 'blob';
    near.send(new Blob(['blob']));
    const first = await next(far);
    near.send('text');
    const second = await next(far);
    far.binaryType = 'arraybuffer';
    near.send(new Blob([]));
    const third = await next(far);
    return [first instanceof Blob, await first.text(), first.type, second, third instanceof ArrayBuffer, third.byteLength];
  },
  'what follows a Blob comes after it': async (pair) => {
    const { near, far } = await open(pair);
    const seen = [];
    const all = new Promise((resolve) => {
      far.onmessage = ({ data }) => seen.push(typeof data === 'string' ? data : data.byteLength) === 4 && resolve();
    });
    near.send('before');
    near.send(new Blob([new Uint8Array(100_000)]));
    near.send('behind');
    near.send(new Uint8Array(3));
    await all;
    return seen;
  },
  'what is sent is what it was, and stays what it is': async (pair) => {
    const { near, far } = await open(pair);
    const octets = new Uint8Array([1, 2, 3]);
    const heard = next(far);
    near.send(octets);
    octets[0] = 9;
    return [[...new Uint8Array(await heard)], octets.byteLength, octets.buffer.byteLength];
  },
  'messages keep their order': async (pair) => {
    const { near, far } = await open(pair);
    const seen = [];
    const all = new Promise((resolve) => {
      far.onmessage = ({ data }) => seen.push(data) === 500 && resolve();
    });
    for (let i = 0; i < 500; i += 1) near.send(String(i));
    await all;
    return seen.every((data, index) => data === String(index));
  },
  'bufferedAmount counts octets at once': async (pair) => {
    const { near, far } = await open(pair);
    const counts = [near.bufferedAmount];
    let heard = 0;
    const all = new Promise((resolve) => {
      far.onmessage = () => (heard += 1) === 4 && resolve();
    });
    for (const data of ['gr\u00fc\u00dfe', new ArrayBuffer(100), new Blob(['12345']), new Uint16Array(4)]) {
      near.send(data);
      counts.push(near.bufferedAmount);
    }
    await all;
    await pause(100);
    return [counts, near.bufferedAmount];
  },
  'bufferedamountlow comes when enough has left': async (pair) => {
    const { near } = await open(pair);
    const seen = [];
    near.bufferedAmountLowThreshold = 65_536;
    near.onbufferedamountlow = () => seen.push(near.bufferedAmount <= 65_536);
    near.send('little');
    await pause(100);
    seen.push('nothing yet');
    for (let i = 0; i < 8; i += 1) near.send(new ArrayBuffer(65_536));
    await event(near, 'bufferedamountlow');
    await pause(200);
    seen.push(near.bufferedAmount);
    return seen;
  },
  'a message that is too large': async (pair) => {
    const { near, far } = await open(pair);
    const { maxMessageSize } = pair.a.sctp;
    const heard = next(far);
    const seen = [maxMessageSize, outcome(() => near.send(new ArrayBuffer(maxMessageSize + 1))), outcome(() => near.send(new Blob([new ArrayBuffer(maxMessageSize + 1)])))];
    near.send(new ArrayBuffer(maxMessageSize));
    return [...seen, (await heard).byteLength, near.readyState];
  },
  'too much at once': async (pair) => {
    const { near } = await open(pair);
    const message = new ArrayBuffer(256 * 1024);
    let sent = 0;
    const refused = outcome(() => {
      for (; sent < 200; sent += 1) near.send(message);
    });
    const seen = [refused, near.readyState, sent >= 60 && sent <= 70];
    near.close();
    return seen;
  },
  'who closes': async (pair) => {
    const { near, far } = await open(pair);
    const [here, there] = [watch(near, 'closing', 'close', 'error'), watch(far, 'close', 'error')];
    const both = Promise.all([event(near, 'close'), event(far, 'close')]);
    near.close();
    const at = near.readyState;
    near.close();
    const sending = outcome(() => near.send('x'));
    await both;
    near.close();
    return [at, sending, here, there, near.readyState, far.readyState, outcome(() => near.send('x'))];
  },
  'both close at once': async (pair) => {
    const { near, far } = await open(pair);
    const [here, there] = [watch(near, 'close', 'error'), watch(far, 'close', 'error')];
    const both = Promise.all([event(near, 'close'), event(far, 'close')]);
    near.close();
    far.close();
    await both;
    return [here, there];
  },
  'what was sent before the close arrives': async (pair) => {
    const { near, far } = await open(pair);
    let octets = 0;
    far.onmessage = ({ data }) => {
      octets += data.byteLength;
    };
    for (let i = 0; i < 32; i += 1) near.send(new ArrayBuffer(65_536));
    near.close();
    await event(far, 'close');
    return octets;
  },
  'bufferedAmount after the close': async (pair) => {
    const { near } = await open(pair);
    near.close();
    await event(near, 'close');
    return near.bufferedAmount;
  },
  'closed before it was open': async ({ a }) => {
    const channel = a.createDataChannel('x');
    const seen = watch(channel, 'open', 'closing', 'close', 'error');
    channel.close();
    const at = channel.readyState;
    await event(channel, 'close');
    return [at, seen];
  },
  'made by both sides under one id': async (pair) => {
    const init = { negotiated: true, id: 2_020 };
    const told = [];
    for (const side of [pair.a, pair.z]) side.ondatachannel = () => told.push('datachannel');
    const [near, far] = [pair.a.createDataChannel('near', init), pair.z.createDataChannel('far', init)];
    await Promise.all([near, far].map((each) => event(each, 'open')));
    const heard = next(far);
    near.send('x');
    return [await heard, near.label, far.label, near.negotiated, near.id, told];
  },
  'an id is free again': async (pair) => {
    const id = 2_010;
    const answers = [];
    for (let i = 0; i < 2; i += 1) {
      const near = pair.a.createDataChannel('x', { negotiated: true, id });
      const far = pair.z.createDataChannel('x', { negotiated: true, id });
      for (const each of [near, far]) if (each.readyState !== 'open') await event(each, 'open');
      const heard = next(far);
      near.send(`time ${i}`);
      answers.push(await heard, near.id);
      const both = Promise.all([event(near, 'close'), event(far, 'close')]);
      near.close();
      await both;
    }
    return answers;
  },
  'the members of a connection': ({ a }) => {
    const members = [];
    for (const name in a) members.push(name);
    return members.sort();
  },
  'a connection says how it is': async (pair) => {
    await open(pair);
    const { a } = pair;
    // A browser's may have a channel before it says that it is connected.
    while (a.connectionState !== 'connected' || a.iceGatheringState !== 'complete') await pause(10);
    return pick(a, ['connectionState', 'iceConnectionState', 'signalingState', 'iceGatheringState']);
  },
  'a connection’s association': async (pair) => {
    await open(pair);
    const { sctp } = pair.a;
    return [sctp.state, sctp.maxMessageSize, sctp.maxChannels, sctp === pair.a.sctp];
  },
  'a connection’s configuration': ({ a }) => {
    const { bundlePolicy, iceServers, iceTransportPolicy, rtcpMuxPolicy, iceCandidatePoolSize, certificates } = a.getConfiguration();
    return { bundlePolicy, iceServers, iceTransportPolicy, rtcpMuxPolicy, iceCandidatePoolSize, certificates: certificates?.length };
  },
  'SDP and ICE': ({ a }) => Promise.all([later(a.createOffer()), later(a.addIceCandidate()), a.localDescription && 'there', a.canTrickleIceCandidates]),
  'the media': ({ a }) => [a.getSenders().length, a.getReceivers().length, a.getTransceivers().length, outcome(() => a.restartIce())],
  figures: ({ a }) => later(a.getStats()),
  'the connection is closed': async (pair) => {
    const { near, far } = await open(pair);
    const [here, there] = [watch(near, 'open', 'message', 'error'), watch(far, 'close')];
    const told = [];
    pair.a.onconnectionstatechange = () => told.push('connectionstatechange');
    pair.a.onsignalingstatechange = () => told.push('signalingstatechange');
    const gone = event(far, 'close');
    pair.a.close();
    pair.a.close();
    const at = [pair.a.signalingState, pair.a.connectionState, pair.a.iceConnectionState];
    await gone;
    return [at, here, there, told, outcome(() => pair.a.createDataChannel('x')), outcome(() => near.send('x'))];
  },
  'its channels then': async (pair) => {
    const { near } = await open(pair);
    const seen = watch(near, 'closing', 'close', 'error');
    pair.a.close();
    const at = near.readyState;
    await pause(100);
    return [at, seen, near.readyState];
  },
  'what the other side hears when it is': async (pair) => {
    const { far } = await open(pair);
    const seen = watch(far, 'closing', 'error', 'close');
    const gone = event(far, 'close');
    pair.a.close();
    await gone;
    return seen;
  },
};
