/**
 * An RTCPeerConnection that keeps the signalling states of W3C WebRTC §4.3.1 and nothing else: a call in the wrong
 * state throws InvalidStateError as a browser does.
 */
export class FakePeerConnection extends EventTarget {
  static made = [];
  signalingState = 'stable';
  connectionState = 'new';
  iceGatheringState = 'new';
  localDescription = null;
  remoteDescription = null;
  currentRemoteDescription = null;
  transceivers = [];
  /** The m-lines that both sides know, each with its transceiver. */
  lines = [];
  /** Those of the offer that waits for its answer. */
  offered = [];
  restarts = 0;
  gathers = true;
  /** The data channels, and their m-line among the others once there is one. */
  channels = [];
  data = { mid: null, currentDirection: null, receiver: { track: { kind: 'application' } } };
  sctp = null;
  log = [];

  constructor(configuration) {
    super();
    this.configuration = configuration;
    FakePeerConnection.made.push(this);
  }

  addTransceiver(trackOrKind, { direction = 'sendrecv' } = {}) {
    const track = typeof trackOrKind === 'string' ? null : trackOrKind;
    const kind = track ? track.kind : trackOrKind;
    const transceiver = {
      mid: null,
      direction,
      currentDirection: null,
      receiver: { track: new FakeTrack(kind) },
      sender: {
        track,
        dtmf: kind === 'audio' ? new FakeDtmf() : null,
        encodings: [{ active: true }],
        async replaceTrack(other) {
          this.track = other;
        },
        getParameters() {
          return { encodings: structuredClone(this.encodings) };
        },
        async setParameters({ encodings }) {
          this.encodings = encodings;
        },
      },
      stop() {
        this.direction = 'stopped';
      },
    };
    this.transceivers.push(transceiver);
    return transceiver;
  }

  createDataChannel(label, init = {}) {
    // A browser takes an id whose stream is being reset for one that is free.
    const inUse = this.channels.find(({ id, readyState }) => id === init.id && (readyState === 'open' || readyState === 'connecting'));
    if (inUse) throw new DOMException(`${init.id} is in use`, 'OperationError');
    const channel = new FakeDataChannel(label, init);
    this.channels.push(channel);
    if (this.sctp) queueMicrotask(() => channel.opens());
    return channel;
  }

  /** The association is up: what both ends know of opens. */
  associate({ maxMessageSize = 262_144 } = {}) {
    this.sctp = { maxMessageSize };
    for (const channel of this.channels) channel.opens();
  }

  getTransceivers = () => this.transceivers;
  getSenders = () => this.transceivers.map(({ sender }) => sender);
  getReceivers = () => this.transceivers.map(({ receiver }) => receiver);

  async createOffer({ iceRestart = false } = {}) {
    if (iceRestart) this.restarts += 1;
    // RFC 9429 §5.2.2: a new transceiver takes an m-line with port 0 before it makes one.
    const lines = [...this.lines];
    for (const transceiver of this.transceivers) {
      if (lines.includes(transceiver) || transceiver.direction === 'stopped') continue;
      const free = lines.findIndex((line) => line.currentDirection === 'stopped');
      if (free >= 0) lines[free] = transceiver;
      else lines.push(transceiver);
    }
    if (this.channels.some(({ readyState }) => readyState !== 'closed') && !lines.includes(this.data)) lines.push(this.data);
    this.offered = lines;
    return { type: 'offer', sdp: this.#sdp('actpass', lines) };
  }

  async createAnswer() {
    this.#need('have-remote-offer');
    return { type: 'answer', sdp: this.#sdp('active', this.lines) };
  }

  async setLocalDescription(description) {
    this.log.push(`local ${description.type}`);
    if (description.type === 'rollback') {
      this.#need('have-local-offer', 'have-remote-pranswer');
      this.signalingState = 'stable';
      for (const each of this.transceivers) if (!this.lines.includes(each)) each.mid = null;
      return;
    }
    if (description.type === 'offer') {
      this.#need('stable', 'have-local-offer');
      this.signalingState = 'have-local-offer';
      this.offered.forEach((each, index) => {
        each.mid = String(index);
      });
    } else {
      this.#need('have-remote-offer');
      this.signalingState = 'stable';
      this.#agree(description.sdp, this.remoteDescription.sdp);
    }
    this.localDescription = description;
    if (this.gathers) this.iceGatheringState = 'complete';
  }

  async setRemoteDescription(description) {
    this.log.push(`remote ${description.type}`);
    if (description.sdp.includes('unacceptable')) throw new DOMException('no common codec', 'OperationError');
    if (description.type === 'offer') {
      this.#need('stable');
      this.signalingState = 'have-remote-offer';
      this.#place(description.sdp);
    } else {
      this.#need('have-local-offer', 'have-remote-pranswer');
      this.signalingState = description.type === 'answer' ? 'stable' : 'have-remote-pranswer';
      if (description.type === 'answer') {
        this.lines = this.offered;
        this.#agree(this.localDescription.sdp, description.sdp);
      }
    }
    this.remoteDescription = description;
  }

  /** RFC 9429 §5.10: each m-line of an offer finds its transceiver, or gets one. */
  #place(sdp) {
    sections(sdp).forEach(({ kind, port }, index) => {
      const line = this.lines[index];
      if ((line && port === 0) || (line && line.currentDirection !== 'stopped')) return;
      if (kind === 'application') {
        this.lines[index] = this.data;
        return;
      }
      // What addTransceiver made is never put into an m-line of the far end.
      this.lines[index] = this.addTransceiver(kind, { direction: 'recvonly' });
      this.lines[index].mid = String(index);
    });
  }

  /** RFC 9429 §5.9 and §5.10: what both have said is what flows. */
  #agree(local, remote) {
    const [ours, theirs] = [sections(local), sections(remote)];
    this.lines.forEach((line, index) => {
      line.mid = String(index);
      const [here, there] = [ours[index], theirs[index]];
      if (line === this.data) {
        if (!here?.port || !there?.port) for (const channel of this.channels) channel.closes('the m-line was rejected');
        line.currentDirection = here?.port && there?.port ? 'sendrecv' : 'stopped';
        return;
      }
      if (!here?.port || !there?.port) {
        line.direction = 'stopped';
        line.currentDirection = 'stopped';
        this.transceivers = this.transceivers.filter((each) => each !== line);
        return;
      }
      const sends = /send/.test(here.direction) && /recv/.test(there.direction);
      const receives = /recv/.test(here.direction) && /send/.test(there.direction);
      line.currentDirection = sends && receives ? 'sendrecv' : sends ? 'sendonly' : receives ? 'recvonly' : 'inactive';
    });
  }

