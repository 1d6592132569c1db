// JsSIP, a SIP stack that is not ours, as the WIC: it registers by Digest and by token, calls and is called.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { jssipForNode, openJssipPage } from '../harness/jssip.js';
import { accountOf, signIn } from '../harness/person.js';

const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org';

describe('JsSIP', () => {
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

  /** Registers in Node and says how that went. */
  async function register(configuration) {
    const JsSIP = jssipForNode();
    const socket = new JsSIP.WebSocketInterface(carol.w2);
    const ua = new JsSIP.UA({ sockets: [socket], register_expires: 300, ...configuration });
    const outcome = Promise.race([
      once(ua, 'registered').then(() => 'registered'),
      once(ua, 'registrationFailed').then(([{ response, cause }]) => response?.status_code ?? cause),
      sleep(10_000, 'nothing', { ref: false }),
    ]);
    ua.start();
    try {
      return await outcome;
    } finally {
      ua.stop();
      await Promise.race([once(ua, 'disconnected'), sleep(3_000, undefined, { ref: false })]);
    }
  }

  it('registers by Digest in Node', async () => {
    const outcome = await register({
      uri: `sip:dave@${DOMAIN}`,
      authorization_user: `dave@${DOMAIN}`,
      password: product.passwords().dave,
    });
    assert.equal(outcome, 'registered');
  });

  it('does not register with a wrong password', async () => {
    const outcome = await register({ uri: `sip:dave@${DOMAIN}`, authorization_user: `dave@${DOMAIN}`, password: 'not this' });
    assert.notEqual(outcome, 'registered');
  });

  it('registers by token in Node', async () => {
    const outcome = await register({ uri: `sip:carol@${DOMAIN}`, authorization_jwt: `Bearer ${carol.access_token}` });
    assert.equal(outcome, 'registered');
  });

  it('does not register with a token that somebody changed', async () => {
    const changed = carol.access_token.replace(/.(?=[^.]{20}$)/, (letter) => (letter === 'A' ? 'B' : 'A'));
    const outcome = await register({ uri: `sip:carol@${DOMAIN}`, authorization_jwt: `Bearer ${changed}` });
    assert.notEqual(outcome, 'registered');
  });

  it('calls a person and is called, in Chromium, and both hear the other', async () => {
    const page = await openJssipPage(browser, product);
    await page.evaluate(
      (account, domain) =>
        new Promise((resolve, reject) => {
          const JsSIP = globalThis.JsSIP;
          const ua = new JsSIP.UA({
            sockets: [new JsSIP.WebSocketInterface(account.w2)],
            uri: `sip:carol@${domain}`,
            authorization_jwt: `Bearer ${account.access_token}`,
            register_expires: 300,
          });
          const state = (globalThis.state = { ua, call: null, states: [] });
          const play = (connection) => {
            connection.addEventListener('track', ({ track }) => {
              document.querySelector('audio').srcObject = new MediaStream([track]);
            });
          };
          ua.on('newRTCSession', ({ originator, session }) => {
            state.call = session;
            state.states.push('new');
            session.on('confirmed', () => state.states.push('confirmed'));
            session.on('ended', () => state.states.push('ended'));
            session.on('failed', ({ cause }) => state.states.push(`failed: ${cause}`));
            if (originator === 'remote') {
              session.on('peerconnection', ({ peerconnection }) => play(peerconnection));
              session.answer({ mediaConstraints: { audio: true, video: false } });
            } else play(session.connection);
          });
          ua.on('registered', () => resolve());
          ua.on('registrationFailed', ({ cause }) => reject(new Error(cause)));
          ua.start();
          setTimeout(() => reject(new Error('no answer to REGISTER')), 10_000);
        }),
      carol,
      DOMAIN,
    );
    const states = () => page.evaluate(() => globalThis.state.states.join(', '));
    const until = async (words) => {
      const deadline = Date.now() + 40_000;
      while (!words.test(await states())) {
        assert.ok(Date.now() < deadline, `JsSIP is at «${await states()}», not ${words}`);
        await sleep(50);
      }
    };
    const energy = async () => {
      const read = () =>
        page.evaluate(async () => {
          let sum = 0;
          const report = await globalThis.state.call.connection.getStats();
          report.forEach((entry) => {
            if (entry.type === 'inbound-rtp') sum += entry.totalAudioEnergy ?? 0;
          });
          return sum;
        });
      const first = await read();
      await sleep(2_500);
      return (await read()) - first;
    };

    await page.bringToFront();
    await page.evaluate((target) => {
      globalThis.state.ua.call(target, { mediaConstraints: { audio: true, video: false }, rtcOfferConstraints: {} });
    }, `sip:bob@${DOMAIN}`);
    await bob.answer();
    await bob.hears(/^In a call with/);
    await until(/confirmed/);
    const [heardByJssip, heardByBob] = await Promise.all([energy(), bob.energy()]);
    assert.ok(heardByJssip > 0.05, `JsSIP hears bob: ${heardByJssip}`);
    assert.ok(heardByBob > 0.05, `bob hears JsSIP: ${heardByBob}`);
    await bob.press('Hold');
    await bob.hears(/is on hold/);
    await bob.press('Resume');
    await bob.hears(/^In a call with/);
    // JsSIP gives the call up when its own offer meets one of ours (491).
    assert.ok((await bob.energy()) > 0.05, 'bob hears JsSIP after hold');
    await page.evaluate(() => globalThis.state.call.hold());
    await bob.hears(/has put you on hold/);
    await page.evaluate(() => globalThis.state.call.terminate());
    await bob.hears(/ended/);

    await page.evaluate(() => globalThis.state.states.splice(0));
    await bob.call('carol');
    await bob.hears(/^In a call with carol/);
    await until(/confirmed/);
    await bob.press('Hang up');
    await until(/ended/);
    await page.evaluate(() => globalThis.state.ua.stop());
    await page.close();
  });
});
