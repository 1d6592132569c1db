// The phone without a browser, against everything in one process.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { startPhone } from '../harness/headless.js';
import { startIsthmus } from '../harness/isthmus.js';

describe('the phone without a browser', { timeout: 300_000 }, () => {
  let product;
  const started = [];

  const phone = (name, ...words) => {
    const site = `https://localhost:${product.ports.https}/`;
    const who = ['--sign-in', site, '--user', name, '--insecure', '--origin', site.slice(0, -1)];
    const one = startPhone(...who, '--timeout', 10, '--password', product.passwords()[name], ...words);
    started.push(one);
    return one;
  };

  before(async () => {
    product = await startIsthmus();
  });

  afterEach(() => Promise.all(started.splice(0).map((each) => each.stop())));

  after(() => product?.stop());

  it('signs in, calls, and both ends hear', { timeout: 300_000 }, async () => {
    const bob = phone('bob', '--answer', '--duration', 0);
    await bob.hears('registered');
    const alice = phone('alice', '--call', 'bob', '--duration', 2);
    for (const each of [alice, bob]) {
      const { energy } = await each.hears('ended', 15_000);
      assert.ok(energy > 0.001, each.told());
      assert.equal(await each.ended, 0, each.told());
    }
  });

  it('fails with a status when nobody is there', { timeout: 300_000 }, async () => {
    const alice = phone('alice', '--call', 'carol');
    const { status } = await alice.hears('ended', 15_000);
    assert.ok(status >= 400, alice.told());
    assert.equal(await alice.ended, 1, alice.told());
  });

  it('is busy in a call, and the second caller is told', { timeout: 300_000 }, async () => {
    const bob = phone('bob', '--answer', '--duration', 0);
    await bob.hears('registered');
    const alice = phone('alice', '--call', 'bob', '--duration', 0);
    await alice.hears('answered');
    const carol = phone('carol', '--call', 'bob');
    assert.equal((await carol.hears('ended')).status, 486, carol.told());
    assert.equal(await carol.ended, 1, carol.told());
  });

  it('refuses a call as it was told, and both are done at once', { timeout: 300_000 }, async () => {
    const bob = phone('bob', '--reject', 603);
    await bob.hears('registered');
    const begun = Date.now();
    const alice = phone('alice', '--call', 'bob');
    assert.equal((await alice.hears('ended')).status, 603, alice.told());
    assert.equal(await alice.ended, 1, alice.told());
    assert.equal(await bob.ended, 0, bob.told());
    assert.ok(Date.now() - begun < 2_500, 'it waits for nothing');
  });

  it('says that a password for SIP Digest is wrong', { timeout: 300_000 }, async () => {
    const w2 = `wss://localhost:${product.ports.https}/w2`;
    const origin = `https://localhost:${product.ports.https}`;
    const words = ['--w2', w2, '--insecure', '--origin', origin, '--user', 'alice', '--password', 'wrong'];
    const alice = startPhone(...words);
    started.push(alice);
    const { status } = await alice.hears('registration_failed');
    assert.ok([401, 403].includes(status), alice.told());
    assert.equal(await alice.ended, 1, alice.told());
  });

  it('says that a password is wrong', { timeout: 300_000 }, async () => {
    const site = `https://localhost:${product.ports.https}/`;
    const words = ['--sign-in', site, '--insecure', '--user', 'alice', '--password', 'wrong'];
    const alice = startPhone(...words);
    started.push(alice);
    const { reason } = await alice.hears('no_token');
    assert.match(reason, /the user name or the password is wrong/);
    assert.equal(await alice.ended, 1, alice.told());
  });
});
