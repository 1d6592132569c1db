// Runs in the browser. RTCPeerSignallingService, member by member. GSMA's page names it; its members are proposed, so there is nothing
// of the browser's to ask: each case says what is expected. docs/ts66.md has the words for it.

import { event, fixed, handler, later, open, ours, outcome, pause } from './support.js';

/** A service of an application in the call, associated. */
async function associated({ global }, init) {
  const service = new global.RTCPeerSignallingService(init);
  await service.associate();
  return service;
}

/** What it tells, in order, each with what it says of itself then. */
function told(service) {
  const seen = [];
  for (const type of ['statechange', 'sessionchange', 'associationlost']) service.addEventListener(type, () => seen.push(`${type} (${service.state}, ${service.sessionState})`));
  return seen;
}

/** The call becomes another one in this, and its applications have been told. */
async function becomes({ calls: [call] }, service, what) {
  const changed = event(service, 'sessionchange');
  Object.assign(call, what);
  call.emit('change', null);
  await changed;
}

const fresh = ({ global }) => new global.RTCPeerSignallingService();
const constant = (member) => ({ ...fixed(fresh, member), expected: ['TypeError', true] });
const handled = (member) => handler(fresh, member, { expected: [[null, null, null, null, 'kept', 'kept'], ['before', true, true, 'after']] });

