// A phone of JsSIP or of SIP.js in Chromium, with the same words for both: dial, addVideo, dropVideo, hold, resume, bye.

import { openJssipPage } from './jssip.js';
import { openSipjsPage } from './sipjs.js';

const KINDS = {
  JsSIP: { open: openJssipPage, start: startJssip },
  'SIP.js': { open: openSipjsPage, start: startSipjs },
};

/** Opens a page with one and registers it by token. `account` is what the WWSF gives with the token. */
export async function startForeignPhone(kind, browser, product, account) {
  const page = await KINDS[kind].open(browser, product);
  await page.bringToFront();
  await page.evaluate(KINDS[kind].start, { w2: account.w2, identity: account.impus[0], token: account.access_token });
  return new ForeignPhone(page, kind);
}

class ForeignPhone {
  constructor(page, kind) {
    this.page = page;
    this.name = kind;
  }

  /** One of its words, once the far end has answered it. */
  async does(what, ...more) {
    await this.page.bringToFront();
    return this.page.evaluate((word, given) => globalThis.phone[word](...given), what, more);
  }

  /** What has arrived until now. */
  figures() {
    return this.page.evaluate(async () => {
      const connection = globalThis.phone.connection();
      const audio = connection.getReceivers().find(({ track }) => track.kind === 'audio')?.track;
      const element = document.querySelector('audio');
      // Chromium counts the energy of what is played alone.
      if (audio && element.srcObject?.getTracks()[0] !== audio) element.srcObject = new MediaStream([audio]);
      const sums = { energy: 0, framesDecoded: 0 };
      (await connection.getStats()).forEach((entry) => {
        if (entry.type !== 'inbound-rtp') return;
        sums.energy += entry.totalAudioEnergy ?? 0;
        sums.framesDecoded += entry.framesDecoded ?? 0;
      });
      return sums;
    });
  }

  close() {
    return this.page.close();
  }
}

/** Runs in the page. */
async function startJssip({ w2, identity, token }) {
  const { JsSIP } = globalThis;
  const ua = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(w2)],
    uri: identity,
    authorization_jwt: `Bearer ${token}`,
    register_expires: 300,
  });
  let call = null;
  const answered = (ask) =>
    new Promise((resolve, reject) => {
      if (!ask(resolve)) reject(new Error('JsSIP is not ready to offer'));
      call.on('ended', ({ cause }) => reject(new Error(cause)));
    });
  const video = () => call.connection.getTransceivers().find(({ receiver, direction }) => receiver.track.kind === 'video' && direction !== 'stopped');
  globalThis.phone = {
    connection: () => call.connection,
    dial: (target) =>
      new Promise((resolve, reject) => {
        call = ua.call(target, { mediaConstraints: { audio: true, video: false } });
        call.on('confirmed', () => resolve());
        call.on('failed', ({ cause }) => reject(new Error(cause)));
      }),
    addVideo: async () => {
      const stream = await navigator.mediaDevices.getUserMedia({ video: true });
      call.connection.addTrack(stream.getVideoTracks()[0], stream);
      await answered((done) => call.renegotiate({}, done));
    },
    dropVideo: async () => {
      video().stop();
      await answered((done) => call.renegotiate({}, done));
    },
    hold: () => answered((done) => call.hold({}, done)),
    resume: () => answered((done) => call.unhold({}, done)),
    bye: () => call.terminate(),
  };
  await new Promise((resolve, reject) => {
    ua.on('registered', () => resolve());
    ua.on('registrationFailed', ({ cause }) => reject(new Error(cause)));
    ua.start();
    setTimeout(() => reject(new Error('no answer to REGISTER')), 10_000);
  });
}

/** Runs in the page. */
async function startSipjs({ w2, identity, token }) {
  const { Inviter, Registerer, SessionState, UserAgent } = globalThis.SIP;
  // TS 24.371 §7.2.1: the token is in every request.
  const extraHeaders = [`Authorization: Bearer ${token}`];
  const ua = new UserAgent({ uri: UserAgent.makeURI(identity), transportOptions: { server: w2 }, logLevel: 'error' });
  let call = null;
  const connection = () => call.sessionDescriptionHandler.peerConnection;
  const speak = (enabled) => {
    for (const { track } of connection().getSenders()) if (track) track.enabled = enabled;
  };
  const offer = (options) =>
    new Promise((resolve, reject) => {
      call
        .invite({
          requestDelegate: { onAccept: () => resolve(), onReject: ({ message }) => reject(new Error(message.reasonPhrase)) },
          requestOptions: { extraHeaders },
          sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false }, hold: false, ...options },
        })
        .catch(reject);
    });
  globalThis.phone = {
    connection,
    dial: (target) =>
      new Promise((resolve, reject) => {
        call = new Inviter(ua, UserAgent.makeURI(target), {
          extraHeaders,
          sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } },
        });
        call.stateChange.addListener((state) => {
          if (state === SessionState.Established) resolve();
          if (state === SessionState.Terminated) reject(new Error('terminated'));
        });
        call.invite().catch(reject);
      }),
    addVideo: () => offer({ constraints: { audio: true, video: true } }),
    dropVideo: async () => {
      connection().getTransceivers().find(({ receiver, direction }) => receiver.track.kind === 'video' && direction !== 'stopped').stop();
      await offer({});
    },
    // As its own session manager does it: the directions by an offer, the silence by the tracks.
    hold: () => offer({ hold: true }).then(() => speak(false)),
    resume: () => offer({}).then(() => speak(true)),
    bye: () => call.bye({ requestOptions: { extraHeaders } }).then(() => {}),
  };
  await ua.start();
  await new Promise((resolve, reject) => {
    void new Registerer(ua, { expires: 300, extraHeaders }).register({
      requestDelegate: { onAccept: () => resolve(), onReject: ({ message }) => reject(new Error(String(message.statusCode))) },
    });
    setTimeout(() => reject(new Error('no answer to REGISTER')), 10_000);
  });
}
