// Applications in a call, at two pages: opened from the list, asked about, used by both, and closed.

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
    await says(alice, 'Whiteboard', /^Bob has left it\.$/);
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
    await says(alice, 'lonely', /^(Bob has left it|It is open)/);
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
      await says(bob, 'stream', /^Alice has left it\.$/);
      await bob.press('Close stream');
      await nothingOpen(alice);
    }
  });

  it('ends with the call', async () => {
    await opens(alice, 'Whiteboard');
    await running(alice, 'Whiteboard');
    await bob.press('Not now');
    inCall = false;
    await alice.press('Hang up');
    await Promise.all([alice.hears(/has ended/), bob.hears(/has ended/)]);
    await Promise.all([nothingOpen(alice), nothingOpen(bob)]);
  });
});
