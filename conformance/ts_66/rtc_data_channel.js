// Runs in the browser. RTCDataChannel, member by member: what W3C WebRTC 1.0 §6.2 says of each, asked of the adapted object and of the
// browser's own; and what TS.66 has more. Each case does something with a pair and answers with what it has seen.

import { differs, event, fixed, handler, next, open, ours, outcome, pause, pick, watch } from './support.js';

const PARAMETERS = ['label', 'protocol', 'ordered', 'maxPacketLifeTime', 'maxRetransmits'];
const STATE = ['readyState', 'bufferedAmount', 'bufferedAmountLowThreshold', 'binaryType'];
const HANDLERS = ['onopen', 'onbufferedamountlow', 'onerror', 'onclosing', 'onclose', 'onmessage'];
const fresh = ({ a }) => a.createDataChannel('x');

const NUMBERS = [0, 65_535, 65_536, -1, 1.9, -0.5, '7', 'x', NaN, Infinity, undefined, null, true, []];

export const MEMBERS = {
  constructor: {
    'a channel as it is made': ({ a, global }) => {
      const channel = a.createDataChannel('x');
      const seen = pick(channel, [...PARAMETERS, ...STATE, ...HANDLERS]);
      channel.close();
      return [seen, channel.constructor === global.RTCDataChannel];
    },
    'it is not made by hand': ({ a, global }) => [outcome(() => new global.RTCDataChannel()), outcome(() => global.RTCDataChannel()), a.createDataChannel('x').constructor.length],
    'what it says it is': ({ a, global }) => {
      const channel = a.createDataChannel('x');
      const { RTCDataChannel } = global;
      return [
        String(channel), channel instanceof RTCDataChannel, channel instanceof EventTarget, channel.constructor.name,
        channel.send.length, channel.close.length, RTCDataChannel.length, typeof RTCDataChannel.prototype.send,
      ];
    },
    'members of something else': ({ global }) => [
      outcome(() => global.RTCDataChannel.prototype.label), outcome(() => global.RTCDataChannel.prototype.send.call({}, 'x')),
      outcome(() => global.RTCDataChannel.prototype.close.call(new EventTarget())), global.RTCDataChannel.prototype.constructor === global.RTCDataChannel,
    ],
  },

  label: {
    'of any kind it is text': ({ a }) => [null, undefined, 5, {}, 'a\ud800b', '', '\ufeffx'].map((label) => a.createDataChannel(label).label),
    'it arrives as it was given': async (pair) => {
      const { near, far } = await open(pair, {}, 'l"%;=☎\r\n');
      return [near.label, far.label];
    },
    'it cannot be written': fixed(fresh, 'label'),
  },

  protocol: {
    'of any kind it is text': ({ a }) => [null, undefined, 5, 'a\udc00', ''].map((protocol) => a.createDataChannel('x', { protocol }).protocol),
    'it arrives as it was given': async (pair) => (await open(pair, { protocol: 'p"%\u00fc' })).far.protocol,
    'it cannot be written': fixed(fresh, 'protocol'),
  },

  ordered: {
    'of any kind it is a boolean': ({ a }) => [undefined, null, 0, 1, '', 'no'].map((ordered) => a.createDataChannel('x', { ordered }).ordered),
    'both ends have it': async (pair) => {
      const { near, far } = await open(pair, { ordered: false });
      return [near.ordered, far.ordered];
    },
    'messages keep their order': async (pair) => {
      const { near, far } = await open(pair, { ordered: true });
      const seen = [];
      const all = new Promise((resolve) => {
        far.onmessage = ({ data }) => seen.push(data) === 500 && resolve();
      });
      for (let i = 0; i < 500; i += 1) near.send(String(i));
      await all;
      return seen.every((data, index) => data === String(index));
    },
    'it cannot be written': fixed(fresh, 'ordered'),
  },

  maxRetransmits: {
    'of any kind it is a number that SDP can say': ({ a }) => NUMBERS.map((value) => outcome(() => a.createDataChannel('x', { maxRetransmits: value }).maxRetransmits)),
    'both ends have it': async (pair) => {
      const { near, far } = await open(pair, { maxRetransmits: 3 });
      return [pick(near, PARAMETERS), pick(far, PARAMETERS)];
    },
    'it cannot be written': fixed(({ a }) => a.createDataChannel('x', { maxRetransmits: 3 }), 'maxRetransmits'),
  },

  maxPacketLifeTime: {
    'of any kind it is a number that SDP can say': ({ a }) => NUMBERS.map((value) => outcome(() => a.createDataChannel('x', { maxPacketLifeTime: value }).maxPacketLifeTime)),
    'both ends have it': async (pair) => {
      const { near, far } = await open(pair, { maxPacketLifeTime: 500, ordered: false });
      return [pick(near, PARAMETERS), pick(far, PARAMETERS)];
    },
    'it excludes the other': ({ a }) => outcome(() => a.createDataChannel('x', { maxRetransmits: 1, maxPacketLifeTime: 1 })),
    'it cannot be written': fixed(({ a }) => a.createDataChannel('x', { maxPacketLifeTime: 3 }), 'maxPacketLifeTime'),
  },

  negotiated: {
    'by default': differs(true, 'all channels of IMS are negotiated in SDP (RFC 8864)', ({ a }) => a.createDataChannel('x').negotiated),
    'it needs an id': ({ a }) => outcome(() => a.createDataChannel('x', { negotiated: true })),
    'both sides make the channel under one id': async (pair) => {
      const init = { negotiated: true, id: 2_020 };
      const told = [];
      for (const side of [pair.a, pair.z]) side.ondatachannel = () => told.push('datachannel');
      const [near, far] = [pair.a.createDataChannel('near', init), pair.z.createDataChannel('far', init)];
      await Promise.all([near, far].map((each) => event(each, 'open')));
      const heard = next(far);
      near.send('x');
      return [await heard, near.label, far.label, near.negotiated, near.id, told];
    },
    'it cannot be written': fixed(fresh, 'negotiated'),
  },

  id: {
    'before the channel is open': ({ a }) => a.createDataChannel('x').id,
    'once it is open': differs([true, false], 'ids of applications begin at 1000 (TS 26.114)', async (pair) => {
      const { near, far } = await open(pair);
      return [near.id === far.id, near.id < 1000];
    }),
    'of any kind it is a number that SDP can say': ({ a }) => [65_535, 65_536, -1, 'x', NaN, Infinity].map((id) => outcome(() => a.createDataChannel('x', { negotiated: true, id }))),
    'one below 1000': differs('OperationError', 'those are for bootstrap channels', ({ a }) => outcome(() => a.createDataChannel('x', { negotiated: true, id: 998 }))),
    'one that is not negotiated': differs(2_002, 'there is no other way to choose one, and none that would pass it over', ({ a }) => a.createDataChannel('x', { id: 2_002 }).id),
    'one that is in use': ({ a }) => {
      const id = 2_000;
      return [outcome(() => a.createDataChannel('x', { negotiated: true, id })), outcome(() => a.createDataChannel('y', { negotiated: true, id }))];
    },
    'one is free again': async (pair) => {
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
    'it cannot be written': fixed(fresh, 'id'),
  },

  priority: {
    'as it is made': differs(['low', 'high', 'TypeError'], 'the browser does not know this later text of the W3C; it is told to the network', ({ a }) => [
      a.createDataChannel('x').priority, a.createDataChannel('x', { priority: 'high' }).priority, outcome(() => a.createDataChannel('x', { priority: 'urgent' }).priority),
    ]),
    'both ends have it': ours(['very-low', 'low', 'medium', 'high'], async (pair) => {
      const seen = [];
      for (const priority of ['very-low', 'low', 'medium', 'high']) seen.push((await open(pair, { priority })).far.priority);
      return seen;
    }),
  },

  readyState: {
    'from the first to the last': async (pair) => {
      const came = event(pair.z, 'datachannel');
      const near = pair.a.createDataChannel('x');
      const seen = [near.readyState];
      await event(near, 'open');
      const { channel: far } = await came;
      seen.push(near.readyState, far.readyState);
      const both = Promise.all([event(near, 'close'), event(far, 'close')]);
      near.close();
      seen.push(near.readyState);
      await both;
      return [...seen, near.readyState, far.readyState];
    },
    'it cannot be written': fixed(fresh, 'readyState'),
  },

  bufferedAmount: {
    'it counts octets at once': async (pair) => {
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
      while (near.bufferedAmount > 0) await pause(10);
      return counts;
    },
    'what may wait has an end': async (pair) => {
      const { near } = await open(pair);
      const message = new ArrayBuffer(256 * 1024);
      let sent = 0;
      const refused = outcome(() => {
        for (; sent < 200; sent += 1) near.send(message);
      });
      const seen = [refused, near.readyState, sent >= 60 && sent <= 70, near.bufferedAmount > 0];
      near.close();
      return seen;
    },
    'it cannot be written': fixed(fresh, 'bufferedAmount'),
  },

  bufferedAmountLowThreshold: {
    'of any kind it is an unsigned long': ({ a }) => {
      const channel = a.createDataChannel('x');
      return [5, -1, 4_294_967_296, 1.9, '7', 'x', null, undefined].map((value) => {
        channel.bufferedAmountLowThreshold = value;
        return channel.bufferedAmountLowThreshold;
      });
    },
    'its event comes when enough has left': async (pair) => {
      const { near, far } = await open(pair);
      const seen = [];
      near.bufferedAmountLowThreshold = 65_536;
      near.onbufferedamountlow = () => seen.push(near.bufferedAmount <= 65_536);
      const heard = next(far);
      near.send('little');
      await heard;
      while (near.bufferedAmount > 0) await pause(10);
      seen.push('nothing yet');
      const low = event(near, 'bufferedamountlow');
      for (let i = 0; i < 8; i += 1) near.send(new ArrayBuffer(65_536));
      await low;
      while (near.bufferedAmount > 0) await pause(10);
      return seen;
    },
  },

  binaryType: {
    'of any kind it is one of two words': ({ a }) => {
      const channel = a.createDataChannel('x');
      return ['blob', 'arraybuffer', 'x', null, 'BLOB', 'blob', ''].map((type) => outcome(() => {
        channel.binaryType = type;
        return channel.binaryType;
      }));
    },
    'what arrives is of it': async (pair) => {
      const { near, far } = await open(pair);
      far.binaryType = 'blob';
      let heard = next(far);
      near.send(new Blob(['blob']));
      const first = await heard;
      heard = next(far);
      near.send('text');
      const second = await heard;
      far.binaryType = 'arraybuffer';
      heard = next(far);
      near.send(new Blob([]));
      const third = await heard;
      return [first instanceof Blob, await first.text(), first.type, second, third instanceof ArrayBuffer, third.byteLength];
    },
  },

  send: {
    'nothing before it is open': ({ a }) => {
      const channel = a.createDataChannel('x');
      return [outcome(() => channel.send('x')), outcome(() => channel.send()), outcome(() => channel.send(new ArrayBuffer(1)))];
    },
    'messages of each kind': async (pair) => {
      const { near, far } = await open(pair);
      const seen = [];
      const view = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4);
      const each = ['', 'text ☎ \ud83d\ude00', 'a\ud800', '\0', 5, null, undefined, { toString: () => 'object' }, true, new ArrayBuffer(0), view.slice().buffer, view, new DataView(view.buffer, 2, 1), new Float32Array([1])];
      for (const data of each) {
        const coming = next(far);
        near.send(data);
        const heard = await coming;
        seen.push(typeof heard === 'string' ? heard : [...new Uint8Array(heard)]);
      }
      return [seen, outcome(() => near.send()), outcome(() => near.send(Symbol('x')))];
    },
    'what follows a Blob comes after it': differs(['before', 100_000, 'behind', 3], 'the W3C’s order; Chromium lets text overtake a Blob', async (pair) => {
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
    }),
    'it goes as it was, and stays what it is': async (pair) => {
      const { near, far } = await open(pair);
      const octets = new Uint8Array([1, 2, 3]);
      const heard = next(far);
      near.send(octets);
      octets[0] = 9;
      return [[...new Uint8Array(await heard)], octets.byteLength, octets.buffer.byteLength];
    },
    'a message that is too large': async (pair) => {
      const { near, far } = await open(pair);
      const { maxMessageSize } = pair.a.sctp;
      const heard = next(far);
      const seen = [maxMessageSize, outcome(() => near.send(new ArrayBuffer(maxMessageSize + 1))), outcome(() => near.send(new Blob([new ArrayBuffer(maxMessageSize + 1)])))];
      near.send(new ArrayBuffer(maxMessageSize));
      return [...seen, (await heard).byteLength, near.readyState];
    },
    'what was sent before the close arrives': async (pair) => {
      const { near, far } = await open(pair);
      let octets = 0;
      far.onmessage = ({ data }) => {
        octets += data.byteLength;
      };
      const gone = event(far, 'close');
      for (let i = 0; i < 32; i += 1) near.send(new ArrayBuffer(65_536));
      near.close();
      await gone;
      return octets;
    },
  },

  close: {
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
    'both at once': async (pair) => {
      const { near, far } = await open(pair);
      const [here, there] = [watch(near, 'close', 'error'), watch(far, 'close', 'error')];
      const both = Promise.all([event(near, 'close'), event(far, 'close')]);
      near.close();
      far.close();
      await both;
      return [here, there];
    },
    'before it was open': async ({ a }) => {
      const channel = a.createDataChannel('x');
      const seen = watch(channel, 'open', 'closing', 'close', 'error');
      const gone = event(channel, 'close');
      channel.close();
      const at = channel.readyState;
      await gone;
      return [at, seen];
    },
  },

  onopen: {
    'as handlers are': handler(fresh, 'onopen'),
    'it comes once': async (pair) => {
      const seen = [];
      const came = event(pair.z, 'datachannel');
      const channel = pair.a.createDataChannel('x');
      channel.onopen = (told) => seen.push(told.type, told.bubbles, channel.readyState);
      const { channel: far } = await came;
      if (channel.readyState !== 'open') await event(channel, 'open');
      const heard = next(far);
      channel.send('x');
      await heard;
      return seen;
    },
  },
  onmessage: {
    'as handlers are': handler(fresh, 'onmessage'),
    'its event': async (pair) => {
      const { near, far } = await open(pair);
      const heard = new Promise((resolve) => {
        far.onmessage = resolve;
      });
      near.send('x');
      const message = await heard;
      return [message instanceof MessageEvent, message.type, message.lastEventId, message.source, message.origin, message.ports.length, message.bubbles, message.cancelable, message.target === far];
    },
    'in its turn among listeners': async (pair) => {
      const { near, far } = await open(pair);
      const seen = [];
      near.addEventListener('message', () => seen.push('first'));
      near.onmessage = () => seen.push('never');
      near.addEventListener('message', () => seen.push('last'));
      // Another handler takes the place of the one before.
      near.onmessage = function handle(message) {
        seen.push(`handler ${this === near} ${message.currentTarget === near}`);
      };
      const object = { handleEvent: () => seen.push('object') };
      near.addEventListener('message', object);
      let heard = next(near);
      far.send('x');
      await heard;
      near.onmessage = null;
      near.removeEventListener('message', object);
      heard = next(near);
      far.send('y');
      await heard;
      return seen;
    },
  },
  onbufferedamountlow: { 'as handlers are': handler(fresh, 'onbufferedamountlow') },
  onclosing: {
    'as handlers are': handler(fresh, 'onclosing'),
    // Chromium does not always say so.
    'the other side hears it before the end': ours(['closing'], async (pair) => {
      const { near, far } = await open(pair);
      const seen = [];
      far.onclosing = () => seen.push(far.readyState);
      const gone = event(far, 'close');
      near.close();
      await gone;
      return seen;
    }),
  },
  onclose: {
    'as handlers are': handler(fresh, 'onclose'),
    'what the other side hears when the connection goes': differs(['closing (closing)', 'close (closed)'], 'the call goes on: its channels are closed, nothing is torn', async (pair) => {
      const { far } = await open(pair);
      const seen = watch(far, 'closing', 'error', 'close');
      const gone = new Promise((resolve) => {
        far.onclose = resolve;
      });
      pair.a.close();
      await gone;
      return seen;
    }),
  },
  onerror: {
    'as handlers are': handler(fresh, 'onerror'),
    'one that is refused is an error, told as the W3C tells one': ours(['error', true, 'data-channel-failure', 'closed'], async ({ a, z }) => {
      z.onchannelrequest = (request) => request.refuse();
      const channel = a.createDataChannel('x');
      const failed = new Promise((resolve) => {
        channel.onerror = resolve;
      });
      const { type, error } = await failed;
      return [type, error instanceof RTCError, error.errorDetail, channel.readyState];
    }),
  },

  endpoint: {
    'the other party, unless it is said': ours(['ue', 'server', 'TypeError', 'ue'], async (pair) => [
      pair.a.createDataChannel('x').endpoint, pair.a.createDataChannel('x', { endpoint: 'server' }).endpoint,
      outcome(() => pair.a.createDataChannel('x', { endpoint: 'bootstrap' }).endpoint), (await open(pair)).far.endpoint,
    ]),
    'both ends have it': ours('server', async (pair) => (await open(pair, { endpoint: 'server' })).far.endpoint),
  },
  appId: { 'both ends have it': ours(['test', 'test'], async (pair) => Object.values(await open(pair)).map(({ appId }) => appId)) },
};
