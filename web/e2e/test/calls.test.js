// Two people in two tabs of one browser: sign in, call, talk, hang up, and what happens on the way.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';

/** Energy below which nothing was heard, and above which something was: the beeps give about 0.5 in this time. */
const SILENT = 0.002;
const HEARD = 0.05;

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

  // A test that failed in the middle of a call must not take the next ones with it.
  afterEach(async () => {
    for (const person of [alice, bob]) if (person && (await person.sees('Hang up'))) await person.press('Hang up');
  });

  /** Alice calls bob and bob answers. */
  async function connect(button = 'Call') {
    await alice.call('bob', button);
    await bob.answer();
    await alice.hears(/^In a call with bob/);
    await bob.hears(/^In a call with Alice/);
  }

  /** One hangs up and the other is told. */
  async function end(one, other) {
    await one.press('Hang up');
    await other.hears(/ended/);
    await one.hears(/ended/);
  }

  async function frames(person) {
    const deadline = Date.now() + 40_000;
    while (Date.now() < deadline) {
      if ((await person.framesShown()) > 30) return true;
      await sleep(200);
    }
    return false;
  }

  async function hear(person, what) {
    const energy = await person.energy();
    assert.ok(energy > HEARD, `${what}: ${energy}`);
  }

  /** What is under way is heard out first. */
  async function hearNothing(person, what) {
    const patience = Date.now() + 40_000;
    for (;;) {
      const energy = await person.energy();
      if (energy < SILENT) return;
      assert.ok(Date.now() < patience, `${what}: ${energy}`);
    }
  }

  it('they call, hear each other and hang up', async () => {
    await connect();
    await Promise.all([hear(alice, 'alice hears bob'), hear(bob, 'bob hears alice')]);
    await end(alice, bob);
  });

  it('a number calls the same person, and the other may hang up', async () => {
    await alice.call('+1 555 01 01');
    await bob.answer();
    await alice.hears(/^In a call with/);
    await end(bob, alice);
  });

  it('who is muted or on hold is not heard, and is heard again after it', async () => {
    await connect();
    await hear(bob, 'bob hears alice');
    await alice.press('Mute');
    await hearNothing(bob, 'alice is muted');
    await alice.press('Unmute');
    await hear(bob, 'alice is not muted any more');
    await alice.press('Hold');
    await alice.hears(/bob is on hold/);
    await bob.hears(/has put you on hold/);
    await Promise.all([hearNothing(bob, 'bob on hold'), hearNothing(alice, 'alice has bob on hold')]);
    await alice.press('Resume');
    await bob.hears(/^In a call with Alice/);
    await alice.hears(/^In a call with bob/);
    await Promise.all([hear(bob, 'bob after hold'), hear(alice, 'alice after hold')]);
    await bob.press('Hold');
    await alice.hears(/has put you on hold/);
    await bob.press('Resume');
    await alice.hears(/^In a call with bob/);
    await end(alice, bob);
  });

  it('the keypad sends tones by pointer and by keyboard', async () => {
    await connect();
    assert.equal(await bob.page.evaluate(() => document.activeElement.id), 'stage', 'who has pressed Answer is in the call');
    await alice.press('Keypad');
    await alice.press('7');
    await alice.press('Star');
    await alice.page.keyboard.press('3');
    await sleep(1_200);
    assert.equal(await alice.tones(), '7*3');
    await alice.page.keyboard.press('Escape');
    await end(alice, bob);
    assert.equal(await alice.page.$eval('#keypad-sent', (digits) => digits.textContent), '');
  });

  it('they see each other', async () => {
    await connect('Video call');
    assert.ok(await frames(alice), 'alice sees bob');
    assert.ok(await frames(bob), 'bob sees alice');
    await end(bob, alice);
  });

  it('a call that is rejected says so', async () => {
    await alice.call('bob');
    await bob.press('Reject');
    await alice.hears(/declined/);
  });

  it('a caller who gives up is a missed call', async () => {
    await alice.call('bob');
    await bob.hears(/is calling/);
    await alice.press('Hang up');
    await bob.hears(/missed a call from Alice/);
    await alice.hears(/ended/);
  });

  it('a name that nobody has says so', async () => {
    await alice.call('nobody-at-all');
    await alice.hears(/no such name or number|cannot be reached/);
  });

  it('an emergency number is not dialled, and the page says so plainly', async () => {
    await alice.call('112');
    await alice.hears(/This phone cannot call emergency services/);
  });

  it('after a reload they are still who they were', async () => {
    await connect();
    await alice.page.reload();
    await bob.hears(/ended/);
    await alice.hears(/^Registered as Alice/);
    await bob.page.reload();
    await bob.hears(/^Registered as Bob/);
    // Who was in a call was asked whether the page is to be left, which ends it.
    assert.deepEqual([alice.agreed, bob.agreed], [['beforeunload'], []]);
    await connect();
    await end(bob, alice);
  });

  it('each tab has its own identity and its own tokens', async () => {
    const token = (person) =>
      person.page.evaluate(async () => {
        const session = sessionStorage.getItem('session');
        const answer = await fetch(`/session/${session}/token`, { method: 'POST', headers: { 'X-Requested-With': 'wic' } });
        return answer.json();
      });
    for (let round = 0; round < 2; round += 1) {
      const [hers, his] = await Promise.all([token(alice), token(bob)]);
      assert.match(hers.impi, /^alice@/);
      assert.match(his.impi, /^bob@/);
      assert.notEqual(hers.access_token, his.access_token);
    }
  });

  it('a WebSocket that is lost comes back and the call lives on', async () => {
    await connect();
    await alice.dropConnection();
    await alice.hears(/network was lost/i);
    await alice.hears(/^In a call with bob/);
    await Promise.all([hear(alice, 'alice hears bob'), hear(bob, 'bob hears alice')]);
    await alice.press('Hold');
    await bob.hears(/has put you on hold/);
    await alice.press('Resume');
    await bob.hears(/^In a call with Alice/);
    await bob.dropConnection();
    await bob.hears(/network was lost/i);
    await bob.hears(/^In a call with Alice/);
    await end(alice, bob);
  });

  it('without a network the page says so and returns by itself', async () => {
    await alice.dropConnection();
    await alice.hears(/network was lost/i);
    await alice.hears(/^Registered as Alice/);
    await connect();
    await end(bob, alice);
  });

  it('a call is made, answered and ended by keyboard alone', async () => {
    const go = async (person, name) => {
      await person.page.bringToFront();
      for (let i = 0; i < 20; i += 1) {
        await person.page.keyboard.press('Tab');
        const focused = await person.page.evaluate(() => document.activeElement?.textContent?.trim());
        if (focused === name) {
          const outline = await person.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
          assert.notEqual(outline, 'none', `the focus on ${name} can be seen`);
          return;
        }
      }
      assert.fail(`${name} is not reached by Tab`);
    };
    await alice.page.bringToFront();
    await alice.page.focus('#target');
    await alice.page.keyboard.down('Control');
    await alice.page.keyboard.press('a');
    await alice.page.keyboard.up('Control');
    await alice.page.keyboard.type('bob');
    await alice.page.keyboard.press('Enter');
    await bob.hears(/is calling/);
    await go(bob, 'Answer');
    await bob.page.keyboard.press('Enter');
    await alice.hears(/^In a call with bob/);
    await go(alice, 'Mute');
    await alice.page.keyboard.press('Space');
    assert.equal(await alice.focused(), 'Unmute');
    await go(alice, 'Hang up');
    await alice.page.keyboard.press('Enter');
    await bob.hears(/ended/);
  });

  it('a page that is closed takes its registration with it', async () => {
    await product.shows('epcscf_bindings', 2);
    const carol = await signIn(browser, product, 'carol');
    await product.shows('epcscf_bindings', 3);
    await carol.close();
    await product.shows('epcscf_bindings', 2);
  });

  it('who signs out is signed out, and stays so after a reload', async () => {
    await bob.press('Sign out');
    await bob.hears(/Signed out/);
    await bob.page.reload();
    await bob.find('button', 'Sign in');
    await alice.call('bob');
    await alice.hears(/cannot be reached|no such name/);
  });
});
