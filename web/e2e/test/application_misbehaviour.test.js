// Applications that take what is not theirs, in a call that goes on.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';

import { AppBed } from '../harness/app_bed.js';
import { APPS, closeAll, develops, drawn, draws, hearsOfApplications, opens, running, says, scripted } from '../harness/app_person.js';

describe('misbehaving applications in a call', { timeout: 390_000 }, () => {
  const bed = new AppBed();
  let alice;
  let bob;

  before(async () => {
    await bed.start();
    [alice, bob] = await bed.call();
    for (const person of [alice, bob]) await develops(person, path.join(APPS, 'whiteboard'));
  });

  after(() => bed.stop());

  afterEach(() => closeAll([alice, bob]));

  it('what it may not have it does not get, and nobody notices', async () => {
    const greedy = `
      const tried = {};
      const name = async (what, act) => { try { await act(); tried[what] = 'had'; } catch (error) { tried[what] = error.name; } };
      const closed = (channel) => new Promise((resolve, reject) => { channel.onopen = resolve; channel.onclose = () => reject(new DOMException('', 'Closed')); });
      addEventListener('load', async () => {
        await name('another application', () => new RTCPeerSignallingService({ appId: 'whiteboard' }).associate());
        await name('another call', () => new RTCPeerSignallingService({ sessionId: 'x' }).associate());
        const connection = new RTCPeerConnection();
        await name('an id below 1000', () => connection.createDataChannel('x', { id: 999 }));
        await name('bootstrap', () => connection.createDataChannel('x', { id: 0, protocol: 'http' }));
        await name('a label of 70,000 octets', () => connection.createDataChannel('x'.repeat(70000)));
        await name('a label of 2,000 octets', () => closed(connection.createDataChannel('x'.repeat(2000))));
        await name('a subprotocol of 2,000 octets', () => closed(connection.createDataChannel('x', { protocol: 'x'.repeat(2000) })));
        window.tried = tried;
      });`;
    await bed.write('greedy', scripted('Greedy', greedy), alice);
    await opens(alice, 'greedy');
    const frame = await running(alice, 'greedy');
    await frame.waitForFunction(() => window.tried, { polling: 50 });
    assert.deepEqual(await frame.evaluate(() => window.tried), {
      'another application': 'NotAllowedError',
      'another call': 'NotFoundError',
      'an id below 1000': 'OperationError',
      bootstrap: 'OperationError',
      'a label of 70,000 octets': 'TypeError',
      'a label of 2,000 octets': 'Closed',
      'a subprotocol of 2,000 octets': 'Closed',
    });
    await alice.press('Close greedy');

    const ten = `
      const connection = new RTCPeerConnection();
      window.channels = [];
      addEventListener('load', () => { for (let i = 0; i < 10000; i += 1) channels.push(connection.createDataChannel('x' + i)); });`;
    await bed.write('many', scripted('Many', ten), alice);
    await opens(alice, 'many');
    // It is closed for it; a page that takes so long to hear of them all that it is none too many has 64 of them at most.
    const flood = hearsOfApplications(alice, /^many: It asked too much of this page and was closed\.$/);
    const bound = () => window.channels.length === 10_000 && window.channels.filter(({ readyState }) => readyState !== 'closed').length <= 64;
    const few = running(alice, 'many').then((each) => each.waitForFunction(bound, { polling: 100 }));
    await Promise.any([flood, few]);
  });

  it('one that loops without end is said to hang, and can be closed; the other one goes on', async () => {
    await bed.write('loop', scripted('Loop', "addEventListener('load', () => setTimeout(() => { for (;;); }, 100));"), alice);
    await opens(alice, 'Whiteboard');
    await bob.press('Open Whiteboard');
    const [ours, theirs] = [await running(alice, 'Whiteboard'), await running(bob, 'Whiteboard')];
    await opens(alice, 'loop');
    await says(alice, 'loop', /^It does not answer\. It can be closed\.$/);
    await draws(ours);
    await theirs.waitForFunction(drawn, { polling: 50 });
    await alice.press('Mute');
    await alice.press('Unmute');
    await alice.press('Close loop');
    await says(alice, 'Whiteboard', /^Bob uses it too\.$/);
  });
});
