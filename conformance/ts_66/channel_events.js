// Runs in the browser. The events by which RTCPeerConnection tells of a channel, member by member: RTCDataChannelEvent, which is the
// W3C's (WebRTC 1.0 §6.3), and RTCDataChannelRequestEvent, which is proposed.

import { event, open, ours, outcome } from './support.js';

/** The event of a channel that is offered with these words, and the channel. */
async function offered({ a, z }, label, init) {
  const asked = new Promise((resolve) => {
    z.onchannelrequest = (told) => {
      told.preventDefault();
      resolve(told);
    };
  });
  const channel = a.createDataChannel(label, init);
  return { channel, request: await asked };
}

const member = (name, expected) => ours([expected, 'TypeError'], async (pair) => {
  const { request } = await offered(pair, 'l', { protocol: 'p', id: 2_030, endpoint: 'server' });
  const seen = request[name];
  const written = outcome(() => (request[name] = 'y'));
  request.refuse();
  return [seen, written];
});

export const CHANNEL_EVENT = {
  constructor: {
    'what it is made of': ({ a, global }) => {
      const channel = a.createDataChannel('x');
      const { RTCDataChannelEvent } = global;
      const made = new RTCDataChannelEvent('datachannel', { channel, bubbles: true });
      return [
        made.constructor.name, made.bubbles, made instanceof Event, outcome(() => new RTCDataChannelEvent('x')), outcome(() => new RTCDataChannelEvent('x', {})),
        outcome(() => new RTCDataChannelEvent('x', { channel: {} })), outcome(() => new RTCDataChannelEvent()),
      ];
    },
  },
  channel: {
    'the one that it was made with': ({ a, global }) => {
      const channel = a.createDataChannel('x');
      const made = new global.RTCDataChannelEvent('datachannel', { channel });
      return [made.channel === channel, outcome(() => (made.channel = 'y')), made.channel === channel];
    },
    'the one that has come': async (pair) => {
      const came = event(pair.z, 'datachannel');
      pair.a.createDataChannel('x');
      const told = await came;
      return [told.channel.label, told.channel instanceof EventTarget, told instanceof Event];
    },
  },
};

export const REQUEST_EVENT = {
  constructor: {
    'only the runtime makes it': ours('RTCDataChannelRequestEvent', async (pair) => {
      const { request } = await offered(pair, 'x');
      request.refuse();
      return request.constructor.name;
    }),
  },
  label: { 'as it was offered': { of: 'label', ...member('label', 'l') } },
  protocol: { 'as it was offered': { of: 'protocol', ...member('protocol', 'p') } },
  id: { 'as it was offered': { of: 'id', ...member('id', 2_030) } },
  endpoint: { 'as it was offered': { of: 'endpoint', ...member('endpoint', 'server') } },
  accept: {
    'when its application is ready': ours(['open', 'late'], async (pair) => {
      const { channel, request } = await offered(pair, 'late');
      const came = event(pair.z, 'datachannel');
      request.accept();
      const { channel: far } = await came;
      // It has been decided.
      request.refuse();
      if (channel.readyState !== 'open') await event(channel, 'open');
      return [channel.readyState, far.label];
    }),
  },
  refuse: {
    'who offered it hears so': ours([['error', 'close'], 'closed', 'open'], async (pair) => {
      const { channel, request } = await offered(pair, 'no');
      const seen = [];
      for (const type of ['open', 'error', 'close']) channel.addEventListener(type, () => seen.push(type));
      const gone = event(channel, 'close');
      request.refuse();
      request.accept();
      await gone;
      // Another one is another question.
      pair.z.onchannelrequest = null;
      return [seen, channel.readyState, (await open(pair)).near.readyState];
    }),
  },
};
