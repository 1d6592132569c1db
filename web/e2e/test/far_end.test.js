// What the far end may do to a call: SIPp plays it, a browser bears it and says it in words.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { develops, opens, running, scripted, writeApplication } from '../harness/app_person.js';
import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';
import { farEnd } from '../peers/sipp.js';
import { audio } from '../peers/sipp_changes.js';

const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org';

describe('the far end', () => {
  let product;
  let browser;
  let alice;
  let dave;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    alice = await signIn(browser, product, 'alice');
    dave = await farEnd({
      aor: `sip:dave@${DOMAIN}`,
      domain: DOMAIN,
      user: `dave@${DOMAIN}`,
      password: product.passwords().dave,
      core: `127.0.0.1:${product.ports.core}`,
    });
  });

  after(async () => {
    await dave?.stop();
    await browser?.close();
    await product?.stop();
  });

  it('answers, and is hung up', async () => {
    const scenario = dave.run('answer');
    await alice.call('dave');
    await alice.hears(/in a call with/i);
    assert.ok((await alice.loudness(3_000)) > 0.01, 'alice hears the tone');
    await alice.press('Hang up');
    await scenario.done;
  });

  it('hangs up', async () => {
    const scenario = dave.run('hangs_up');
    await alice.call('dave');
    await alice.hears(/in a call with/i);
    await alice.hears(/ended|hung up|registered/i);
    await scenario.done;
  });

  it('is busy', async () => {
    const scenario = dave.run('busy');
    await alice.call('dave');
    await alice.hears(/busy/i);
    await scenario.done;
  });

  it('declines', async () => {
    const scenario = dave.run('reject');
    await alice.call('dave');
    await alice.hears(/declin|reject|refus/i);
    await scenario.done;
  });

  it('does not answer, and the caller gives up', async () => {
    const scenario = dave.run('no_answer');
    await alice.call('dave');
    await alice.hears(/ringing/i);
    await alice.press('Hang up');
    await scenario.done;
  });

  it('is heard before it answers', async () => {
    const scenario = dave.run('early_media');
    await alice.call('dave');
    const deadline = Date.now() + 40_000;
    let loud = 0;
    while (loud < 0.01 && Date.now() < deadline) loud = await alice.loudness(500);
    assert.ok(loud > 0.01, 'alice hears the tone while it rings');
    assert.doesNotMatch(await alice.status(), /in a call with/i);
    await alice.hears(/in a call with/i);
    await alice.press('Hang up');
    await scenario.done;
  });

  it('holds the call and takes it back', async () => {
    const scenario = dave.run('hold');
    await alice.call('dave');
    await alice.hears(/in a call with/i);
    await alice.hears(/hold/i);
    await alice.hears(/in a call with/i);
    await alice.press('Hang up');
    await scenario.done;
  });

  it('gives up before anyone answers', async () => {
    const scenario = dave.run('cancel', { target: `sip:alice@${DOMAIN}` });
    await alice.hears(/calling|incoming/i);
    await scenario.done;
    await alice.hears(/missed|gave up|ended|registered/i);
  });

  it('hands the call over to another one: the page says who it is, and applications lose their association', async (test) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'handed-over-'));
    test.after(() => fs.rmSync(folder, { recursive: true }));
    const script = `
      window.told = [];
      const service = new RTCPeerSignallingService();
      service.addEventListener('associationlost', () => told.push('lost'));
      service.associate().then(() => told.push('associated'));`;
    // The call, the channel of the list, and the hold that says that all of it is there.
    const refused = [...audio(), 'm=application 0 UDP/DTLS/SCTP webrtc-datachannel'];
    const scenario = dave.answer([
      { expect: ['m=audio'], media: audio() },
      { expect: ['m=application'], media: refused },
      { expect: ['a=(sendonly|inactive)'], media: refused },
    ], [`<sip:dave@${DOMAIN}>`, `"Carol" <sip:carol@${DOMAIN}>`]);
    await alice.call('dave');
    await alice.hears(/in a call with dave/i);
    await develops(alice, writeApplication(folder, 'keeps', { ...scripted('Keeps', script), 'application.toml': 'works_without_peer = true\n' }));
    // One that needs the other party's channels is there, and says why it cannot be used.
    await develops(alice, writeApplication(folder, 'needs', scripted('Needs', '')));
    await alice.page.waitForFunction(
      () => [...document.querySelectorAll('#applications-list button')].some((each) => /needs.*Dave’s phone cannot open applications/s.test(each.textContent) && each.getAttribute('aria-disabled') === 'true'),
      { polling: 50, timeout: 40_000 },
    );
    await opens(alice, 'keeps');
    const frame = await running(alice, 'keeps');
    await frame.waitForFunction(() => window.told.includes('associated'), { polling: 50, timeout: 40_000 });
    await alice.press('Hold');
    await frame.waitForFunction(() => window.told.includes('lost'), { polling: 50, timeout: 40_000 });
    await alice.hears(/carol/i);
    assert.equal(await alice.page.$eval('#stage-who', (name) => name.textContent), 'Carol');
    assert.match(await alice.page.title(), /^Carol/);
    await alice.press('Hang up');
    await scenario.done;
  });
});
