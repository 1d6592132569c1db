// A foreign IMS core in place of the laboratory's: Kamailio, and two phones behind the eP-CSCF.

import assert from 'node:assert/strict';
import { it } from 'node:test';

import { startPhone } from '../harness/headless.js';
import { startFunction } from '../harness/isthmus.js';
import { startKamailioIms } from '../peers/kamailio/core.js';
import { freePorts } from '../peers/ports.js';

const REALM = 'ims.test';
const subscriber = (name) => ({
  impi: `${name}@${REALM}`,
  password: `${name}-password`,
  impus: [`sip:${name}@${REALM}`],
});

it('registers by Digest at Kamailio, calls, hears and deregisters', { timeout: 300_000 }, async (test) => {
  const core = await startKamailioIms({ realm: REALM, subscribers: ['alice', 'bob'].map(subscriber) });
  test.after(() => core.stop());
  const [https, http, mw, admin] = await freePorts(4);
  const product = await startFunction(
    'epcscf',
    `home_domain = "${REALM}"
data_dir = "@FOLDER@"
[admin]
listen = "127.0.0.1:${admin}"
[http]
listen = "127.0.0.1:${https}"
plain_listen = "127.0.0.1:${http}"
[epcscf]
mw_listen = "127.0.0.1:${mw}"
next_hop = "${core.icscf}"
allow_no_origin = true
`,
    admin,
  );
  test.after(() => product.stop());
  const phone = (name, ...words) => {
    const who = ['--user', name, '--domain', REALM, '--password', `${name}-password`];
    const started = startPhone('--w2', `ws://127.0.0.1:${http}/w2`, ...who, '--timeout', 12, ...words);
    test.after(() => started.stop());
    return started;
  };
  try {
    const bob = phone('bob', '--answer', '--duration', 0);
    await bob.hears('registered');
    const alice = phone('alice', '--call', 'bob', '--tone', 440, '--duration', 2);
    for (const each of [alice, bob]) {
      const { energy } = await each.hears('ended', 15_000);
      assert.ok(energy > 0.001, each.told());
      await each.hears('unregistered');
      assert.equal(await each.ended, 0, each.told());
    }
    assert.equal(await product.metric('epcscf_registered_total'), 2);
    await product.shows('epcscf_bindings', 0);
  } catch (error) {
    error.message += `\n${product.printed.slice(-3000)}\n${core.log()}`;
    throw error;
  }
});
