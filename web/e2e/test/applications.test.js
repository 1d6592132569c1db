// Applications in a call, at two pages: opened from the list, asked about, used by both, and closed.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';

import { APPS, develops, hearsOfApplications, nothingOpen, openList, opens, running, says } from '../harness/app_person.js';
import { packFolder } from '../harness/applications.js';
import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';

describe('applications of two people in a call', { timeout: 240_000 }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'apps-'));
  let product;
  let browser;
  let alice;
  let bob;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    [alice, bob] = [await signIn(browser, product, 'alice'), await signIn(browser, product, 'bob')];
    await alice.call('bob');
    await bob.answer();
    await Promise.all([alice.hears(/^In a call with bob/), bob.hears(/^In a call with Alice/)]);
    for (const person of [alice, bob]) {
      await develops(person, path.join(APPS, 'whiteboard'));
      await develops(person, path.join(APPS, 'file-drop'));
    }
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** Whatever a test did, the call has gone on. */
  afterEach(async () => {
    for (const person of [alice, bob]) {
      assert.ok(await person.sees('Hang up'), `${person.name} is in the call`);
      await person.page.$$eval('.window .window-head button:last-child', (all) => all.forEach((each) => each.click()));
      await nothingOpen(person);
    }
  });

  const drawn = () => {
    const canvas = document.querySelector('#board');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some((each, at) => at % 4 === 3 && each > 0);
  };

  it('one opens it, the other is asked and told which, and both draw on one board', async () => {
    await opens(alice, 'Whiteboard');
    await says(alice, 'Whiteboard', /^Bob is asked whether to open it too\.$/);
    await hearsOfApplications(bob, /^Alice wants to use Whiteboard with you\.$/);
    await bob.press('Open Whiteboard');
    await Promise.all([says(alice, 'Whiteboard', /^Bob uses it too\.$/), says(bob, 'Whiteboard', /^Alice uses it too\.$/)]);
    const [ours, theirs] = [await running(alice, 'Whiteboard'), await running(bob, 'Whiteboard')];
    await alice.page.bringToFront();
    const board = await ours.$('#board');
    await board.focus();
    for (const key of ['Space', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'Space']) await board.press(key);
    await bob.page.bringToFront();
    await theirs.waitForFunction(drawn, { polling: 50 });
    // Who closes it leaves it; the other still has it.
    await bob.press('Close Whiteboard');
    await says(alice, 'Whiteboard', /^Bob has left it\.$/);
    await ours.waitForFunction(() => /has left/.test(document.querySelector('#state').textContent), { polling: 50 });
  });
});
