// Applications that the network offers: listed, fetched and opened in a call, over bootstrap channels.

import { after, before, describe, it } from 'node:test';

import { AppBed } from '../harness/app_bed.js';
import { closeAll, drawn, draws, opens, running, says } from '../harness/app_person.js';

describe('applications that the network offers', { timeout: 390_000 }, () => {
  const bed = new AppBed();

  before(() => bed.start());
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
});
