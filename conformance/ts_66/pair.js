// Runs in the browser. Two ends of a connection, twice: the browser's own, and the adapted one of ts66 over a call that has
// no SIP in it, only the library's data channels and the browser's connections.

import { systemClock } from '/wic/lib/clock.js';
import { DataChannels } from '/wic/lib/data/channels.js';
import { Emitter } from '/wic/lib/emitter.js';
import { ApplicationHost, interfaces, Link } from '/wic/ts66/index.js';

const CONFIGURATION = { bundlePolicy: 'max-compat', rtcpMuxPolicy: 'require' };

function connections(configuration) {
  const [a, z] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)];
  for (const [one, other] of [[a, z], [z, a]]) {
    one.addEventListener('icecandidate', ({ candidate }) => candidate && other.addIceCandidate(candidate).catch(() => {}));
  }
  return [a, z];
}

/** The browser's own. */
export class NativePair {
  kind = 'native';

  constructor() {
    [this.a, this.z] = connections({});
    this.global = window;
    this.a.addEventListener('negotiationneeded', () => void this.#negotiate());
  }

  async #negotiate() {
    await this.a.setLocalDescription();
    await this.z.setRemoteDescription(this.a.localDescription);
    await this.z.setLocalDescription();
    await this.a.setRemoteDescription(this.z.localDescription);
  }

  close() {
    this.a.close();
    this.z.close();
  }
}

/** A call's worth of data channels. */
class LoopCall extends Emitter {
  state = 'connected';
  held = false;
  heldByRemote = false;
  interrupted = false;
  hasVideo = false;

  constructor(connection, odd) {
    super();
    this.connection = connection;
    this.channels = new DataChannels({ peerConnection: connection, clock: systemClock, who: () => 'Bob', odd });
    this.channels.on('request', (request) => this.emit('channelrequest', request));
  }

  openChannel(init) {
    return this.channels.open(init);
  }

  end() {
    this.state = 'ended';
    this.channels.close();
    this.connection.close();
    this.emit('state', 'ended');
  }
}

/** The adapted one. */
export class AdaptedPair {
  kind = 'adapted';
  #turn = Promise.resolve();

  constructor() {
    this.calls = connections(CONFIGURATION).map((connection, index) => new LoopCall(connection, index === 1));
    this.hosts = this.calls.map((call) => new ApplicationHost({ call, application: { id: 'test' } }));
    const [near, far] = this.hosts.map((host) => {
      const link = new Link();
      link.bind(host.port);
      return interfaces(link);
    });
    this.global = near;
    this.a = new near.RTCPeerConnection();
    this.z = new far.RTCPeerConnection();
    for (const [one, other] of [this.calls, this.calls.toReversed()]) {
      one.channels.on('wanted', () => {
        this.#turn = this.#turn.then(() => negotiate(one, other));
      });
    }
  }

  /** Another application at this end of the call. */
  application(parts) {
    const host = new ApplicationHost({ call: this.calls[0], application: { id: 'test' }, ...parts });
    this.hosts.push(host);
    const link = new Link();
    link.bind(host.port);
    return interfaces(link);
  }

  close() {
    for (const call of this.calls) if (call.state !== 'ended') call.end();
    for (const host of this.hosts) host.close();
  }
}

async function negotiate(from, to) {
  while (from.channels.wanting && from.state === 'connected' && to.state === 'connected') {
    from.channels.begin();
    await from.connection.setLocalDescription();
    const offer = from.channels.describeOffer(from.connection.localDescription.sdp);
    await to.connection.setRemoteDescription({ type: 'offer', sdp: await to.channels.consider(offer) });
    await to.connection.setLocalDescription();
    const answer = to.channels.describeAnswer(to.connection.localDescription.sdp);
    from.channels.applyAnswer(answer);
    await from.connection.setRemoteDescription({ type: 'answer', sdp: answer });
  }
}
