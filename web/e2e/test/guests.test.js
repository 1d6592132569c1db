// Visitors without an account: identities of a pool, lent and given back (TS 24.371 §6.2.3).

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { enterAsGuest, openPage, signIn } from '../harness/person.js';

const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';

const CONFIGURATION = `
home_domain = "${HOME}"

[waf]
access_token_lifetime = 70

[waf.pool]
token_lifetime = 70

${[1, 2].map((number) => `
[[waf.pool.identities]]
impi = "guest${number}@${HOME}"
impus = ["sip:guest${number}@${HOME}"]
display_name = "Guest ${number}"
`).join('')}

[wwsf]
guests = "anonymous"
`;

describe('guests', () => {
  let product;
  let browser;
  let folder;
  let alice;
  let bob;
  let signedIn;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-guests-'));
    const file = path.join(folder, 'guests.toml');
    fs.writeFileSync(file, CONFIGURATION);
    product = await startIsthmus(['--config', file]);
    browser = await startChromium();
    alice = await signIn(browser, product, 'alice');
    bob = await signIn(browser, product, 'bob');
    signedIn = Date.now();
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it('two of them call each other, the third hears that the pool is exhausted and comes in when one has gone', async () => {
    const one = await enterAsGuest(browser, product);
    const two = await enterAsGuest(browser, product);
    assert.notEqual(one.number, two.number);
    assert.match(`${one.number} ${two.number}`, /guest1@.*guest2@|guest2@.*guest1@/);

    const three = await openPage(browser, product, 'a third guest');
    await three.press('Call as a guest');
    await three.hears(/All guest lines are in use/);
    assert.ok(await three.sees('Sign in'));

    await one.call(two.number);
    await two.answer();
    await one.hears(/^In a call/);
    await two.hears(/^In a call/);
    assert.ok((await two.loudness()) > 0.001, 'the first is heard');
    assert.ok((await one.loudness()) > 0.001, 'the second is heard');

    // The call goes on while the tokens that it began with are replaced.
    const refreshed = await product.metric('waf_lent');
    await new Promise((resolve) => setTimeout(resolve, 38_000));
    assert.ok((await product.metric('waf_lent')) >= refreshed + 2, 'both have other tokens');
    await one.hears(/^In a call/);
    await one.press('Hang up');
    await two.hears(/has ended/);

    // Who leaves gives the identity back, and it is lent again at once.
    const given = one.number;
    await one.press('Sign out');
    await one.hears(/Signed out/);
    await three.press('Call as a guest');
    await three.hears(/^Registered as/);
    assert.equal(await three.numberShown(), given);
    await three.call(two.number);
    await two.hears(/is calling/);
    await three.press('Hang up');
    assert.equal(await product.metric('waf_given_back'), 1);
  });

  it('people in two tabs keep their identities while their tokens are renewed', async () => {
    const numbers = [await alice.numberShown(), await bob.numberShown()];
    assert.match(numbers[0], /^alice@/);
    assert.match(numbers[1], /^bob@/);
    // By now and then the first two tokens of each are gone.
    await new Promise((resolve) => setTimeout(resolve, Math.max(signedIn + 75_000 - Date.now(), 0)));
    assert.ok((await product.metric('wwsf_refreshed')) >= 4, 'both tabs renewed twice');
    assert.deepEqual([await alice.numberShown(), await bob.numberShown()], numbers);
    for (const person of [alice, bob]) assert.match(await person.status(), /^Registered as/);
    // And the network knows them by the same: a call shows who it is.
    await alice.call('bob');
    await bob.hears(/^Alice is calling|^alice.* is calling/i);
    await bob.press('Reject');
    await alice.hears(/declined|busy|ended/);
  });
});
