// Applications that the network offers: listed, fetched and opened in a call, over bootstrap channels.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { AppBed } from '../harness/app_bed.js';
import { closeAll, drawn, draws, openList, opens, running, says, scripted, writeApplication } from '../harness/app_person.js';
import { farEnd } from '../peers/sipp.js';

const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org';

describe('applications that the network offers', { timeout: 390_000 }, () => {
  const bed = new AppBed();

  // What the operator signs is verified at the page.
  before(() => {
    const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519');
    const [key, file] = ['operator.pem', 'isthmus.toml'].map((name) => path.join(bed.folder, name));
    fs.writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    fs.writeFileSync(file, `[mmtel_es]\nsigning_key = "${key}"\n[wwsf]\napplications_key = "${publicKey.export({ format: 'jwk' }).x}"\n`);
    return bed.start(['--config', file]);
  });
  after(() => bed.stop());

  it('neither has it, both get it from the network, and draw on one board', async () => {
    await bed.upload('whiteboard');
    const [alice, bob] = await bed.call();
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
    await bob.hears(/ended/);
    for (const person of [alice, bob]) await person.page.close();
  });

  it('one that the operator has not signed is not opened, and the call goes on', async () => {
    // To carol's page the operator has another key: what is signed is signed by a stranger.
    const stranger = crypto.generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x;
    const [alice, carol] = await bed.signIn(['alice', 'carol'], (name) => (name === 'carol' ? (page) => page.evaluateOnNewDocument(anotherKey, stranger) : undefined));
    await carol.call('alice');
    await alice.answer();
    await Promise.all([alice.hears(/^In a call with Carol/), carol.hears(/^In a call with alice/)]);
    await opens(carol, 'Whiteboard');
    await says(carol, 'Whiteboard', /^It is not what the network says it is, and was not opened\.$/);
    assert.equal(await carol.page.$('.window iframe'), null);
    await closeAll([alice, carol]);
    await carol.press('Hang up');
    await alice.hears(/ended/);
    for (const person of [alice, carol]) await person.page.close();
  });

  it('from an empty folder to an application that two people talk with', async () => {
    await bed.app('new', 'hello', '--name', 'Hello');
    await bed.app('check', 'hello');
    await bed.upload('hello');
    const people = await bed.call();
    const [alice, bob] = people;
    await opens(alice, 'Hello');
    await bob.press('Open Hello');
    const frames = await Promise.all(people.map((person) => running(person, 'Hello')));
    for (const [at, frame] of frames.entries()) {
      await people[at].page.bringToFront();
      await frame.waitForFunction(() => document.querySelector('#state').textContent === 'Connected.', { polling: 50 });
      await (await frame.$('#words')).type(`words of ${people[at].name}`);
      await (await frame.$('#say button')).click();
      await frames[1 - at].waitForFunction((words) => document.querySelector('#said').textContent.includes(words), { polling: 50 }, `The other party: words of ${people[at].name}`);
    }
    await closeAll(people);
    await alice.press('Hang up');
    await bob.hears(/ended/);
    for (const person of people) await person.page.close();
  });

  /** Gives the network an application of one page, with these lines in its profile. */
  function offer(name, ...profile) {
    const lines = [`name = "${name}"`, 'version = "1"', 'provider = "example"', 'works_without_peer = true', ...profile];
    writeApplication(bed.folder, name, { ...scripted(name, 'document.body.append("here")'), 'application.toml': `${lines.join('\n')}\n` });
    return bed.upload(name);
  }

  it('one that is for before a call is opened while it rings', async () => {
    await offer('Waiting', 'phase = "pre-call"');
    await offer('Later', 'phase = "in-call"');
    const [alice] = await bed.signIn(['alice']);
    const { product } = bed;
    const dave = await farEnd({ aor: `sip:dave@${DOMAIN}`, domain: DOMAIN, user: `dave@${DOMAIN}`, password: product.passwords().dave, core: `127.0.0.1:${product.ports.core}` });
    try {
      const rings = dave.run('early_no_answer');
      await alice.call('dave');
      await alice.hears(/ringing/i);
      await opens(alice, 'Waiting');
      const frame = await running(alice, 'Waiting');
      await says(alice, 'Waiting', /^It is open\.$/);
      assert.match(await frame.evaluate(() => document.body.textContent), /here/);
      // What is for the call alone is there, and says so.
      await openList(alice);
      await alice.page.waitForFunction(() => /Later.*Once the call is answered/s.test(document.querySelector('#applications-list').textContent), { polling: 50 });
      assert.match(await alice.status(), /ringing/i);
      await alice.press('Hang up');
      await rings.done;
    } finally {
      await dave.stop();
    }
    await alice.page.close();
  });

  it('one begins with the call by itself, and asks first where it collects personal data', async () => {
    await offer('Clock', 'phase = "in-call"', 'autolaunch = true');
    await offer('Survey', 'phase = "in-call"', 'autolaunch = true', 'personal_data = true', 'personal_data_url = "https://example.com/privacy"');
    // Nobody presses Apps. Bob's network does not say that there is such a thing, and his page looks for itself.
    const people = await bed.call((name) => (name === 'bob' ? (page) => page.evaluateOnNewDocument(saysNothing) : undefined));
    for (const person of people) {
      await running(person, 'Clock');
      await says(person, 'Clock', /^It began with the call\.$/);
      await says(person, 'Survey', /^It waits for you\.$/);
      assert.equal(await person.page.$$eval('.window', (all) => all.find((each) => each.querySelector('h2').textContent === 'Survey').querySelectorAll('iframe').length), 0);
    }
    const [alice, bob] = people;
    await alice.press('Agree and open');
    await running(alice, 'Survey');
    await bob.press('Don’t open');
    await bob.page.waitForFunction(() => document.querySelectorAll('.window').length === 1, { polling: 50 });
    await closeAll(people);
    await alice.press('Hang up');
    await bob.hears(/ended/);
    // In the next call who agreed is not asked again.
    await bed.connect(alice, bob);
    await running(alice, 'Survey');
    await says(bob, 'Survey', /^It waits for you\.$/);
    await closeAll(people);
    for (const person of people) await person.page.close();
  });
});

/** Runs in the page before its own scripts: the key of the operator is this one. */
function anotherKey(key) {
  const { fetch } = window;
  window.fetch = async (...given) => {
    const answer = await fetch(...given);
    if (!/\/token(\?|$)/.test(String(given[0]))) return answer;
    const account = await answer.json();
    return Response.json({ ...account, applications: { ...account.applications, key } }, { status: answer.status });
  };
}

/** Runs in the page before its own scripts: nobody says whether calls begin with applications, and nobody has looked before. */
function saysNothing() {
  if (window.origin.startsWith('https:')) localStorage.removeItem('isthmus-looked');
  const { fetch } = window;
  window.fetch = (...given) => (String(given[0]).endsWith('/ways/applications') ? Promise.resolve(new Response('', { status: 404 })) : fetch(...given));
}
