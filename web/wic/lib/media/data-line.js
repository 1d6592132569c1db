/**
 * The m-line of data channels, where Chromium has lost it: once its first offer of one was taken back (491), it offers none any
 * more on that connection. An offer of the far end's with the m-line refused makes it forget, and here is one that only the
 * browser sees. Should ours be taken back again, that m-line is still the browser's alone, and is kept from the far end.
 */
export class DataLine {
  #pc;
  /** The m-line's identification in our last offer of one. */
  #mid = '';

  /** @param {RTCPeerConnection} peerConnection */
  constructor(peerConnection) {
    this.#pc = peerConnection;
  }

  /** @param {string | undefined} sdp an offer of ours, as the browser has it */
  noteOffer(sdp = '') {
    const section = sections(sdp).find((each) => each.startsWith('m=application '));
    this.#mid = /^a=mid:(\S+)/m.exec(section ?? '')?.[1] ?? this.#mid;
  }

  /** Makes the browser offer its m-line again. Nothing else changes: it is the far end's last description. */
  async restore() {
    const remote = this.#pc.currentRemoteDescription?.sdp;
    if (!remote || this.#mid === '' || this.#pc.signalingState !== 'stable') return;
    const refused = `m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:${this.#mid}\r\na=sctp-port:5000\r\n`;
    const kept = sections(remote).filter((each) => !isRefused(each));
    await this.#pc.setRemoteDescription({ type: 'offer', sdp: `${kept.join('')}${refused}` });
    await this.#pc.setLocalDescription(await this.#pc.createAnswer());
  }

  /**
   * An offer of the far end that does not know the browser's m-line.
   * @param {string} offer
   * @returns {{ offer: string, own: (answer: string) => string }} the offer for the browser, and what to do with its answer
   */
  pad(offer) {
    const [known, offered] = [sections(this.#pc.currentRemoteDescription?.sdp ?? ''), sections(offer)];
    const missing = known.slice(offered.length);
    if (missing.length === 0 || !missing.every(isRefused)) return { offer, own: (answer) => answer };
    return { offer: `${offer}${missing.join('')}`, own: (answer) => sections(answer).slice(0, offered.length).join('') };
  }
}

/** What is before the first m-line, and each m-line with what belongs to it. @param {string} sdp */
function sections(sdp) {
  return sdp.split(/(?=^m=)/m);
}

/** @param {string} section */
function isRefused(section) {
  return /^m=application 0 /.test(section);
}
