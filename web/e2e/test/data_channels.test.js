// Data channels between two pages, through both accesses and the core: the chat that people see, and what the library does beneath.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';

import { startChromium } from '../harness/chromium.js';
import { startPhone } from '../harness/headless.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';

describe('data channels in a call', { timeout: 390_000 }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'channels-'));
  let product;
  let browser;
  let alice;
  let bob;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    alice = await signIn(browser, product, 'alice');
    bob = await signIn(browser, product, 'bob');
    for (const person of [alice, bob]) await person.page.evaluate(keepCalls);
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    if (await alice?.sees('Hang up')) await alice.press('Hang up');
    for (const person of [alice, bob]) await person?.find('button', 'Call');
  });

  async function connect() {
    await alice.call('bob');
    await bob.answer();
    await Promise.all([alice.hears(/^In a call with bob/), bob.hears(/^In a call with Alice/)]);
  }

  /** Alice opens the chat, and both can write. */
  async function chat() {
    await connect();
    await alice.press('Chat');
    await alice.reads(/You can write to Bob now/);
    await bob.reads(/Alice has opened a chat/);
  }

  /** A line each way arrives. */
  async function talk(words) {
    await alice.writes(`${words}, says Alice`);
    await bob.reads(new RegExp(`${words}, says Alice`));
    await bob.writes(`${words}, says Bob`);
    await alice.reads(new RegExp(`${words}, says Bob`));
  }

  /** Carol answers without a browser. */
  async function headless(...words) {
    const site = product.address;
    const who = ['--sign-in', site, '--user', 'carol', '--password', product.passwords().carol, '--insecure', '--origin', site.slice(0, -1)];
    const carol = startPhone(...who, '--timeout', 20, '--answer', ...words);
    await carol.hears('registered');
    return carol;
  }

  it('two people write to each other, with the keyboard alone', async () => {
    await chat();
    // Who pressed Chat writes; whom it came to is not torn away from what they did.
    assert.equal(await alice.focused(), 'Message');
    assert.notEqual(await bob.focused(), 'Message');
    await alice.page.keyboard.type('Grüße <b>aus</b> der Ferne ☎');
    await alice.page.keyboard.press('Enter');
    await bob.reads(/^Alice Grüße <b>aus<\/b> der Ferne ☎ /m);
    await alice.reads(/^You Grüße <b>aus<\/b> der Ferne ☎ /m);
    await talk('Both ways');
    assert.equal(await alice.lines(), 'audio, application');
    // Shut, it says that there is something, and keeps it.
    await bob.page.bringToFront();
    await bob.press('Close the chat');
    assert.equal(await bob.focused(), 'Chat');
    await alice.writes('Are you there?');
    await bob.hears(/^Message from Alice/);
    await bob.press('Chat');
    await bob.reads(/Are you there\?/);
    await bob.page.keyboard.press('Escape');
    assert.equal(await bob.focused(), 'Chat');
    await alice.press('Hang up');
    await bob.find('button', 'Call');
    assert.equal(await bob.page.$eval('#chat', (panel) => panel.hidden), true);
  });

  it('the chat goes on through hold, video that comes and goes, and another way of the media', async () => {
    await chat();
    for (const [one, other] of [[alice, bob], [bob, alice]]) {
      await one.press('Hold');
      await other.hears(/has put you on hold/);
      await talk(`While ${one.name} holds`);
      await one.press('Resume');
      await other.hears(/^In a call with/);
    }
    await alice.press('Start camera');
    await bob.press('Without camera');
    await alice.hears(/^In a call with bob, with video/);
    await talk('With a picture');
    assert.equal(await bob.lines(), 'audio, application, video');
    await alice.press('Stop camera');
    await alice.hears(/^In a call with bob$/);
    await talk('Without one');
    const before = await alice.credentials();
    await alice.dropConnection();
    await alice.changes(before);
    await alice.hears(/^In a call with bob$/);
    await talk('On another way');
  });

  it('a file goes from one to the other, and is said to have arrived', async () => {
    const file = path.join(folder, 'holiday.bin');
    fs.writeFileSync(file, Buffer.alloc(1_500_000, 'isthmus'));
    await chat();
    await (await alice.page.$('#chat-file')).uploadFile(file);
    await bob.reads(/^Alice Save holiday\.bin, 1\.5 MB/m);
    await alice.reads(/^You holiday\.bin Delivered/m);
    assert.equal(await bob.page.$eval('[role="log"] a', (link) => link.download), 'holiday.bin');
    await talk('Beside it');
  });

  it('both may open the chat at the same moment', async () => {
    await connect();
    await Promise.all([alice, bob].map(({ page }) => page.evaluate(() => document.getElementById('chat-toggle').click())));
    await alice.reads(/You can write to Bob now|Bob has opened a chat/, 20_000);
    await bob.reads(/You can write to Alice now|Alice has opened a chat/, 20_000);
    await talk('At once');
  });

  it('a phone without data channels is said to have none, and the call goes on', async () => {
    const carol = await headless('--duration', 0);
    try {
      await alice.call('carol');
      await alice.hears(/^In a call with carol/);
      await alice.press('Chat');
      await alice.reads(/Carol’s phone can’t chat/);
      await alice.find('button', 'Open again');
      assert.ok((await alice.energy()) > 0.05, 'alice hears carol');
    } finally {
      // It hangs up when it goes.
      await carol.stop();
      await alice.find('button', 'Call');
    }
  });

  it('a page and the phone without a browser write to each other, and send files both ways', async () => {
    const content = Buffer.alloc(700_000, 'isthmus');
    const file = path.join(folder, 'there.bin');
    const received = path.join(folder, 'received');
    fs.mkdirSync(received);
    fs.writeFileSync(file, content);
    const carol = await headless('--commands', '--accept-channel', 'any', '--save-files', received);
    try {
      await alice.call('carol');
      await alice.hears(/^In a call with carol/);
      await alice.press('Chat');
      await alice.reads(/You can write to Carol now/);
      await alice.writes('Hello, shell');
      const { channel, text } = await carol.hears('line');
      assert.equal(text, 'Hello, shell');
      carol.types(`say ${channel} Hello, page`);
      await alice.reads(/^Carol Hello, page /m);
      await (await alice.page.$('#chat-file')).uploadFile(file);
      const came = await carol.hears('file_received');
      assert.deepEqual(fs.readFileSync(came.file), content);
      await alice.reads(/^You there\.bin Delivered/m);
      carol.types(`send ${came.file}`);
      await alice.reads(/^Carol Save there\.bin, 700 kB/m);
      const sent = await carol.hears('file_sent');
      assert.equal(sent.sha256, came.sha256);
      carol.types(`close ${channel}`);
      await alice.reads(/The chat is closed/);
      await alice.press('Open again');
      await alice.reads(/closed\.(.|\n)*You can write to Carol now/);
    } finally {
      await carol.stop();
      await alice.find('button', 'Call');
    }
  });

  it('channels are opened, refused, filled, closed and opened again', async () => {
    await connect();
    await bob.page.evaluate(() => {
      window.heard = [];
      window.call.on('channelrequest', (request) => {
        if (request.protocol === 'no') return;
        if (request.protocol === 'echo') {
          const channel = request.accept({ attributes: ['fmtp:echo x=y'] });
          channel.on('message', (data) => channel.send(data));
        } else if (request.protocol === 'count') {
          const channel = request.accept();
          const count = { octets: 0, messages: 0, ordered: channel.ordered, priority: channel.priority };
          window.heard.push(count);
          channel.on('message', (data) => {
            count.octets += data.byteLength ?? data.length;
            count.messages += 1;
          });
          channel.on('close', () => {
            count.closed = true;
          });
        }
      });
    });
    const seen = await alice.page.evaluate(async () => {
      const { call } = window;
      const [echo, no] = [call.openChannel({ protocol: 'echo', label: 'ü"%' }), call.openChannel({ protocol: 'no' })];
      await echo.opened;
      const refused = await no.opened.catch((failure) => failure.code);
      const back = [];
      const all = new Promise((resolve) => echo.on('message', (data) => back.push(data) === 4 && resolve()));
      for (const data of ['', 'text', new ArrayBuffer(0), new Uint8Array(262_144).fill(7)]) echo.send(data);
      await all;
      let tooLarge;
      try {
        echo.send(new ArrayBuffer(echo.maxMessageSize + 1));
      } catch (error) {
        tooLarge = error.name;
      }
      const closed = new Promise((resolve) => echo.on('close', resolve));
      echo.close();
      const failure = await closed;
      const again = call.openChannel({ protocol: 'echo', id: echo.id });
      await again.opened;
      const third = new Promise((resolve) => again.on('message', resolve));
      again.send('again');
      return {
        ids: [echo.id, no.id], refused, tooLarge, failure, attributes: echo.remoteAttributes, again: await third, left: call.channels.length,
        back: back.map((data) => (typeof data === 'string' ? data : `${data.byteLength} of ${new Uint8Array(data)[0]}`)),
      };
    });
    assert.deepEqual(seen, {
      ids: [1000, 1002], refused: 'channel_refused', tooLarge: 'TypeError', failure: null, attributes: ['fmtp:echo x=y'], again: 'again', left: 1,
      back: ['', 'text', '0 of undefined', '262144 of 7'],
    });
    // Much, with the brake on.
    await alice.page.evaluate(async () => {
      const channel = window.call.openChannel({ protocol: 'count' });
      await channel.opened;
      channel.bufferedAmountLowThreshold = 256 * 1024;
      for (let i = 0; i < 512; i += 1) {
        channel.send(new ArrayBuffer(16 * 1024));
        await channel.drained();
      }
      // All of it arrives.
      channel.close();
    });
    await bob.page.waitForFunction(() => window.heard[0].closed, { timeout: 60_000 });
    assert.deepEqual(await bob.page.evaluate(() => window.heard), [{ octets: 8 * 1024 * 1024, messages: 512, ordered: true, priority: 256, closed: true }]);
  });
});

/** Runs in the page: the library's calls are at `window.call`, the last one. */
async function keepCalls() {
  const { Call } = await import('/wic/lib/index.js');
  const { enter } = Call.prototype;
  Call.prototype.enter = function keep(state) {
    window.call = this;
    return enter.call(this, state);
  };
}
