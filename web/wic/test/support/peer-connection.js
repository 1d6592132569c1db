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
  transceivers = [];
  restarts = 0;
  gathers = true;
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
      direction,
      currentDirection: null,
      receiver: { track: new FakeTrack(kind) },
      sender: {
        track,
        dtmf: kind === 'audio' ? new FakeDtmf() : null,
        async replaceTrack(other) {
          this.track = other;
        },
      },
    };
    this.transceivers.push(transceiver);
    return transceiver;
  }

  getTransceivers = () => this.transceivers;
  getSenders = () => this.transceivers.map(({ sender }) => sender);
  getReceivers = () => this.transceivers.map(({ receiver }) => receiver);

  async createOffer({ iceRestart = false } = {}) {
    if (iceRestart) this.restarts += 1;
    return { type: 'offer', sdp: this.#sdp('actpass') };
  }

  async createAnswer() {
    this.#need('have-remote-offer');
    return { type: 'answer', sdp: this.#sdp('active') };
  }

  async setLocalDescription(description) {
    this.log.push(`local ${description.type}`);
    if (description.type === 'rollback') {
      this.#need('have-local-offer', 'have-remote-pranswer');
      this.signalingState = 'stable';
      return;
    }
    if (description.type === 'offer') {
      this.#need('stable', 'have-local-offer');
      this.signalingState = 'have-local-offer';
    } else {
      this.#need('have-remote-offer');
      this.signalingState = 'stable';
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
      for (const kind of ['audio', 'video']) {
        const offered = description.sdp.includes(`m=${kind} `);
        if (offered && !this.transceivers.some(({ receiver }) => receiver.track.kind === kind)) {
          this.addTransceiver(kind, { direction: 'recvonly' });
        }
      }
    } else {
      this.#need('have-local-offer', 'have-remote-pranswer');
      this.signalingState = description.type === 'answer' ? 'stable' : 'have-remote-pranswer';
    }
    this.remoteDescription = description;
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

  #sdp(setup) {
    const media = this.transceivers.map(({ direction, receiver }) => {
      const payload = receiver.track.kind === 'audio' ? '0' : '96';
      return `m=${receiver.track.kind} 40000 UDP/TLS/RTP/SAVPF ${payload}\r\na=setup:${setup}\r\na=${direction}\r\na=rtcp-mux\r\n`;
    });
    return `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n${media.join('')}`;
  }
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
