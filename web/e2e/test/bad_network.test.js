// A video call through everything, where the way between each browser and the gateway loses two packets in a hundred.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';
import { BadWays } from '../peers/bad_network.js';

const WEATHER = { loss: 2, delay: 20 };

describe('on a bad network', () => {
  let product;
  let browser;
  const ways = new BadWays(WEATHER);

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
  });

  after(async () => {
    await browser?.close();
    await ways.close();
    await product?.stop();
  });

  it('a video call still shows frames and is heard after ten seconds', { timeout: 300_000 }, async () => {
    const alice = await signIn(browser, product, 'alice', ways.prepare('alice'));
    const bob = await signIn(browser, product, 'bob', ways.prepare('bob'));
    await alice.call('bob', 'Video call');
    await bob.answer();
    await Promise.all([alice.hears(/^In a call with bob/), bob.hears(/^In a call with Alice/)]);
    await sleep(10_000);
    const people = [alice, bob];
    const before = await Promise.all(people.map((person) => person.figures()));
    await sleep(2_500);
    const after = await Promise.all(people.map((person) => person.figures()));
    for (const [index, person] of people.entries()) {
      const frames = after[index].framesDecoded - before[index].framesDecoded;
      assert.ok(frames > 15, `${person.name} still sees: ${frames} frames in 2.5 s`);
      const energy = after[index].energy - before[index].energy;
      assert.ok(energy > 0.05, `${person.name} still hears: ${energy}`);
    }
    await alice.press('Hang up');
    await bob.hears(/ended/);
    // The network was as bad as was said: each of them lost something that was not the first packets alone.
    const weather = await ways.close();
    const used = weather.filter(({ relayed }) => relayed > 500);
    assert.ok(used.length >= people.length, JSON.stringify(weather));
    for (const { lost } of used) assert.ok(lost > 5, JSON.stringify(weather));
  });
});
