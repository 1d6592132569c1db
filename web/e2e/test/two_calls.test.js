// A second call while one is talked in: answered with the first on hold, rejected, swapped, and each hung up alone.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';

const HEARD = 0.05;
const SILENT = 0.002;

describe('two calls', { timeout: 390_000 }, () => {
  let product;
  let browser;
  let alice;
  let bob;
  let carol;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    alice = await signIn(browser, product, 'alice');
    bob = await signIn(browser, product, 'bob');
    carol = await signIn(browser, product, 'carol');
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
  });

  afterEach(async () => {
    for (const person of [bob, carol]) if (await person?.sees('Hang up')) await person.press('Hang up');
    for (const person of [alice, bob, carol]) await person?.find('button', 'Call');
  });

  /** Alice talks to bob, and carol calls her. */
  async function carolCalls(button) {
    await alice.call('bob');
    await bob.answer();
    await alice.hears(/^In a call with Bob$/);
    await carol.call('alice', button);
    await alice.hears(/^Carol is calling\. In a call with Bob$/);
  }

  async function answerCarol() {
    await carolCalls();
    await alice.press('Hold and answer');
    await alice.hears(/^In a call with Carol\. Bob is on hold$/);
    await carol.hears(/^In a call with Alice$/);
    await bob.hears(/^Alice has put you on hold$/);
  }

  /** Who hears alice, and who does not. */
  async function hears(one, other) {
    await sleep(300);
    const [loud, quiet] = await Promise.all([one.energy(), other.energy()]);
    assert.ok(loud > HEARD, `${one.name} hears alice: ${loud}`);
    assert.ok(quiet < SILENT, `${other.name} hears nothing: ${quiet}`);
  }

  /** What is shown of the call beside the one in front. */
  const second = () =>
    alice.page.$eval('#second', (panel) => (panel.checkVisibility() ? panel.querySelector('.second-text').textContent.trim().replace(/\s+/g, ' ') : ''));
  const front = () => alice.page.$eval('#stage-who', (name) => name.textContent);

  it('are answered one after the other, swapped, and hung up each', async () => {
    await answerCarol();
    await hears(carol, bob);
    assert.equal(await front(), 'Carol');
    assert.match(await second(), /^Bob On hold · \d:\d\d$/);

    await alice.press('Swap');
    await alice.hears(/^In a call with Bob\. Carol is on hold$/);
    await carol.hears(/^Alice has put you on hold$/);
    await bob.hears(/^In a call with Alice$/);
    await hears(bob, carol);
    assert.equal(await front(), 'Bob');
    assert.match(await second(), /^Carol On hold/);

    await alice.press('Swap');
    await alice.hears(/^In a call with Carol\. Bob is on hold$/);
    await alice.press('End the call with Bob');
    await bob.hears(/^The call with Alice has ended$/);
    await alice.hears(/^The call with Bob has ended\. In a call with Carol$/);
    assert.equal(await second(), '');
    assert.ok((await carol.energy()) > HEARD, 'carol still hears alice');
    await alice.press('Hang up');
    await carol.hears(/^The call with Alice has ended$/);
    await alice.hears(/^The call with Carol has ended$/);
  });

  it('go on with the other when one of them is hung up by the far end', async () => {
    await answerCarol();
    await carol.press('Hang up');
    await alice.hears(/^The call with Carol has ended\. Bob is on hold$/);
    assert.equal(await front(), 'Bob');
    assert.equal(await second(), '');
    await alice.press('Resume');
    await bob.hears(/^In a call with Alice$/);
    assert.ok((await bob.energy()) > HEARD, 'bob hears alice again');
  });

  it('are one when the second is rejected, gives up, or has the first hang up before the answer', async () => {
    await carolCalls();
    await alice.press('Reject');
    await carol.hears(/^Alice declined the call/);
    await alice.hears(/In a call with Bob$/);
    assert.ok((await bob.energy()) > HEARD, 'bob did not notice');

    await carol.call('alice');
    await alice.hears(/^Carol is calling/);
    await carol.press('Hang up');
    await alice.hears(/^You missed a call from Carol\. In a call with Bob$/);

    await carol.call('alice');
    await alice.hears(/^Carol is calling/);
    await bob.press('Hang up');
    await alice.hears(/Carol is calling$/);
    await alice.answer();
    await carol.hears(/^In a call with Alice$/);
    await carol.press('Hang up');
    await alice.hears(/^The call with Carol has ended$/);
  });

  it('are the most: a third caller hears busy', async () => {
    await answerCarol();
    const dave = await signIn(browser, product, 'dave');
    await dave.call('alice');
    await dave.hears(/^Alice is busy/);
    await alice.hears(/^In a call with Carol\. Bob is on hold$/);
    await dave.press('Sign out');
    await dave.hears(/Signed out/);
    await dave.close();
    await carol.press('Hang up');
    await bob.press('Hang up');
    await alice.hears(/has ended$/);
  });

  it('are answered and swapped by keyboard alone', async () => {
    const go = async (name) => {
      await alice.page.bringToFront();
      for (let i = 0; i < 20; i += 1) {
        if ((await alice.page.evaluate(() => document.activeElement?.textContent?.trim())) === name) return;
        await alice.page.keyboard.press('Tab');
      }
      assert.fail(`${name} is not reached by Tab`);
    };
    await carolCalls('Video call');
    await go('Hold and answer');
    await alice.page.keyboard.press('Enter');
    await alice.hears(/^In a call with Carol, with video\. Bob is on hold$/);
    await go('Swap');
    await alice.page.keyboard.press('Enter');
    await alice.hears(/^In a call with Bob\. Carol is on hold$/);
    await go('Swap');
    await alice.page.keyboard.press('Enter');
    await alice.hears(/^In a call with Carol, with video\. Bob is on hold$/);
    assert.ok((await alice.watches()) > 10, 'carol is seen again after the swaps');
    await bob.press('Hang up');
    await carol.press('Hang up');
    await alice.hears(/^The call with Carol has ended$/);
  });
});
