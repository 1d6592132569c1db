// Runs in the browser. RTCPeerConnection, member by member: what W3C WebRTC 1.0 §4.4 says of each, asked of the adapted object and of the
// browser's own; and what TS.66 has more. Each case does something with a pair and answers with what it has seen.

import { differs, event, handler, later, next, open, ours, outcome, pause, pick, watch } from './support.js';

const connection = ({ a }) => a;
const PHONES = 'signalling, media and keys are the phone’s';

/** No description is shown, whatever there is. */
const described = (member) => ({
  of: member,
  ...differs([null, 'TypeError'], PHONES, async (pair) => {
    await open(pair);
    return [pair.a[member] && 'there', /current|pending/.test(member) || pair.a[member] ? 'TypeError' : outcome(() => (pair.a[member] = 'y'))];
  }),
});

/** What a pending description is while nothing is pending: nothing, for both. */
const pending = (member) => ({
  of: member,
  run: async (pair) => {
    await open(pair);
    while (pair.a.signalingState !== 'stable') await pause(10);
    return pair.a[member];
  },
});

const thrown = (member, given = () => []) => ({ of: member, ...differs('NotSupportedError', PHONES, (pair) => outcome(() => pair.a[member](...given(pair)))) });
const rejected = (member, given = () => []) => ({ of: member, ...differs('NotSupportedError', PHONES, (pair) => later(pair.a[member](...given(pair)))) });
const media = (member) => ({ of: member, run: ({ a }) => [Array.isArray(a[member]()), a[member]().length] });

/** What `getStats` says of channels, without what differs from one run to the next. */
function figures(report) {
  const seen = [];
  for (const each of report.values()) if (each.type === 'data-channel') seen.push(pick(each, ['type', 'label', 'protocol', 'state', 'messagesSent', 'bytesSent', 'messagesReceived', 'bytesReceived']));
  return seen.sort((one, other) => (one.label < other.label ? -1 : 1));
}