  close() {
    this.connectionState = 'closed';
    this.signalingState = 'closed';
  }

  connection(state) {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  #need(...states) {
    if (!states.includes(this.signalingState)) throw new DOMException(this.signalingState, 'InvalidStateError');
  }

  #sdp(setup, lines) {
    const remote = setup === 'active' ? sections(this.remoteDescription.sdp) : [];
    const media = lines.map((line, index) => {
      if (line === this.data) {
        return `m=application ${remote[index]?.port === 0 ? 0 : 40000} UDP/DTLS/SCTP webrtc-datachannel\r\na=setup:${setup}\r\na=sctp-port:5000\r\n`;
      }
      const { direction, receiver } = line;
      const payload = receiver.track.kind === 'audio' ? '0' : '96';
      // W3C WebRTC §5.4: who stops tells it in an offer; an answer goes on as if it had not been.
      const refused = setup === 'active' ? remote[index]?.port === 0 : direction === 'stopped';
      const lasts = answering(direction, remote[index]?.direction);
      return `m=${receiver.track.kind} ${refused ? 0 : 40000} UDP/TLS/RTP/SAVPF ${payload}\r\na=setup:${setup}\r\na=${refused ? 'inactive' : lasts}\r\na=rtcp-mux\r\n`;
    });
    return `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n${media.join('')}`;
  }
}

/** The m-lines of a description. */
function sections(sdp) {
  return sdp.split(/\r?\n(?=m=)/).slice(1).map((section) => {
    const [, kind, port] = /^m=(\S+) (\d+)/.exec(section);
    const [, direction = 'sendrecv'] = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(section) ?? [];
    return { kind, port: Number(port), direction };
  });
}

/** RFC 3264 §6.1: what we may say to an offer. */
function answering(ours, offered = 'sendrecv') {
  const sends = /send/.test(ours) && /recv/.test(offered);
  const receives = /recv/.test(ours) && /send/.test(offered);
  return sends && receives ? 'sendrecv' : sends ? 'sendonly' : receives ? 'recvonly' : 'inactive';
}

export class FakeTrack extends EventTarget {
  enabled = true;
  readyState = 'live';

  constructor(kind) {
    super();
    this.kind = kind;
  }

  stop() {
    this.readyState = 'ended';
  }
}

/** A data channel of W3C WebRTC §6: its states, and what was sent; the test is the association. */
export class FakeDataChannel extends EventTarget {
  readyState = 'connecting';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  binaryType = 'arraybuffer';
  sent = [];

  constructor(label, { negotiated = false, id = null, protocol = '', ordered = true, maxRetransmits = null, maxPacketLifeTime = null } = {}) {
    super();
    Object.assign(this, { label, negotiated, id, protocol, ordered, maxRetransmits, maxPacketLifeTime });
  }

  send(data) {
    if (this.readyState !== 'open') throw new DOMException(this.readyState, 'InvalidStateError');
    this.sent.push(data);
    this.bufferedAmount += data.length ?? data.byteLength;
  }

  close() {
    if (this.readyState === 'closed' || this.readyState === 'closing') return;
    this.readyState = 'closing';
  }

  // The association's side.

  opens() {
    if (this.readyState !== 'connecting') return;
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }

  receives(data) {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }

  leaves() {
    this.bufferedAmount = 0;
    this.dispatchEvent(new Event('bufferedamountlow'));
  }

  closes(error = null) {
    if (this.readyState === 'closed') return;
    if (this.readyState === 'open' || this.readyState === 'connecting') this.dispatchEvent(new Event('closing'));
    this.readyState = 'closed';
    if (error) this.dispatchEvent(Object.assign(new Event('error'), { error: new DOMException(error, 'OperationError') }));
    this.dispatchEvent(new Event('close'));
  }
}

class FakeDtmf {
  canInsertDTMF = true;
  toneBuffer = '';

  insertDTMF(tones) {
    this.toneBuffer = tones;
  }
}

/** Microphone and camera; a name of a DOMException in `refuse` makes opening fail. */
export class FakeDevices {
  refuse = { audio: '', video: '' };
  opened = [];

  async getUserMedia(constraints) {
    const kind = constraints.audio ? 'audio' : 'video';
    if (this.refuse[kind]) throw new DOMException('refused', this.refuse[kind]);
    const track = new FakeTrack(kind);
    this.opened.push(track);
    return { getTracks: () => [track] };
  }
}
