// The sample applications, in their frames, with the other party or a server at the other end of their channels.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { openBench, packFolder } from '../harness/applications.js';
import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';

const APPS = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../apps');

describe('the sample applications', () => {
  let product;
  let browser;
  let bench;
  let site;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    site = `http://app-{id}.localhost:${product.ports.http}`;
    bench = await openBench(browser, `http://localhost:${product.ports.http}/`);
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
  });

  /** An application with both parties of the call. */
  async function both(name) {
    const bytes = packFolder(path.join(APPS, name));
    await bench.run(`${name}-theirs`, bytes, { id: name, side: 'there', launchedBy: 'remote', site });
    const theirs = await bench.shown(`${name}-theirs`);
    await bench.page.waitForFunction((each) => window.bench.frames[each].channels !== undefined, {}, `${name}-theirs`);
    await theirs.evaluate(() => new RTCPeerSignallingService().associate());
    await bench.run(`${name}-ours`, bytes, { id: name, site });
    return { ours: await bench.shown(`${name}-ours`), theirs };
  }

  /** An application, and the end of its channel to the server. `opens`: the server opens it. */
  async function withServer(name, opens) {
    await bench.run(name, packFolder(path.join(APPS, name)), { site });
    const frame = await bench.shown(name);
    await frame.evaluate(() => new RTCPeerSignallingService().associate());
    await bench.page.evaluate(({ id, opens: server }) => {
      const { here, there } = window.bench.calls;
      const heard = [];
      const use = (channel) => {
        channel.on('message', (data) => heard.push(JSON.parse(data)));
        window.server = { heard, send: (value) => channel.send(JSON.stringify(value)), close: () => channel.close(), channel };
      };
      const application = { id, endpoint: 'server' };
      if (server) use(there.openChannel({ label: id, protocol: '', ordered: true, application }));
      else window.serve = use;
      void here;
    }, { id: name, opens });
    return frame;
  }

  const tell = (value) => bench.page.evaluate((each) => window.server.send(each), value);
  const heard = (count) => bench.page.waitForFunction((each) => window.server?.heard.length >= each && window.server.heard, {}, count).then((each) => each.jsonValue());
  const close = (...names) => bench.page.evaluate((each) => each.forEach((name) => window.bench.frames[name].close()), names);

  it('draws on one board', async () => {
    const { ours, theirs } = await both('whiteboard');
    await ours.waitForFunction(() => document.querySelector('#state').textContent.startsWith('Both'));
    const board = await ours.$('#board');
    await board.focus();
    // By keyboard: the pen down, to the right, and up.
    for (const key of ['Space', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'Space']) await board.press(key);
    const drawn = () => {
      const canvas = document.querySelector('#board');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let dots = 0;
      for (let at = 3; at < data.length; at += 4) if (data[at] > 0) dots += 1;
      return dots;
    };
    await theirs.waitForFunction(`(${drawn})() > 20`);
    // The other one clears it.
    await (await theirs.$('#clear')).click();
    await ours.evaluate(() => document.activeElement.blur());
    await ours.waitForFunction(`(${drawn})() === 0 || document.querySelector('#board').getContext('2d') === null`);
    await close('whiteboard-ours');
    await theirs.waitForFunction(() => /has left/.test(document.querySelector('#state').textContent));
    await close('whiteboard-theirs');
  });

  it('drops a file, which the other party takes and saves', async () => {
    const { ours, theirs } = await both('file-drop');
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'drop-')), 'a picture.bin');
    fs.writeFileSync(file, Buffer.alloc(1_000_000, 'ab'));
    await (await ours.$('#choose')).uploadFile(file);
    const press = async (frame, name) => {
      const button = await frame.waitForSelector(`button[aria-label="${name} a picture.bin"]`);
      await button.click();
    };
    await press(theirs, 'Take');
    await ours.waitForFunction(() => /is there, 1\.0 MB/.test(document.querySelector('#files').textContent));
    await theirs.waitForFunction(() => document.querySelector('progress').value === 1_000_000);
    // The file's channel has ended; by another one each knows that the other party still has it open.
    const open = (name) => bench.page.waitForFunction((each) => {
      const there = window.bench.frames[each].channels;
      return there.length === 1 && there[0].readyState === 'open';
    }, {}, name);
    await Promise.all([open('file-drop-ours'), open('file-drop-theirs')]);
    await press(theirs, 'Save');
    await theirs.waitForFunction(() => /was saved/.test(document.querySelector('#files').textContent));
    const [saved] = await bench.page.evaluate(() => window.bench.saved);
    assert.deepEqual([saved.file, saved.size, saved.bytes.slice(0, 4)], ['a picture.bin', 1_000_000, [97, 98, 97, 98]]);
    // Another one is declined.
    await (await ours.$('#choose')).uploadFile(file);
    await press(theirs, 'Decline');
    await ours.waitForFunction(() => /was not taken/.test(document.querySelector('#files').textContent));
    fs.rmSync(path.dirname(file), { recursive: true });
    await close('file-drop-ours', 'file-drop-theirs');
  });

  it('lets the person choose from a menu of the server’s', async () => {
    const frame = await withServer('menu', true);
    await bench.page.waitForFunction(() => window.server?.channel.readyState === 'open');
    await tell({ type: 'menu', title: 'Isthmus Bank', text: 'How can we help?', choices: [{ id: 'a', text: 'My account' }, { id: 'b', text: 'A <b>person</b>' }] });
    await frame.waitForFunction(() => document.querySelectorAll('#choices button').length === 2);
    const second = await frame.$('#choices li:nth-child(2) button');
    // What the server says is words, and never markup.
    assert.match(await second.evaluate((each) => each.textContent), /A <b>person<\/b>/);
    await second.click();
    assert.deepEqual(await heard(1), [{ type: 'choice', id: 'b' }]);
    await tell({ type: 'end', text: 'A person is coming.' });
    await frame.waitForFunction(() => document.querySelector('#text').textContent === 'A person is coming.');
    await close('menu');
  });

  it('asks the server’s question, and shows how it stands', async () => {
    await bench.page.evaluate(() => {
      window.server = undefined;
      const { there } = window.bench.calls;
      there.addEventListener('channelrequest', ({ detail: request }) => {
        if (request.application.endpoint === 'server') window.serve(request.accept());
      });
      window.serve = (channel) => {
        const heard = [];
        channel.on('message', (data) => heard.push(JSON.parse(data)));
        window.server = { heard, channel, send: (value) => channel.send(JSON.stringify(value)) };
      };
    });
    await bench.run('poll', packFolder(path.join(APPS, 'poll')), { site });
    const frame = await bench.shown('poll');
    await bench.page.waitForFunction(() => window.server?.channel.readyState === 'open');
    await tell({ type: 'question', question: 'Tea or coffee?', answers: ['Tea', 'Coffee'], votes: [1, 0] });
    const coffee = await frame.waitForSelector('label:nth-of-type(2) input');
    await coffee.click();
    await (await frame.$('#ballot button')).click();
    assert.deepEqual(await heard(1), [{ type: 'vote', answer: 1 }]);
    await tell({ type: 'votes', votes: [1, 1] });
    await frame.waitForFunction(() => /1 \(50 %\)/.test(document.querySelector('#votes').textContent));
    assert.ok(await frame.$eval('#answers', (each) => each.disabled));
    await close('poll');
  });
});
