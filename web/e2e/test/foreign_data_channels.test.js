// Data channels of WebRTC stacks that are not ours: every one calls every other through our two accesses and the core.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startPhone } from '../harness/headless.js';
import { startIsthmus } from '../harness/isthmus.js';
import { Signalling } from '../peers/data/signalling.js';
import { STACKS } from '../peers/data/stacks.js';
import { Talker } from '../peers/data/talker.js';

const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org';
const FILE = 300_000;
const NAMES = Object.keys(STACKS);

describe('data channels', { concurrency: 4 }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'data-channels-'));
  const stacks = {};
  let product;
  let alice;
  let bob;
  let phone;

  before(async () => {
    const file = path.join(folder, 'isthmus.toml');
    fs.writeFileSync(file, '[epcscf]\ndata_channels = "always"\n');
    product = await startIsthmus(['--config', file]);
    const w2 = `wss://localhost:${product.ports.https}/w2`;
    const passwords = product.passwords();
    const signalling = (name) => Signalling.start({ w2, name, domain: DOMAIN, password: passwords[name] });
    [alice, bob] = await Promise.all(['alice', 'bob'].map(signalling));
    fs.mkdirSync(path.join(folder, 'received'));
    phone = startPhone(
      ...['--w2', w2, '--insecure', '--origin', `https://localhost:${product.ports.https}`],
      ...['--user', 'carol', '--password', passwords.carol, '--answer', '--commands'],
      // None of the others reads in SDP what it opens.
      ...['--quiet-channels', '--echo-channels', '--save-files', path.join(folder, 'received')],
    );
    await phone.hears('registered');
    await Promise.all(NAMES.map(async (name) => (stacks[name] = await STACKS[name]())));
  });

  after(async () => {
    await Promise.all([alice, bob, phone, ...Object.values(stacks)].map((each) => each?.stop()));
    await product?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  for (const [index, caller] of NAMES.entries()) {
    for (const called of NAMES.slice(index)) {
      it(`${caller} calls ${called}: echo, close, open again, a file each way`, { timeout: 300_000 }, async () => {
        const near = new Talker(caller, stacks[caller]);
        const far = new Talker(`${called} (called)`, stacks[called]);
        const subject = `${caller} to ${called}`;
        await near.peer.open({ label: 'echo', protocol: 'chat' });
        const answered = bob.expect(subject, far.peer);
        const call = await alice.call(`sip:bob@${DOMAIN}`, subject, near.peer);
        await answered;

        for (const time of ['at first', 'opened again']) {
          if (time === 'opened again') await near.opensAgain({ label: 'echo', protocol: 'chat' }, caller === 'webrtc');
          const [, there] = await Promise.all([near.hears('open', 'echo'), far.hears('open', 'echo')]);
          assert.equal(there.protocol, 'chat', `${time}: the protocol that was asked for`);
          await near.echoes('echo');
          await near.peer.shut({ label: 'echo' });
          await Promise.all([near.hears('closed', 'echo'), far.hears('closed', 'echo')]);
        }

        // From the other side too.
        await far.peer.open({ label: 'echo back' });
        await Promise.all([near.hears('open', 'echo back'), far.hears('open', 'echo back')]);
        await far.echoes('echo back');
        await far.peer.shut({ label: 'echo back' });
        await Promise.all([near.hears('closed', 'echo back'), far.hears('closed', 'echo back')]);

        await Promise.all([near.gives('file up', FILE, far), far.gives('file down', FILE, near)]);
        await call.bye();
      });
    }
  }

  // It has one call at a time, with audio or without.
  describe('the phone without a browser', { concurrency: 1 }, () => {
    for (const name of NAMES) {
      it(`${name} calls it: echo, close, open again, a file each way`, { timeout: 300_000 }, async () => {
        const near = new Talker(name, stacks[name]);
        await near.peer.open({ label: 'echo', protocol: 'chat' });
        const call = await alice.call(`sip:carol@${DOMAIN}`, `${name} to the phone`, near.peer);

        for (const time of ['at first', 'opened again']) {
          if (time === 'opened again') await near.opensAgain({ label: 'echo', protocol: 'chat' }, name === 'webrtc');
          const [there] = await Promise.all([phone.next('channel_open'), near.hears('open', 'echo')]);
          assert.deepEqual([there.label, there.protocol], ['echo', 'chat'], time);
          await near.echoes('echo');
          await near.peer.shut({ label: 'echo' });
          await Promise.all([phone.next('channel_closed'), near.hears('closed', 'echo')]);
        }

        // From the other side too.
        phone.types('open ours,in-band');
        const [ours] = await Promise.all([phone.next('channel_open'), near.hears('open', 'ours')]);
        phone.types(`say ${ours.channel} hello`);
        assert.equal((await near.hears('text', 'ours')).text, 'hello');
        await near.peer.send({ label: 'ours', text: 'hello to you' });
        assert.equal((await near.hears('text', 'ours')).text, 'hello to you');
        phone.types(`close ${ours.channel}`);
        await Promise.all([phone.next('channel_closed'), near.hears('closed', 'ours')]);

        await gives(near, name);
        await call.bye();
        await phone.next('ended');
      });
    }

    /** Files, as the phone says them (docs/data-channels.md). Each word of its is the end of a file to the others. */
    async function gives(near, name) {
      const label = 'file';
      const says = (words) => near.peer.send({ label, text: JSON.stringify(words) });
      await near.peer.open({ label, protocol: 'isthmus-file' });
      await Promise.all([phone.next('channel_open'), near.hears('open', label)]);
      await says({ type: 'file', name, size: FILE });
      await near.peer.file({ label, size: FILE });
      const { sha256 } = await near.hears('sent', label);
      await says({ type: 'end', sha256 });
      const received = await phone.next('file_received');
      assert.deepEqual([received.size, received.sha256], [FILE, sha256]);
      await near.hears('file', label); // «received»

      const file = path.join(folder, `${name}.bin`);
      const content = randomBytes(FILE);
      fs.writeFileSync(file, content);
      phone.types(`send ${file}`);
      await near.hears('file', label); // «file»
      const arrived = await near.hears('file', label);
      const sum = createHash('sha256').update(content).digest('hex');
      assert.deepEqual([arrived.size, arrived.sha256], [FILE, sum]);
      await says({ type: 'received', sha256: sum });
      assert.equal((await phone.next('file_sent')).sha256, sum);
    }
  });
});
