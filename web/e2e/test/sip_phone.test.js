// A browser and an ordinary SIP phone (baresip) at the same core, both ways.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';
import { startBaresip } from '../peers/baresip.js';

const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org';

describe('an ordinary SIP phone', () => {
  let product;
  let browser;
  let alice;
  let carol;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    alice = await signIn(browser, product, 'alice');
    carol = await startBaresip({
      uri: `sip:carol@${DOMAIN}`,
      user: `carol@${DOMAIN}`,
      password: product.passwords().carol,
      registrar: `127.0.0.1:${product.ports.core}`,
    });
    await carol.registered();
  });

  after(async () => {
    await carol?.stop();
    await browser?.close();
    await product?.stop();
  });

  it('is called from a browser, and both hear the other', async () => {
    await alice.call('carol');
    await carol.event('CALL_INCOMING');
    await carol.command('accept');
    await alice.hears(/in a call with/i);
    assert.ok((await alice.loudness(3_000)) > 0.01, 'alice hears the tone');
    await alice.press('Hang up');
    await carol.event('CALL_CLOSED');
    assert.ok(carol.heard() > 0.005, 'carol hears the beeps');
  });

  it('calls a browser by its number, and hangs up', async () => {
    await carol.command('dial', `sip:+15550100@${DOMAIN};user=phone`);
    await alice.answer();
    await carol.event('CALL_ESTABLISHED');
    await alice.hears(/in a call with/i);
    assert.ok((await alice.loudness(3_000)) > 0.01, 'alice hears the tone');
    await carol.command('hangup');
    await alice.hears(/ended|hung up|registered/i);
  });

  it('gives up while the browser rings', async () => {
    await carol.command('dial', `sip:alice@${DOMAIN}`);
    await alice.hears(/calling|incoming/i);
    await carol.command('hangup');
    await alice.hears(/missed|gave up|ended|registered/i);
  });
});
