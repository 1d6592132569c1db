// SIP for stacks that have none: SIP.js registers over W2 and calls, and the SDP is a peer's of data channels.

import { sipjsForNode } from '../../harness/sipjs.js';

/** Who calls and is called, for any number of peers at a time. */
export class Signalling {
  /** Registers by Digest. */
  static async start({ w2, name, domain, password }) {
    const { Inviter, Registerer, SessionState, UserAgent } = await sipjsForNode();
    const self = new Signalling();
    const identity = UserAgent.makeURI(`sip:${name}@${domain}`);
    Object.assign(self, { Inviter, SessionState, UserAgent, identity, waiting: new Map() });
    self.ua = new UserAgent({
      uri: identity,
      authorizationUsername: `${name}@${domain}`,
      authorizationPassword: password,
      transportOptions: { server: w2 },
      sessionDescriptionHandlerFactory: () => new Description(),
      delegate: { onInvite: (invitation) => self.#called(invitation) },
      logLevel: 'error',
    });
    await self.ua.start();
    await new Promise((resolve, reject) => {
      const onReject = ({ message }) => reject(new Error(`REGISTER of ${name}: ${message.statusCode}`));
      void new Registerer(self.ua, { expires: 600 }).register({ requestDelegate: { onAccept: () => resolve(), onReject } });
    });
    return self;
  }

  /** The peer that answers the call whose Subject says this. */
  expect(subject, peer) {
    return new Promise((resolve, reject) => this.waiting.set(subject, { peer, resolve, reject }));
  }

  /** Calls with a peer's offer, until it is answered. */
  async call(target, subject, peer) {
    const uri = typeof target === 'string' ? this.UserAgent.makeURI(target) : target;
    const inviter = new this.Inviter(this.ua, uri, {
      extraHeaders: [`Subject: ${subject}`],
      sessionDescriptionHandlerOptions: { peer },
    });
    await new Promise((resolve, reject) => {
      inviter.stateChange.addListener((state) => {
        if (state === this.SessionState.Established) resolve();
        if (state === this.SessionState.Terminated) reject(new Error(`${subject}: ended before it was answered`));
      });
      const onReject = ({ message }) => reject(new Error(`${subject}: ${message.statusCode} ${message.reasonPhrase}`));
      inviter.invite({ requestDelegate: { onReject } }).catch(reject);
    });
    return inviter;
  }

  async stop() {
    await this.ua.stop();
  }

  #called(invitation) {
    const subject = invitation.request.getHeader('Subject');
    const { peer, resolve, reject } = this.waiting.get(subject) ?? {};
    if (!peer) return void invitation.reject();
    this.waiting.delete(subject);
    invitation
      .accept({ sessionDescriptionHandlerOptions: { peer } })
      .then(() => resolve(invitation), reject);
  }
}

/** What SIP.js asks of a description: a peer's. */
class Description {
  #offered = null;
  #asked = false;
  #peer = null;

  hasDescription(type) {
    return type === 'application/sdp';
  }

  async getDescription({ peer }) {
    this.#peer = peer;
    this.#asked = true;
    const sdp = this.#offered ? await peer.answer({ sdp: this.#offered }) : await peer.offer();
    return { body: sdp, contentType: 'application/sdp' };
  }

  async setDescription(sdp) {
    if (this.#asked) await this.#peer.answered({ sdp });
    else this.#offered = sdp;
  }

  holdModifier(description) {
    return Promise.resolve(description);
  }

  rollbackDescription() {
    return Promise.resolve();
  }

  sendDtmf() {
    return false;
  }

  close() {
    this.#peer?.end();
  }
}