export const MEMBERS = {
  constructor: {
    'of any kind it takes a dictionary': ({ global }) => [...[[], [undefined], [null], [{}], [{ other: 1 }], [() => {}], [5], ['x']].map((given) => outcome(() => {
      const made = new global.RTCPeerConnection(...given);
      made.close();
      return made.constructor === global.RTCPeerConnection;
    })), outcome(() => global.RTCPeerConnection())],
    'what it says it is': ({ a, global }) => [String(a), a instanceof global.RTCPeerConnection, a instanceof EventTarget, a.constructor.name, a.constructor.length],
    'an association that is none, or over': ours(['TypeError', 'InvalidStateError'], ({ global }) => {
      const service = new global.RTCPeerSignallingService();
      service.close();
      return [{}, service].map((signallingService) => outcome(() => new global.RTCPeerConnection({ signallingService }).constructor));
    }),
    'it associates by itself': ours(['associated', 'closed'], async ({ a }) => {
      const { signallingService } = a.getConfiguration();
      await signallingService.associate();
      const state = signallingService.state;
      signallingService.close();
      return [state, a.constructor && signallingService.state];
    }),
  },

  createDataChannel: {
    'arguments that cannot be': ({ a }) =>
      [
        [], ['x', 5], ['x', 'y'], ['x', { maxRetransmits: 1, maxPacketLifeTime: 1 }], ['x', { negotiated: true }], ['x', { negotiated: true, id: 65_535 }],
        ['x', { negotiated: true, id: 65_536 }], ['x', { negotiated: true, id: -1 }], ['x'.repeat(65_536)], ['\u00fc'.repeat(32_768)],
        ['x', { protocol: 'x'.repeat(65_536) }], [Symbol('x')],
      ].map((given) => outcome(() => a.createDataChannel(...given))),
    'a priority that cannot be': differs('TypeError', 'the browser does not know priority, a later text of the W3C', ({ a }) => outcome(() => a.createDataChannel('x', { priority: 'urgent' }))),
    'arguments that can be': ({ a }) => [['x', null], ['x', undefined], ['x', () => {}], ['x', {}, 5], ['x', { other: 1 }]].map((given) => outcome(() => a.createDataChannel(...given))),
    'it needs a label': ({ a }) => [a.createDataChannel.length, outcome(() => a.createDataChannel())],
    'more than an application may have': ours([64, 'OperationError'], async ({ a }) => {
      const all = Array.from({ length: 65 }, () => a.createDataChannel('x'));
      await event(all[64], 'close');
      let refused = '';
      const more = a.createDataChannel('y');
      more.onerror = ({ error }) => {
        refused = error.errorDetail === 'data-channel-failure' ? 'OperationError' : error.name;
      };
      await event(more, 'close');
      return [all.filter(({ readyState }) => readyState !== 'closed').length, refused];
    }),
    'a QoS hint that is no word': ours('close', async ({ a }) => (await event(a.createDataChannel('x', { qosHint: 'a\r\nb' }), 'close')).type),
  },

  close: {
    'it says so at once': async (pair) => {
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
    'its channels then': differs(['closed', []], 'the W3C’s way; Chromium tells of it later and by events', async (pair) => {
      const { near, far } = await open(pair);
      const seen = watch(near, 'closing', 'close', 'error');
      const told = event(near, 'close');
      const gone = event(far, 'close');
      pair.a.close();
      const at = near.readyState;
      await gone;
      // Who tells of it does so in this time.
      await Promise.race([told, pause(3_000)]);
      return [at, seen];
    }),
  },

  getConfiguration: {
    'what nobody has said': ({ a }) => {
      const { bundlePolicy, iceServers, iceTransportPolicy, rtcpMuxPolicy, iceCandidatePoolSize, certificates } = a.getConfiguration();
      return { bundlePolicy, iceServers, iceTransportPolicy, rtcpMuxPolicy, iceCandidatePoolSize, certificates: certificates?.length };
    },
    'its association': ours([true, true], ({ a, global }) => {
      const { signallingService } = a.getConfiguration();
      return [signallingService instanceof global.RTCPeerSignallingService, a.getConfiguration().signallingService === signallingService];
    }),
  },
  setConfiguration: {
    'it is kept': ({ a }) => {
      a.setConfiguration({ iceTransportPolicy: 'relay' });
      return a.getConfiguration().iceTransportPolicy;
    },
    'once it is closed': ({ a }) => {
      a.close();
      return outcome(() => a.setConfiguration({}));
    },
    'another association': ours('InvalidModificationError', ({ a, global }) => outcome(() => a.setConfiguration({ signallingService: new global.RTCPeerSignallingService() }))),
  },

  signalingState: {
    'when all is agreed, and closed': async (pair) => {
      await open(pair);
      while (pair.a.signalingState !== 'stable') await pause(10);
      const seen = [pair.a.signalingState];
      pair.a.close();
      return [...seen, pair.a.signalingState];
    },
  },
  connectionState: {
    'before there is a channel': ({ a }) => a.connectionState,
    'once there is one': async (pair) => {
      await open(pair);
      const { a } = pair;
      // A browser's may have a channel before it says that it is connected.
      while (a.connectionState !== 'connected') await pause(10);
      return a.connectionState;
    },
    'while the call looks for its way, and at its end': ours(['disconnected', 'connected', 'failed'], async (pair) => {
      await open(pair);
      const [call] = pair.calls;
      const seen = [];
      for (const interrupted of [true, false]) {
        const changed = event(pair.a, 'connectionstatechange');
        call.interrupted = interrupted;
        call.emit('media', !interrupted);
        await changed;
        seen.push(pair.a.connectionState);
      }
      const changed = event(pair.a, 'connectionstatechange');
      call.end();
      await changed;
      return [...seen, pair.a.connectionState];
    }),
  },
  iceConnectionState: {
    'before there is a channel, and once there is one': async (pair) => {
      const before = pair.a.iceConnectionState;
      await open(pair);
      while (!['connected', 'completed'].includes(pair.a.iceConnectionState)) await pause(10);
      return [before, 'connected'];
    },
  },
  iceGatheringState: {
    'once there is a channel': async (pair) => {
      await open(pair);
      while (pair.a.iceGatheringState !== 'complete') await pause(10);
      return pair.a.iceGatheringState;
    },
  },
  sctp: {
    'nothing before, and the limits after': async (pair) => {
      const before = pair.a.sctp;
      await open(pair);
      const { sctp } = pair.a;
      return [before, sctp.state, sctp.maxMessageSize, sctp.maxChannels, sctp === pair.a.sctp];
    },
    'when the connection is closed': async (pair) => {
      await open(pair);
      const { sctp } = pair.a;
      pair.a.close();
      return sctp.state;
    },
  },

  getStats: {
    'what went through a channel': async (pair) => {
      const { near, far } = await open(pair, { protocol: 'p' }, 'counted');
      let heard = next(far);
      near.send('gr\u00fc\u00dfe');
      await heard;
      heard = next(far);
      near.send(new ArrayBuffer(1000));
      await heard;
      heard = next(near);
      far.send('x');
      await heard;
      return [figures(await pair.a.getStats()), figures(await pair.z.getStats())];
    },
    'its report': async (pair) => {
      const { near } = await open(pair);
      const report = await pair.a.getStats();
      const [id, channel] = [...report].find(([, each]) => each.type === 'data-channel');
      return [
        String(report), report.has(id), report.get(id).type, report.has('x'), report.get('x'), report.size === [...report.keys()].length, [...report.entries()].length === [...report.values()].length,
        channel.id === id, channel.dataChannelIdentifier === near.id, Math.abs(channel.timestamp - performance.timeOrigin - performance.now()) < 60_000, outcome(() => report.set('x', 1)),
        outcome(() => report.forEach((each, key) => { if (each.id !== key) throw new RangeError(); })),
      ];
    },
    'channels that have been': async (pair) => {
      const [one, other] = [await open(pair), await open(pair, {}, 'y')];
      const gone = event(other.near, 'close');
      other.near.close();
      await gone;
      const report = await pair.a.getStats();
      const whole = [...report.values()].find(({ type }) => type === 'peer-connection');
      return [one.near.readyState, pick(whole, ['dataChannelsOpened', 'dataChannelsClosed']), figures(report).map(({ label }) => label)];
    },
    'nothing of the call': ours(['data-channel', 'peer-connection'], async (pair) => {
      await open(pair);
      return [...new Set([...(await pair.a.getStats()).values()].map(({ type }) => type))].sort();
    }),
    'of a track, or of what is none': ({ a }) => Promise.all([later(a.getStats(null)), later(a.getStats(new MediaStreamTrackGenerator({ kind: 'audio' }))), outcome(() => a.getStats.length)]),
  },

  ondatachannel: {
    'as handlers are': handler(connection, 'ondatachannel'),
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
      return seen;
    },
  },
  onchannelrequest: {
    'as handlers are': handler(connection, 'onchannelrequest', { expected: [[null, null, null, null, 'kept', 'kept'], ['before', true, true, 'after']] }),
    'who does nothing takes it': ours(['x', 'open'], async (pair) => {
      let asked = '';
      pair.z.onchannelrequest = ({ label }) => {
        asked = label;
      };
      return [(await open(pair)).far.label, asked && 'open'];
    }),
  },
  onconnectionstatechange: { 'as handlers are': handler(connection, 'onconnectionstatechange') },
  oniceconnectionstatechange: { 'as handlers are': handler(connection, 'oniceconnectionstatechange') },
  onsignalingstatechange: { 'as handlers are': handler(connection, 'onsignalingstatechange') },
  onicegatheringstatechange: { 'as handlers are': handler(connection, 'onicegatheringstatechange') },
  onicecandidate: { 'as handlers are': handler(connection, 'onicecandidate') },
  onicecandidateerror: { 'as handlers are': handler(connection, 'onicecandidateerror') },
  onnegotiationneeded: { 'as handlers are': handler(() => new RTCPeerConnection(), 'onnegotiationneeded') },
  ontrack: { 'as handlers are': handler(connection, 'ontrack') },

  localDescription: { 'it is not shown': described('localDescription') },
  remoteDescription: { 'it is not shown': described('remoteDescription') },
  currentLocalDescription: { 'it is not shown': described('currentLocalDescription') },
  currentRemoteDescription: { 'it is not shown': described('currentRemoteDescription') },
  pendingLocalDescription: { 'nothing is pending': pending('pendingLocalDescription') },
  pendingRemoteDescription: { 'nothing is pending': pending('pendingRemoteDescription') },
  canTrickleIceCandidates: { 'it is not known': ({ a }) => a.canTrickleIceCandidates },
  getSenders: { 'the media are the call’s': media('getSenders') },
  getReceivers: { 'the media are the call’s': media('getReceivers') },
  getTransceivers: { 'the media are the call’s': media('getTransceivers') },
  addTrack: { 'it is the phone’s': thrown('addTrack', () => [new MediaStreamTrackGenerator({ kind: 'audio' })]) },
  removeTrack: { 'it is the phone’s': thrown('removeTrack') },
  addTransceiver: { 'it is the phone’s': thrown('addTransceiver', () => ['audio']) },
  restartIce: { 'it is the phone’s': thrown('restartIce') },
  createOffer: { 'it is the phone’s': rejected('createOffer') },
  createAnswer: { 'it is the phone’s': rejected('createAnswer') },
  setLocalDescription: { 'it is the phone’s': rejected('setLocalDescription') },
  setRemoteDescription: { 'it is the phone’s': rejected('setRemoteDescription', () => [{ type: 'offer', sdp: '' }]) },
  addIceCandidate: { 'it is the phone’s': rejected('addIceCandidate', () => [{ candidate: '' }]) },
  generateCertificate: {
    'it is the phone’s': differs('NotSupportedError', PHONES, ({ global }) => later(global.RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' }))),
  },
};
