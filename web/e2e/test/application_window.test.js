// What a person can do with the window of an application in a call: by keyboard, as its author, with files.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { AppBed } from '../harness/app_bed.js';
import { APPS, closeAll, develops, hearsOfApplications, nothingOpen, opens, running, says, scripted } from '../harness/app_person.js';
import { packFolder } from '../harness/applications.js';

describe('the windows of applications in a call', { timeout: 390_000 }, () => {
  const bed = new AppBed();
  const { folder } = bed;
  let alice;
  let bob;

  before(async () => {
    await bed.start();
    [alice, bob] = await bed.call();
    await develops(alice, path.join(APPS, 'whiteboard'));
    for (const person of [alice, bob]) await develops(person, path.join(APPS, 'file-drop'));
  });

  after(() => bed.stop());

  afterEach(() => closeAll([alice, bob]));

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
    // On its way into a frame of another process, and out of it, the focus is nowhere for a moment.
    const arrived = () => alice.page.waitForFunction(() => document.activeElement !== document.body, { polling: 25, timeout: 40_000 });
    for (let steps = 0; (await names()) !== 'iframe' && steps < 4; steps += 1) {
      await keyboard.press('Tab');
      await arrived();
    }
    assert.equal(await names(), 'iframe');
    await keyboard.down('Shift');
    for (let steps = 0; (await alice.focused()) !== 'Close Whiteboard' && steps < 12; steps += 1) {
      await keyboard.press('Tab');
      await sleep(250);
      await arrived();
    }
    await keyboard.up('Shift');
    await keyboard.press('Enter');
    await nothingOpen(alice);
    // Back where it was opened.
    assert.equal(await names(), 'Whiteboard');
    await keyboard.press('Escape');
    assert.equal(await alice.focused(), 'Apps');
  });

  it('on a phone the list goes when one is opened, which has the focus', async () => {
    await alice.page.setViewport({ width: 390, height: 844 });
    for (const already of [false, true]) {
      await opens(alice, 'Whiteboard');
      if (!already) await running(alice, 'Whiteboard');
      assert.deepEqual(
        await alice.page.evaluate(() => [document.querySelector('#applications').hidden, document.activeElement.className]),
        [true, 'window'],
        already ? 'it is open already' : 'it is opened',
      );
    }
    await alice.page.setViewport({ width: 1280, height: 860 });
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
    // Not by its place: that changes when a question above it comes and goes.
    const press = async (name) => (await theirs.waitForSelector(`button[aria-label="${name} a picture.bin"]`)).evaluate((button) => button.click());
    await press('Take');
    await theirs.waitForFunction(() => /is here, 300\.0 kB/.test(document.querySelector('#files').textContent), { polling: 50 });
    await press('Save');
    await hearsOfApplications(bob, /^File drop wants to save “a picture\.bin”, 300 kB, on this device\.$/);
    await bob.press('Don’t save');
    await press('Save');
    await bob.press('Save');
    await theirs.waitForFunction(() => /was saved/.test(document.querySelector('#files').textContent), { polling: 50 });
  });
});
