// SIP.js, another SIP stack that is not ours, as the WIC: by Digest and by token, in Node and in Chromium.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { accountOf, signIn } from '../harness/person.js';
import { openSipjsPage, sipjsForNode } from '../harness/sipjs.js';

const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org';

describe('SIP.js', () => {
  let product;
  let browser;
  let bob;
  let carol;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    bob = await signIn(browser, product, 'bob');
    carol = await accountOf(browser, product, 'carol');
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
  });

  /** Registers in Node, says how that was answered, and leaves. */
  async function register({ name, password, token }) {
    const { Registerer, UserAgent } = await sipjsForNode();
    const ua = new UserAgent({
      uri: UserAgent.makeURI(`sip:${name}@${DOMAIN}`),
      authorizationUsername: `${name}@${DOMAIN}`,
      authorizationPassword: password,
      transportOptions: { server: carol.w2 },
      logLevel: 'error',
    });
    await ua.start();
    const registerer = new Registerer(ua, {
      expires: 300,
      extraHeaders: token ? [`Authorization: Bearer ${token}`] : [],
    });
    try {
      return await new Promise((resolve) => {
        const status = ({ message }) => resolve(message.statusCode);
        setTimeout(resolve, 10_000, 'nothing').unref();
        void registerer.register({ requestDelegate: { onAccept: status, onReject: status } });
      });
    } finally {
      await ua.stop();
    }
  }

  it('registers by Digest in Node', async () => {
    assert.equal(await register({ name: 'dave', password: product.passwords().dave }), 200);
  });

  it('does not register with a wrong password', async () => {
    assert.notEqual(await register({ name: 'dave', password: 'not this' }), 200);
  });

  it('registers by token in Node', async () => {
    assert.equal(await register({ name: 'carol', token: carol.access_token }), 200);
  });

  it('does not register with a token that somebody changed', async () => {
    const changed = carol.access_token.replace(/.(?=[^.]{20}$)/, (letter) => (letter === 'A' ? 'B' : 'A'));
    assert.equal(await register({ name: 'carol', token: changed }), 401);
  });

  for (const way of ['Digest', 'token']) {
    it(`calls a person and is called, in Chromium, registered by ${way}`, async () => {
      const name = way === 'Digest' ? 'dave' : 'carol';
      const page = await openSipjsPage(browser, product);
      await page.evaluate(start, {
        w2: carol.w2,
        domain: DOMAIN,
        name,
        password: way === 'Digest' ? product.passwords().dave : undefined,
        token: way === 'token' ? carol.access_token : undefined,
      });
      const until = async (wanted) => {
        const deadline = Date.now() + 40_000;
        for (;;) {
          const state = await page.evaluate(() => globalThis.phone.call?.state);
          if (state === wanted) return;
          assert.ok(Date.now() < deadline, `SIP.js is at «${state}», not «${wanted}»`);
          await sleep(50);
        }
      };

      await page.bringToFront();
      await page.evaluate((target) => globalThis.phone.dial(target), `sip:bob@${DOMAIN}`);
      await bob.answer();
      await bob.hears(/^In a call with/);
      await until('Established');
      const heardBySipjs = await page.evaluate(() => globalThis.phone.energy(2_500));
      assert.ok(heardBySipjs > 0.05, `SIP.js hears bob: ${heardBySipjs}`);
      const heardByBob = await bob.energy();
      assert.ok(heardByBob > 0.05, `bob hears SIP.js: ${heardByBob}`);
      await page.evaluate(() => globalThis.phone.hold(true));
      await bob.hears(/has put you on hold/);
      await page.evaluate(() => globalThis.phone.hold(false));
      await bob.hears(/^In a call with/);
      await page.evaluate(() => globalThis.phone.call.bye());
      await bob.hears(/ended/);

      await bob.call(name);
      await bob.hears(new RegExp(`^In a call with ${name}`, 'i'));
      await until('Established');
      await bob.press('Hang up');
      await until('Terminated');
      await page.close();
    });
  }
});

/** Runs in the page: a phone of SIP.js that answers whoever calls. */
async function start({ w2, domain, name, password, token }) {
  const { Inviter, Registerer, UserAgent } = globalThis.SIP;
  const extraHeaders = token ? [`Authorization: Bearer ${token}`] : [];
  const media = { sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } } };
  const phone = (globalThis.phone = { call: null });
  const ua = new UserAgent({
    uri: UserAgent.makeURI(`sip:${name}@${domain}`),
    authorizationUsername: `${name}@${domain}`,
    authorizationPassword: password,
    transportOptions: { server: w2 },
    logLevel: 'error',
    delegate: {
      onInvite: (invitation) => {
        phone.call = invitation;
        void invitation.accept(media);
      },
    },
  });
  phone.dial = (target) => {
    phone.call = new Inviter(ua, UserAgent.makeURI(target), { ...media, extraHeaders });
    return phone.call.invite().then(() => {});
  };
  phone.hold = (hold) =>
    new Promise((resolve, reject) => {
      void phone.call.invite({
        requestDelegate: { onAccept: () => resolve(), onReject: ({ message }) => reject(new Error(message.reasonPhrase)) },
        // TS 24.371 §7.2.1: the token is in every request.
        requestOptions: { extraHeaders },
        sessionDescriptionHandlerOptions: { hold },
      });
    });
  phone.energy = async (span) => {
    // Chromium counts the energy of what is played alone.
    document.querySelector('audio').srcObject = phone.call.sessionDescriptionHandler.remoteMediaStream;
    const read = async () => {
      let sum = 0;
      const report = await phone.call.sessionDescriptionHandler.peerConnection.getStats();
      report.forEach((entry) => {
        if (entry.type === 'inbound-rtp') sum += entry.totalAudioEnergy ?? 0;
      });
      return sum;
    };
    const first = await read();
    await new Promise((resolve) => setTimeout(resolve, span));
    return (await read()) - first;
  };
  await ua.start();
  const registerer = new Registerer(ua, { expires: 300, extraHeaders });
  await new Promise((resolve, reject) => {
    void registerer.register({
      requestDelegate: { onAccept: () => resolve(), onReject: ({ message }) => reject(new Error(String(message.statusCode))) },
    });
    setTimeout(() => reject(new Error('no answer to REGISTER')), 10_000);
  });
}
