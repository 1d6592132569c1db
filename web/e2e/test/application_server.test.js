// The application server of examples/, as its README runs it: it calls a phone, shows a choice there, and prints the answer.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startPhone } from '../harness/headless.js';
import { startIsthmus } from '../harness/isthmus.js';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const BINARY = process.env.ISTHMUS_BIN ?? path.join(ROOT, 'target/debug/isthmus');
const SERVER = path.join(ROOT, 'examples/application-server/server.js');
const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';

describe('the application server of examples/', () => {
  let product;
  let phone;
  let origin;

  before(async () => {
    product = await startIsthmus();
    origin = `http://localhost:${product.ports.http}`;
    const { bob } = product.passwords();
    const w2 = `ws://localhost:${product.ports.http}/w2`;
    phone = startPhone('--w2', w2, '--user', 'bob', '--password', bob, '--answer', '--accept-channel', 'any', '--commands');
    await phone.hears('registered');
  });

  after(async () => {
    await phone?.stop();
    await product?.stop();
  });

  /** Gives a sample application to the enabler; its appId. The folder is copied, since an upload writes into it. */
  function uploaded(name) {
    const folder = path.join(product.folder, name);
    fs.cpSync(path.join(ROOT, 'apps', name), folder, { recursive: true });
    const said = execFileSync(BINARY, ['app', 'upload', folder, '--server', origin], { encoding: 'utf8' });
    return /configured: (\S+)/.exec(said)[1];
  }

  /** Runs it; what it printed, when it has ended, and how. */
  function run(...words) {
    const child = spawn(process.execPath, [SERVER, '--enabler', origin, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        printed += text;
      });
    }
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, printed })));
  }

  const said = (line) => JSON.parse(line.text);

  it('shows a menu, and prints what was chosen', async () => {
    const ended = run('--call', `sip:bob@${HOME}`, '--application', uploaded('menu'));
    const menu = said(await phone.next('line'));
    assert.equal(menu.type, 'menu');
    const { channel } = await phone.hears('channel_open');
    phone.types(`say ${channel} {"type":"choice","id":"${menu.choices[1].id}"}`);
    assert.deepEqual(said(await phone.next('line')), { type: 'end', text: 'Thank you.' });
    phone.types('hangup');
    const { code, printed } = await ended;
    assert.equal(code, 0, printed);
    // A channel may be told of before the answer is here.
    assert.match(printed, /call: ANSWERED /);
    assert.match(printed, /channel: OPENED[^]*answer: Leave a message[^]*call: ENDED/);
  });

  it('asks a poll on the channel that the application opens', async () => {
    await phone.next('ended');
    const id = uploaded('poll');
    const ended = run('--call', `sip:bob@${HOME}`, '--application', id, '--poll');
    await phone.next('answered');
    // The server may not wait for it yet, and then it is refused.
    const opened = (event) => phone.lines.findLastIndex((each) => each.event === event && each.call === 2);
    phone.types(`open ${id},in-band`);
    for (let tries = 0; opened('channel_open') < 0; tries += 1) {
      assert.ok(tries < 1200, phone.told());
      if (opened('channel_closed') > opened('channel_opening')) phone.types(`open ${id},in-band`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const question = said(await phone.next('line'));
    assert.equal(question.type, 'question');
    const { channel } = phone.lines.findLast(({ event }) => event === 'channel_open');
    phone.types(`say ${channel} {"type":"vote","answer":2}`);
    assert.deepEqual(said(await phone.next('line')), { type: 'votes', votes: [0, 0, 1] });
    phone.types('hangup');
    const { code, printed } = await ended;
    assert.equal(code, 0, printed);
    assert.match(printed, /answer: Nothing, thank you/);
  });

  it('says why when nobody can be called', async () => {
    const refused = await run('--call', 'mailto:bob@example.com', '--application', 'none');
    assert.notEqual(refused.code, 0);
    assert.match(refused.printed, /dccall: 4\d\d /);
    const help = await run('--help');
    assert.equal(help.code, 0);
    assert.match(help.printed, /^Usage: /);
  });
});
