// Data channels of WebRTC stacks that are not ours: every one calls every other through our two accesses and the core.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

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

  before(async () => {
    const file = path.join(folder, 'isthmus.toml');
    fs.writeFileSync(file, '[epcscf]\ndata_channels = "always"\n');
    product = await startIsthmus(['--config', file]);
    const w2 = `wss://localhost:${product.ports.https}/w2`;
    const passwords = product.passwords();
    const signalling = (name) => Signalling.start({ w2, name, domain: DOMAIN, password: passwords[name] });
    [alice, bob] = await Promise.all(['alice', 'bob'].map(signalling));
    await Promise.all(NAMES.map(async (name) => (stacks[name] = await STACKS[name]())));
  });

  after(async () => {
    await Promise.all([alice, bob, ...Object.values(stacks)].map((each) => each?.stop()));
    await product?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  for (const [index, caller] of NAMES.entries()) {
    for (const called of NAMES.slice(index)) {
      it(`${caller} calls ${called}: echo, close, open again, a file each way`, { timeout: 30_000 }, async () => {
        const near = new Talker(caller, stacks[caller]);
        const far = new Talker(`${called} (called)`, stacks[called]);
        const subject = `${caller} to ${called}`;
        await near.peer.open({ label: 'echo', protocol: 'chat' });
        const answered = bob.expect(subject, far.peer);
        const call = await alice.call(`sip:bob@${DOMAIN}`, subject, near.peer);
        await answered;

        for (const time of ['at first', 'opened again']) {
          if (time === 'opened again') await near.peer.open({ label: 'echo', protocol: 'chat' });
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
});
