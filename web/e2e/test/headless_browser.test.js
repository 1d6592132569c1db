// The phone without a browser and a browser call each other, both ways, with audio and video.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startChromium } from '../harness/chromium.js';
import { startPhone } from '../harness/headless.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';

describe('a browser and the phone without one', { timeout: 300_000 }, () => {
  let product;
  let browser;
  let alice;
  const started = [];
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'films-'));
  const film = path.join(folder, 'seen.ivf');

  const bob = (...words) => {
    const site = `https://localhost:${product.ports.https}/`;
    const who = ['--sign-in', site, '--user', 'bob', '--insecure', '--origin', site.slice(0, -1)];
    const one = startPhone(...who, '--timeout', 15, '--password', product.passwords().bob, ...words);
    started.push(one);
    return one;
  };

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    alice = await signIn(browser, product, 'alice');
  });

  afterEach(async () => {
    if (alice && (await alice.sees('Hang up'))) await alice.press('Hang up');
    await Promise.all(started.splice(0).map((each) => each.stop()));
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** Frames that are decoded in a while. */
  async function seesMoving(person) {
    const before = await person.framesShown();
    await sleep(2_000);
    return (await person.framesShown()) - before;
  }

  /** The phone heard beeps, and has nothing to complain of. */
  async function heard(phone) {
    const ended = await phone.hears('ended');
    assert.ok(ended.energy > 0.0005 && ended.packets > 50, phone.told());
    assert.equal(await phone.ended, 0, phone.told());
    return ended;
  }

  it('the browser calls, its picture is recorded and echoed', { timeout: 300_000 }, async () => {
    const phone = bob('--answer', '--duration', 0, '--echo-video', '--record-video', film);
    await phone.hears('registered');
    await alice.call('bob', 'Video call');
    await alice.hears(/^In a call with bob/i);
    await phone.hears('video_connected');
    await sleep(1_500);
    assert.ok((await seesMoving(alice)) > 15, `alice sees herself\n${phone.told()}`);
    assert.ok((await alice.energy()) > 0.05, 'alice hears a tone');
    await alice.press('Hang up');
    const { video } = await heard(phone);
    assert.ok(video.frames > 40 && video.sent > 40, phone.told());
    const head = fs.readFileSync(film).subarray(0, 12).toString('latin1');
    assert.equal(head, 'DKIF\0\0\x20\0VP80');
  });

  it('the phone calls, and shows what it has recorded', { timeout: 300_000 }, async () => {
    assert.ok(fs.existsSync(film), 'the call before was recorded');
    const phone = bob('--call', 'alice', '--duration', 0, '--play-video', film);
    await alice.answer();
    await phone.hears('video_connected');
    await sleep(1_500);
    assert.ok((await seesMoving(alice)) > 15, `alice sees the film\n${phone.told()}`);
    assert.ok((await alice.energy()) > 0.05, 'alice hears a tone');
    await alice.press('Hang up');
    await heard(phone);
  });
});
