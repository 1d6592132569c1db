// Somebody with a SIM at the page: IMS-AKA in the browser (TS 24.371 §6.2.1.3), against the laboratory's core.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { openPage } from '../harness/person.js';

const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';
// TS 35.208 §4.3, sets 1 and 3.
const SIMS = {
  erin: { k: '465b5ce8b199b49faa5f0a2ee238a6bc', opc: 'cd63cb71954a9f4e48a5994e37a02baf' },
  frank: { k: 'fec86ba6eb707ed08905757b1bb44b8f', opc: '1006020f0a478bf6b699f15c062e42b3' },
};

const PEOPLE = Object.entries(SIMS).map(([name, { k, opc }]) => `
[[subscriber]]
name = "${name}"
impi = "${name}@${HOME}"
impus = ["sip:${name}@${HOME}"]
k = "${k}"
opc = "${opc}"
`).join('');

describe('a SIM in the browser', () => {
  let product;
  let browser;
  let folder;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-sims-'));
    fs.writeFileSync(path.join(folder, 'people.toml'), PEOPLE);
    const file = path.join(folder, 'sims.toml');
    fs.writeFileSync(file, '[lab_core]\nsubscribers = "people.toml"\n');
    product = await startIsthmus(['--config', file]);
    browser = await startChromium();
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** Opens the page and puts a SIM in. */
  async function withSim(name, { k, opc }) {
    const person = await openPage(browser, product, name);
    await person.press('Use a SIM');
    await putIn(person, name, { k, opc });
    return person;
  }

  async function putIn(person, name, { k, opc }) {
    await person.fill('Private identity', name);
    await person.fill('K', k);
    await person.fill('OPc', opc);
    await person.press('Register');
  }

  it('two of them register by AKA, call each other, and leave', async () => {
    const erin = await withSim('erin', SIMS.erin);
    await erin.hears(/^Registered as erin/);
    const frank = await withSim('frank', SIMS.frank);
    await frank.hears(/^Registered as frank/);
    await product.shows('epcscf_bindings', 2);
    assert.equal(await product.metric('lab_core_challenges_total'), 2, 'each answered its first challenge');
    await erin.call('frank');
    await frank.answer();
    await erin.hears(/^In a call with/);
    assert.ok((await frank.loudness()) > 0.001, 'erin is heard');
    await frank.press('Hang up');
    await erin.hears(/has ended/);
    // A connection that breaks comes back, by the same challenge.
    await erin.dropConnection();
    await erin.hears(/^Registered as erin/);
    for (const person of [erin, frank]) {
      await person.press('Sign out');
      await person.hears(/Signed out/);
    }
    await product.shows('epcscf_bindings', 0);
  });

  it('a SIM that is not known, and keys that are none, are told so', async () => {
    const erin = await withSim('erin', SIMS.frank);
    await erin.hears(/did not accept this account|did not prove/);
    assert.ok(await erin.sees('Sign in'), 'the page is where it began');
    await erin.press('Use a SIM');
    await putIn(erin, 'erin', { ...SIMS.erin, k: '465b' });
    const hint = await erin.page.$eval('#sim-hint', (element) => element.textContent);
    assert.match(hint, /32 hexadecimal digits/);
    // And with the right ones it is a phone.
    await putIn(erin, 'erin', SIMS.erin);
    await erin.hears(/^Registered as erin/);
  });
});
