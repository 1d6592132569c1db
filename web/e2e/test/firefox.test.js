// Firefox calls Chromium and is called: another WebRTC stack at one end, and the page in another browser.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startChromium } from '../harness/chromium.js';
import { startFirefox } from '../harness/firefox.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';

describe('Firefox', () => {
  let product;
  let chromium;
  let firefox;
  let alice;
  let bob;

  before(async () => {
    product = await startIsthmus();
    [firefox, chromium] = await Promise.all([startFirefox(), startChromium()]);
    alice = await signIn(firefox, product, 'alice');
    bob = await signIn(chromium, product, 'bob');
  });

  after(async () => {
    await firefox?.close();
    await chromium?.close();
    await product?.stop();
  });

  afterEach(async () => {
    for (const person of [alice, bob]) if (person && (await person.sees('Hang up'))) await person.press('Hang up');
  });

  it('calls, both hear each other, hold and resume', async () => {
    await alice.call('bob');
    await bob.answer();
    await alice.hears(/^In a call with/);
    assert.ok((await alice.energy()) > 0.05, 'Firefox hears Chromium');
    assert.ok((await bob.energy()) > 0.01, 'Chromium hears Firefox');
    await alice.press('Hold');
    await bob.hears(/has put you on hold/);
    await alice.press('Resume');
    await bob.hears(/^In a call with/);
    assert.ok((await bob.energy()) > 0.01, 'Chromium hears Firefox after hold');
    await alice.press('Hang up');
    await bob.hears(/ended/);
  });

  it('chats, whoever opens the chat, through hold', async () => {
    for (const [one, other] of [[alice, bob], [bob, alice]]) {
      await alice.call('bob');
      await bob.answer();
      await Promise.all([alice.hears(/^In a call with/), bob.hears(/^In a call with/)]);
      await one.press('Chat');
      await one.reads(/You can write to/);
      await one.writes('Over the data channel');
      await other.reads(/Over the data channel/);
      await one.press('Hold');
      await other.hears(/has put you on hold/);
      await other.writes('And back');
      await one.reads(/And back/);
      await alice.press('Hang up');
      await bob.hears(/ended/);
    }
  });

  it('is called with video, and both see each other', async () => {
    await bob.call('alice', 'Video call');
    await alice.answer();
    await bob.hears(/^In a call with/);
    for (const person of [alice, bob]) {
      const deadline = Date.now() + 40_000;
      while ((await person.framesShown()) < 30) {
        assert.ok(Date.now() < deadline, `${person.name} sees the other: ${await person.framesShown()} frames`);
        await sleep(200);
      }
    }
    await bob.press('Hang up');
    await alice.hears(/ended/);
  });

  it('adds video and drops it, holds and resumes with it, from either side', { timeout: 300_000 }, async () => {
    /** Waits until each sees the other's picture move, or not. */
    const until = async (when, sees) => {
      const deadline = Date.now() + 40_000;
      for (;;) {
        const [hers, his] = await Promise.all([alice.watches(1_500), bob.watches(1_500)]);
        if (sees.alice === hers > 5 && sees.bob === his > 5) return;
        assert.ok(Date.now() < deadline, `${when}: Firefox ${hers} frames, Chromium ${his}\n${await alice.told()}\n${await bob.told()}`);
      }
    };
    await bob.find('button', 'Call');
    await alice.call('bob');
    await bob.answer();
    await alice.hears(/^In a call with Bob$/);
    await alice.press('Start camera');
    await bob.press('With camera');
    await until('Firefox adds video', { alice: true, bob: true });
    await alice.press('Hold');
    await bob.hears(/has put you on hold/);
    await until('Firefox holds', { alice: false, bob: false });
    await alice.press('Resume');
    await until('Firefox resumes', { alice: true, bob: true });
    await alice.press('Audio only');
    await bob.hears(/^In a call with Alice$/);
    await bob.press('Start camera');
    await alice.press('Without camera');
    await until('Chromium adds video', { alice: true, bob: false });
    await bob.press('Hold');
    await alice.hears(/has put you on hold/);
    await until('Chromium holds', { alice: false, bob: false });
    await bob.press('Resume');
    await until('Chromium resumes', { alice: true, bob: false });
    await bob.press('Stop camera');
    await alice.hears(/^In a call with Bob$/);
    await alice.press('Start camera');
    await bob.press('No video');
    await alice.hears(/^There is no video with Bob now/);
    assert.ok((await alice.energy()) > 0.05, 'Firefox hears Chromium');
    assert.ok((await bob.energy()) > 0.01, 'Chromium hears Firefox');
    await alice.press('Hang up');
    await bob.hears(/ended/);
  });
});
