// Applications that the network offers: listed, fetched and opened in a call, over bootstrap channels.

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { APPS, closeAll, drawn, draws, opens, running, says } from '../harness/app_person.js';
import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';

const BINARY = process.env.ISTHMUS_BIN ?? path.join(APPS, '../target/debug/isthmus');

describe('applications that the network offers', { timeout: 120_000 }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'apps-'));
  let product;
  let browser;
  let alice;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    const own = path.join(folder, 'whiteboard');
    fs.cpSync(path.join(APPS, 'whiteboard'), own, { recursive: true });
    await promisify(execFile)(BINARY, ['app', 'upload', own, '--server', `http://localhost:${product.ports.http}`]);
    alice = await signIn(browser, product, 'alice');
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it('neither has it, both get it from the network, and draw on one board', async () => {
    const bob = await signIn(browser, product, 'bob');
    await alice.call('bob');
    await bob.answer();
    await Promise.all([alice.hears(/^In a call with bob/), bob.hears(/^In a call with Alice/)]);
    await opens(alice, 'Whiteboard');
    await says(alice, 'Whiteboard', /^Bob is asked whether to open it too\.$/);
    await bob.press('Open Whiteboard');
    await Promise.all([says(alice, 'Whiteboard', /^Bob uses it too\.$/), says(bob, 'Whiteboard', /^Alice uses it too\.$/)]);
    const [ours, theirs] = [await running(alice, 'Whiteboard'), await running(bob, 'Whiteboard')];
    await alice.page.bringToFront();
    await draws(ours);
    await bob.page.bringToFront();
    await theirs.waitForFunction(drawn, { polling: 50 });
    await closeAll([alice, bob]);
    await alice.press('Hang up');
  });
});
