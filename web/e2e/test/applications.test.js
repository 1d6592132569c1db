// Applications in a call, at two pages: opened from the list, asked about, used by both, and closed.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';

import { AppBed } from '../harness/app_bed.js';
import { APPS, closeAll, develops, drawn, draws, hearsOfApplications, nothingOpen, opens, running, says, scripted } from '../harness/app_person.js';

describe('applications of two people in a call', { timeout: 390_000 }, () => {
  const bed = new AppBed();
  const { folder } = bed;
  let alice;
  let bob;
  let inCall = true;

  before(async () => {
    await bed.start();
    [alice, bob] = await bed.call();
    for (const person of [alice, bob]) await develops(person, path.join(APPS, 'whiteboard'));
  });

  after(() => bed.stop());

  afterEach(() => inCall && closeAll([alice, bob]));

  it('keeps nobody from hold while the other is asked about it, who is asked again then', async () => {
    await opens(alice, 'Whiteboard');
    await hearsOfApplications(bob, /^Alice wants to use Whiteboard with you\.$/);
    await alice.press('Hold');
    // Sooner than a question goes by itself.
    await bob.hears(/has put you on hold/, 20_000);
    await bob.press('Open Whiteboard');
    await Promise.all([says(alice, 'Whiteboard', /^Bob uses it too\.$/), says(bob, 'Whiteboard', /^Alice uses it too\.$/)]);
    await alice.press('Resume');
    await bob.hears(/^In a call with Alice$/);
  });

  it('one opens it, the other is asked and told which, and both draw on one board', async () => {
    await opens(alice, 'Whiteboard');
    await says(alice, 'Whiteboard', /^Bob is asked whether to open it too\.$/);
    await hearsOfApplications(bob, /^Alice wants to use Whiteboard with you\.$/);
    await bob.press('Open Whiteboard');
    await Promise.all([says(alice, 'Whiteboard', /^Bob uses it too\.$/), says(bob, 'Whiteboard', /^Alice uses it too\.$/)]);
    const [ours, theirs] = [await running(alice, 'Whiteboard'), await running(bob, 'Whiteboard')];
    await alice.page.bringToFront();
    await draws(ours);
    await bob.page.bringToFront();
    await theirs.waitForFunction(drawn, { polling: 50 });
    // Who closes it leaves it; the other still has it.
    await bob.press('Close Whiteboard');
    await says(alice, 'Whiteboard', /^Bob is not connected to it any more\.$/);
    await ours.waitForFunction(() => /has left/.test(document.querySelector('#state').textContent), { polling: 50 });
  });

  it('who says no can come later, from the list, and gets all there is', async () => {
    await opens(alice, 'Whiteboard');
    const ours = await running(alice, 'Whiteboard');
    await draws(ours);
    await bob.press('Not now');
    await says(alice, 'Whiteboard', /^Bob did not open it\.$/);
    await nothingOpen(bob);
    await opens(bob, 'Whiteboard');
    const theirs = await running(bob, 'Whiteboard');
    await Promise.all([says(alice, 'Whiteboard', /^Bob uses it too\.$/), says(bob, 'Whiteboard', /^Alice uses it too\.$/)]);
    await theirs.waitForFunction(drawn, { polling: 50 });
  });

  it('says so where the two have different versions, and where one has it not', async () => {
    const other = path.join(folder, 'whiteboard');
    fs.cpSync(path.join(APPS, 'whiteboard'), other, { recursive: true });
    const profile = path.join(other, 'application.toml');
    fs.writeFileSync(profile, fs.readFileSync(profile, 'utf8').replace('1.0.0', '1.1.0'));
    await develops(bob, other);
    await opens(alice, 'Whiteboard');
    await bob.press('Open Whiteboard');
    await says(alice, 'Whiteboard', /in version 1\.1\.0; yours is 1\.0\.0/);
    await says(bob, 'Whiteboard', /in version 1\.0\.0; yours is 1\.1\.0/);
    await develops(bob, path.join(APPS, 'whiteboard'));

    await bed.write('lonely', scripted('Lonely', "new RTCPeerConnection().createDataChannel('x');"), alice);
    await opens(alice, 'lonely');
    await bob.press('Open lonely');
    await says(bob, 'lonely', /^It is neither among your applications nor among those that Alice’s network offers\.$/);
    await says(alice, 'lonely', /^(Bob is not connected|It is open)/);
  });

  it('one is closed while messages are under way, by its person and by itself', async () => {
    const stream = `
      const connection = new RTCPeerConnection();
      window.heard = 0;
      connection.ondatachannel = ({ channel }) => {
        channel.onmessage = () => { window.heard += 1; };
        channel.onclose = () => { window.left = true; };
      };
      if (application.launchedBy === 'local') {
        const channel = connection.createDataChannel('stream');
        channel.onopen = () => setInterval(() => { for (let i = 0; i < 5; i += 1) channel.send('x'.repeat(1000)); }, 20);
        addEventListener('message', () => application.close());
      }`;
    await bed.write('stream', scripted('Stream', stream), alice, bob);
    for (const ends of [() => alice.press('Close stream'), async (frame) => frame.evaluate(() => postMessage('', '*'))]) {
      await opens(alice, 'stream');
      await bob.press('Open stream');
      const [ours, theirs] = [await running(alice, 'stream'), await running(bob, 'stream')];
      await theirs.waitForFunction(() => window.heard > 20, { polling: 50 });
      await ends(ours);
      await theirs.waitForFunction(() => window.left === true, { polling: 50 });
      await says(bob, 'stream', /^Alice is not connected to it any more\.$/);
      await bob.press('Close stream');
      await nothingOpen(alice);
    }
  });

  it('a press that was meant for one question answers no other that takes its place', async () => {
    const asks = scripted('Asks', "new RTCPeerConnection().createDataChannel('x');");
    const names = ['first', 'second', 'third'];
    for (const name of names) await bed.write(name, asks, alice);
    // The channels of two wait for the answer about the first, and come in one offer.
    for (const name of names) {
      await opens(alice, name);
      await says(alice, name, /^Bob is asked whether to open it too\.$/);
    }
    const asked = (name) => bob.page.waitForFunction(
      (words) => document.querySelector('#application-ask').checkVisibility() && document.querySelector('#application-ask-words').textContent.includes(words),
      { polling: 50, timeout: 40_000 },
      name,
    );
    const refuses = (times) => bob.page.$eval('#application-refuse', (button, presses) => {
      for (let press = 0; press < presses && button.checkVisibility(); press += 1) button.click();
    }, times);
    await asked('first');
    await refuses(1);
    await asked('second');
    await hearsOfApplications(bob, /third/);
    // The second press falls on what has just come.
    await refuses(2);
    await asked('third');
    // Once it has been there for a while it is answered.
    const deadline = Date.now() + 40_000;
    while (await bob.sees('Not now')) {
      assert.ok(Date.now() < deadline, await bob.told());
      await refuses(1);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    for (const name of names) await says(alice, name, /^Bob did not open it\.$/);
  });

  it('ends with the call', async () => {
    await opens(alice, 'Whiteboard');
    await running(alice, 'Whiteboard');
    await bob.press('Not now');
    inCall = false;
    await alice.press('Hang up');
    await Promise.all([alice.hears(/has ended/), bob.hears(/has ended/)]);
    await Promise.all([nothingOpen(alice), nothingOpen(bob)]);
    // Nothing of it is left for who goes through the page by ear.
    for (const { page } of [alice, bob]) assert.equal(await page.$eval('#applications-said', (region) => region.textContent), '');
  });
});
