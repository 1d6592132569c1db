// Two people in two tabs of one browser: sign in, call, talk, hang up.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';

describe('two tabs of one browser are two people', () => {
  let product;
  let browser;
  let alice;
  let bob;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    alice = await signIn(browser, product, 'alice');
    bob = await signIn(browser, product, 'bob');
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
  });

  it('they call, hear each other and hang up', async () => {
    await alice.call('bob');
    await bob.answer();
    await alice.hears(/in a call with/i);
    await bob.hears(/in a call with/i);
    assert.ok((await alice.loudness()) > 0.01, 'alice hears bob');
    assert.ok((await bob.loudness()) > 0.01, 'bob hears alice');
    await alice.press('Hang up');
    await bob.hears(/ended|hung up|registered/i);
  });

  it('they see each other', async () => {
    await alice.call('bob', 'Video call');
    await bob.answer();
    await alice.hears(/in a call with/i);
    const frames = async (person) => {
      const deadline = Date.now() + 15_000;
      while (Date.now() < deadline) {
        if ((await person.framesShown()) > 30) return true;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      return false;
    };
    assert.ok(await frames(alice), 'alice sees bob');
    assert.ok(await frames(bob), 'bob sees alice');
    await bob.press('Hang up');
    await alice.hears(/ended|hung up|registered/i);
  });

  it('a call that is rejected says so', async () => {
    await alice.call('bob');
    await bob.page.locator('aria/Reject[role="button"]').setTimeout(15_000).click();
    await alice.hears(/reject|declin|busy/i);
  });

  it('a name that nobody has says so', async () => {
    await alice.call('nobody-at-all');
    await alice.hears(/nobody|not known|unknown|unreachable|not found/i);
  });

  it('an emergency number is not dialled, and the page says so plainly', async () => {
    await alice.call('112');
    await alice.hears(/cannot call emergency/i);
  });

  it('after a reload they are still who they were', async () => {
    await alice.page.reload();
    await alice.hears(/registered as alice/i);
    await bob.page.reload();
    await bob.hears(/registered as bob/i);
  });
});
