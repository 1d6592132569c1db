// Applications in a call, at two pages: opened from the list, asked about, used by both, and closed.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';

import { AppBed } from '../harness/app_bed.js';
import { APPS, closeAll, develops, drawn, draws, hearsOfApplications, nothingOpen, opens, running, says, scripted } from '../harness/app_person.js';
import { packFolder } from '../harness/applications.js';

describe('applications of two people in a call', { timeout: 240_000 }, () => {
  const bed = new AppBed();
  const { folder } = bed;
  let alice;
  let bob;
  let inCall = true;

  before(async () => {
    await bed.start();
    [alice, bob] = await bed.call();
    for (const person of [alice, bob]) {
      await develops(person, path.join(APPS, 'whiteboard'));
      await develops(person, path.join(APPS, 'file-drop'));
    }
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
    await says(alice, 'Whiteboard', /^Bob did not want to open it\.$/);
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

  it('keyboard alone opens one, goes into it, and comes out of it', async () => {
    await alice.page.bringToFront();
    if (!(await alice.page.$eval('#applications', (panel) => panel.hidden))) await alice.press('Close the list of applications');
    await alice.page.focus('#applications-toggle');
    const { keyboard } = alice.page;
    await keyboard.press('Enter');
    assert.equal(await alice.focused(), 'Close the list of applications');
    const names = async () => alice.page.evaluate(() => document.getElementById(document.activeElement.getAttribute('aria-labelledby') ?? '')?.textContent ?? document.activeElement.localName);
    do await keyboard.press('Tab'); while ((await names()) !== 'Whiteboard');
    await keyboard.press('Enter');
    await says(alice, 'Whiteboard', /Bob is asked/);
    // The window has the focus: its buttons come next, and then the application.
    assert.equal(await alice.page.evaluate(() => document.activeElement.className), 'window');
    await running(alice, 'Whiteboard');
    for (let steps = 0; (await names()) !== 'iframe' && steps < 4; steps += 1) await keyboard.press('Tab');
    assert.equal(await names(), 'iframe');
    await keyboard.down('Shift');
    for (let steps = 0; (await alice.focused()) !== 'Close Whiteboard' && steps < 12; steps += 1) await keyboard.press('Tab');
    await keyboard.up('Shift');
    await keyboard.press('Enter');
    await nothingOpen(alice);
    // Back where it was opened.
    assert.equal(await names(), 'Whiteboard');
    await keyboard.press('Escape');
    assert.equal(await alice.focused(), 'Apps');
  });

  it('a packed one, and what it does, are shown to its author', async () => {
    await bed.write('talk', scripted('Talk', "console.log('hello', 1); new RTCPeerConnection().createDataChannel('words'); nothing();"));
    const package_ = path.join(folder, 'talk.zip');
    fs.writeFileSync(package_, packFolder(path.join(folder, 'talk')));
    await develops(alice, package_);
    await opens(alice, 'talk');
    await running(alice, 'talk');
    await alice.press('Console of talk');
    await alice.page.waitForFunction(() => {
      const log = document.querySelector('.window-console').textContent;
      return /log hello 1/.test(log) && /nothing is not defined/.test(log) && /"open".*"label":"words"/.test(log);
    }, { polling: 50 });
  });

  it('a file is dropped, taken, and saved if the person wants it', async () => {
    const file = path.join(folder, 'a picture.bin');
    fs.writeFileSync(file, Buffer.alloc(300_000, 'ab'));
    await opens(alice, 'File drop');
    const ours = await running(alice, 'File drop');
    await (await ours.$('#choose')).uploadFile(file);
    await bob.press('Open File drop');
    const theirs = await running(bob, 'File drop');
    const press = async (name) => (await theirs.waitForSelector(`button[aria-label="${name} a picture.bin"]`)).click();
    await press('Take');
    await theirs.waitForFunction(() => /is here, 300\.0 kB/.test(document.querySelector('#files').textContent), { polling: 50 });
    await press('Save');
    await hearsOfApplications(bob, /^File drop wants to save “a picture\.bin”, 300 kB, on this device\.$/);
    await bob.press('Don’t save');
    await press('Save');
    await bob.press('Save');
    await theirs.waitForFunction(() => /was saved/.test(document.querySelector('#files').textContent), { polling: 50 });
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