export const MEMBERS = {
  constructor: {
    'of any kind it takes a dictionary': ours(['an object', 'an object', 'an object', 'an object', 'TypeError', 'TypeError', 'TypeError'], ({ global }) => [
      ...[undefined, null, {}, { other: 1 }, 5, 'x'].map((init) => outcome(() => new global.RTCPeerSignallingService(init).constructor && {})),
      outcome(() => global.RTCPeerSignallingService()),
    ]),
    'what it says it is': ours(['[object RTCPeerSignallingService]', true, 'RTCPeerSignallingService', 0], (pair) => {
      const service = fresh(pair);
      return [String(service), service instanceof EventTarget, service.constructor.name, service.constructor.length];
    }),
  },
  associate: {
    'with the call that it is in': ours(['fulfilled', 'associated'], async (pair) => {
      const service = fresh(pair);
      return [await later(service.associate()), service.state];
    }),
    'a second time it is the first': ours([true, 'fulfilled', ['statechange (associating, null)', 'statechange (associated, active)']], async (pair) => {
      const service = fresh(pair);
      const seen = told(service);
      const [one, other] = [service.associate(), service.associate()];
      return [one === other, await later(other), seen];
    }),
    'by the names that it has': ours(['fulfilled', 'fulfilled'], async (pair) => {
      const { sessionId, appId } = await associated(pair);
      return [await later(new pair.global.RTCPeerSignallingService({ sessionId, appId }).associate()), await later(new pair.global.RTCPeerSignallingService({ appId }).associate())];
    }),
    'another application’s id': ours(['NotAllowedError', 'failed'], async ({ global }) => {
      const service = new global.RTCPeerSignallingService({ appId: 'menu' });
      return [await later(service.associate()), service.state];
    }),
    'another session': ours('NotFoundError', ({ global }) => later(new global.RTCPeerSignallingService({ sessionId: 'another' }).associate())),
    'no data channels in the network': ours('NotSupportedError', (pair) => later(fresh({ global: pair.application({ network: () => false }) }).associate())),
    'who may not': ours('NotAllowedError', (pair) => later(fresh({ global: pair.application({ permit: () => Promise.reject(new DOMException('no', 'NotAllowedError')) }) }).associate())),
    'a call that has ended': ours('NotFoundError', (pair) => {
      pair.calls[0].state = 'ended';
      return later(fresh(pair).associate());
    }),
    'once it is over': ours(['InvalidStateError', 'InvalidStateError'], async (pair) => {
      const [service, refused] = [await associated(pair), new pair.global.RTCPeerSignallingService({ appId: 'menu' })];
      service.close();
      await later(refused.associate());
      return [await later(service.associate()), await later(refused.associate())];
    }),
    'its connections end where it is refused': ours(['NotAllowedError', ['error (closed)', 'close (closed)'], 'failed'], async ({ global }) => {
      const signallingService = new global.RTCPeerSignallingService({ appId: 'menu' });
      const connection = new global.RTCPeerConnection({ signallingService });
      const refused = later(signallingService.associate());
      const channel = connection.createDataChannel('x');
      const seen = [];
      for (const type of ['open', 'error', 'close']) channel.addEventListener(type, () => seen.push(`${type} (${channel.readyState})`));
      await event(channel, 'close');
      return [await refused, seen, connection.connectionState];
    }),
  },
  close: {
    'before it was associated': ours('closed', (pair) => {
      const service = fresh(pair);
      service.close();
      service.close();
      return service.state;
    }),
    'while it is asked for': ours(['AbortError', 'closed'], async (pair) => {
      const service = fresh(pair);
      const asked = later(service.associate());
      service.close();
      return [await asked, service.state];
    }),
    'its channels end, and another association’s and the call do not': ours(['closed', 'open', 'connected'], async (pair) => {
      const service = await associated(pair);
      const connection = new pair.global.RTCPeerConnection({ signallingService: service });
      const own = (await open({ a: connection, z: pair.z })).near;
      const other = (await open(pair)).near;
      service.close();
      return [own.readyState, other.readyState, pair.calls[0].state];
    }),
    'the last one takes all channels with it at the other side': ours('closed', async (pair) => {
      const service = await associated(pair);
      const connection = new pair.global.RTCPeerConnection({ signallingService: service });
      const { far } = await open({ a: connection, z: pair.z });
      const gone = event(far, 'close');
      service.close();
      await gone;
      return far.readyState;
    }),
  },
  state: {
    'from the first to the last': ours(['new', 'associating', 'associated', 'closed'], async (pair) => {
      const service = fresh(pair);
      const seen = [service.state];
      service.onstatechange = () => seen.push(service.state);
      await service.associate();
      service.close();
      return seen;
    }),
    'where it is refused': ours(['associating', 'failed'], async ({ global }) => {
      const service = new global.RTCPeerSignallingService({ appId: 'menu' });
      const seen = [];
      service.onstatechange = () => seen.push(service.state);
      await later(service.associate());
      return seen;
    }),
    'it cannot be written': constant('state'),
  },
  sessionId: {
    'it is given with the association, and says nothing of who talks': ours([null, true, true], async (pair) => {
      const service = fresh(pair);
      const before = service.sessionId;
      await service.associate();
      return [before, /^[\w-]{8,}$/.test(service.sessionId), service.sessionId === (await associated(pair)).sessionId];
    }),
    'it cannot be written': constant('sessionId'),
  },
  appId: {
    'it is the runtime’s': ours([null, 'test', 'x'], async (pair) => [fresh(pair).appId, (await associated(pair)).appId, new pair.global.RTCPeerSignallingService({ appId: 'x' }).appId]),
    'it cannot be written': constant('appId'),
  },
  sessionState: {
    'what becomes of the call': ours([null, 'active', 'held', 'active', 'held', 'active', 'interrupted', 'active'], async (pair) => {
      const seen = [fresh(pair).sessionState];
      const service = await associated(pair);
      seen.push(service.sessionState);
      for (const [what, is] of [['held', true], ['held', false], ['heldByRemote', true], ['heldByRemote', false], ['interrupted', true], ['interrupted', false]]) {
        await becomes(pair, service, { [what]: is });
        seen.push(service.sessionState);
      }
      return seen;
    }),
    'before it is answered': ours(['early', 'active'], async (pair) => {
      pair.calls[0].state = 'ringing';
      const service = await associated(pair);
      const seen = [service.sessionState];
      await becomes(pair, service, { state: 'connected' });
      return [...seen, service.sessionState];
    }),
    'data flow on in a held call': ours(['held', 'x'], async (pair) => {
      const service = await associated(pair);
      const { near, far } = await open(pair);
      await becomes(pair, service, { held: true });
      const heard = event(far, 'message');
      near.send('x');
      return [service.sessionState, (await heard).data];
    }),
    'it ends': ours('ended', async (pair) => {
      const service = await associated(pair);
      const lost = event(service, 'associationlost');
      pair.calls[0].end();
      await lost;
      return service.sessionState;
    }),
    'it cannot be written': constant('sessionState'),
  },
  sessionMedia: {
    'sound, and a picture while there is one': ours([[], ['audio'], ['audio', 'video'], ['audio'], true], async (pair) => {
      const seen = [fresh(pair).sessionMedia];
      const service = await associated(pair);
      seen.push(service.sessionMedia);
      for (const hasVideo of [true, false]) {
        await becomes(pair, service, { hasVideo });
        seen.push(service.sessionMedia);
      }
      return [...seen, Object.isFrozen(service.sessionMedia)];
    }),
    'it cannot be written': ours('TypeError', (pair) => outcome(() => (fresh(pair).sessionMedia = []))),
  },
  networkSupportsDataChannel: {
    'as the network says, or null': ours([null, null, true], async (pair) => [
      fresh(pair).networkSupportsDataChannel, (await associated(pair)).networkSupportsDataChannel,
      (await associated({ global: pair.application({ network: () => true }) })).networkSupportsDataChannel,
    ]),
    'it cannot be written': constant('networkSupportsDataChannel'),
  },
  remoteSupportsDataChannel: {
    'null until a channel says so': ours([null, true], async (pair) => {
      const service = await associated(pair);
      const seen = [service.remoteSupportsDataChannel];
      const changed = event(service, 'sessionchange');
      await open(pair);
      await changed;
      return [...seen, service.remoteSupportsDataChannel];
    }),
    'as the other party has said': ours(true, async (pair) => {
      pair.calls[0].farDataChannels = true;
      return (await associated(pair)).remoteSupportsDataChannel;
    }),
    'it cannot be written': constant('remoteSupportsDataChannel'),
  },
  onstatechange: { 'as handlers are': handled('onstatechange') },
  onsessionchange: { 'as handlers are': handled('onsessionchange') },
  onassociationlost: {
    'as handlers are': handled('onassociationlost'),
    'the call is handed over: what was is over, and another association is another session': ours(
      [['associationlost (associated, ended)', 'statechange (closed, ended)'], 'closed', 'failed', 'InvalidStateError', true, 'open', 'connected'],
      async (pair) => {
        const service = await associated(pair);
        const connection = new pair.global.RTCPeerConnection({ signallingService: service });
        const { near, far } = await open({ a: connection, z: pair.z });
        const seen = told(service);
        const gone = Promise.all([event(near, 'close'), event(far, 'close')]);
        const lost = new Promise((resolve) => {
          service.onassociationlost = resolve;
        });
        pair.calls[0].emit('party', null);
        await Promise.all([gone, lost]);
        const again = await associated(pair);
        const other = new pair.global.RTCPeerConnection({ signallingService: again });
        return [
          seen, near.readyState, connection.connectionState, await later(service.associate()), again.sessionId !== service.sessionId,
          (await open({ a: other, z: pair.z })).near.readyState, pair.calls[0].state,
        ];
      },
    ),
    'the call ends: first that, then its state': ours([['associationlost (associated, ended)', 'statechange (closed, ended)'], ['close (closed)']], async (pair) => {
      const service = await associated(pair);
      const { near } = await open(pair);
      const seen = told(service);
      const heard = [];
      for (const type of ['closing', 'error', 'close']) near.addEventListener(type, () => heard.push(`${type} (${near.readyState})`));
      const gone = event(near, 'close');
      const lost = new Promise((resolve) => {
        service.onassociationlost = resolve;
      });
      pair.calls[0].end();
      await Promise.all([gone, lost]);
      await pause(0);
      return [seen, heard];
    }),
  },
};
