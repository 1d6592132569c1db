// Applications whose other end is an application server: the one of the examples, and people at their pages.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { AppBed } from '../harness/app_bed.js';
import { APPS, opens, running, says } from '../harness/app_person.js';

const SERVER = path.join(APPS, '../examples/application-server/server.js');

describe('applications with a server', { timeout: 390_000 }, () => {
  const bed = new AppBed();

  before(() => bed.start());
  after(() => bed.stop());

  /** The application server of the examples, which calls people about an application. */
  function serve(application, people, ...words) {
    const calls = people.flatMap((name) => ['--call', `sip:${name}@ims.mnc001.mcc001.3gppnetwork.org`]);
    const server = spawn(process.execPath, [SERVER, ...calls, '--application', application, '--enabler', bed.site, ...words]);
    let said = '';
    const waiting = new Set();
    for (const stream of [server.stdout, server.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
        for (const look of waiting) look();
      });
    }
    const hears = (pattern) => new Promise((resolve, reject) => {
      const patience = setTimeout(() => reject(new Error(`the server waited for ${pattern}, and said:\n${said}`)), 30_000);
      const look = () => {
        if (!pattern.test(said)) return;
        clearTimeout(patience);
        waiting.delete(look);
        resolve(undefined);
      };
      waiting.add(look);
      look();
    });
    const blamed = (error) => Object.assign(error, { message: `${error.message}\nThe server said:\n${said}` });
    return { hears, blamed, stop: () => server.kill() };
  }

  it('a server calls, and its menu is asked about by name, opened and answered', async () => {
    const [bob] = await bed.signIn(['bob']);
    const server = serve(await bed.upload('menu'), ['bob']);
    try {
      await bob.answer();
      await bob.hears(/^In a call/);
      await bob.press('Open Menu');
      const frame = await running(bob, 'Menu');
      await (await frame.waitForSelector('#choices li:nth-child(2) button')).click();
      await server.hears(/^answer: Leave a message$/m);
      await frame.waitForFunction(() => document.querySelector('#text').textContent === 'Thank you.', { polling: 50 });
      await bob.press('Hang up');
      await server.hears(/^call: ENDED/m);
    } catch (error) {
      throw server.blamed(error);
    } finally {
      server.stop();
    }
    await bob.page.close();
  });

  it('two people vote, the server counts, and both see the counts', async () => {
    const people = await bed.signIn(['alice', 'bob']);
    const server = serve(await bed.upload('poll'), ['alice', 'bob'], '--poll');
    try {
      for (const person of people) {
        await person.answer();
        await person.hears(/^In a call/);
      }
      await server.hears(/(^call: ANSWERED.*$[^]*){2}/m);
      const frames = [];
      for (const person of people) {
        await opens(person, 'Poll');
        frames.push(await running(person, 'Poll'));
        await says(person, 'Poll', /^Connected to its server\.$/);
      }
      const counts = (at, votes) => frames[at].waitForFunction((words) => document.querySelector('#votes').textContent.includes(words), { polling: 50 }, votes);
      const votes = async (at, answer) => {
        await people[at].page.bringToFront();
        await (await frames[at].waitForSelector(`label:nth-of-type(${answer}) input`)).click();
        await (await frames[at].$('#ballot button')).click();
      };
      await votes(0, 2);
      await server.hears(/^answer: Leave a message$/m);
      await Promise.all([counts(0, 'Leave a message1 (100 %)'), counts(1, 'Leave a message1 (100 %)')]);
      await votes(1, 3);
      await server.hears(/^answer: Nothing, thank you$/m);
      await Promise.all([counts(0, 'Nothing, thank you1 (50 %)'), counts(1, 'Leave a message1 (50 %)')]);
      for (const person of people) await person.press('Hang up');
      await server.hears(/(^call: ENDED.*$[^]*){2}/m);
    } catch (error) {
      throw server.blamed(error);
    } finally {
      server.stop();
    }
  });
});
