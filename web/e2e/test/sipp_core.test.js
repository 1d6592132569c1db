// SIPp as the core behind the eP-CSCF: it looks at every header that the eP-CSCF owes a core.

import assert from 'node:assert/strict';
import { it } from 'node:test';

import { startPhone } from '../harness/headless.js';
import { startFunction } from '../harness/isthmus.js';
import { freePorts } from '../peers/ports.js';
import { sippCore } from '../peers/sipp.js';

it('a registration by Digest brings the core all that it needs', { timeout: 300_000 }, async (test) => {
  const [https, mw, admin] = await freePorts(3);
  // The registration with its end, and the eP-CSCF's own subscription.
  const core = await sippCore({ calls: 2 });
  test.after(() => core.stop());
  const product = await startFunction(
    'epcscf',
    `home_domain = "ims.test"
data_dir = "@FOLDER@"
[admin]
listen = "127.0.0.1:${admin}"
[http]
listen = "127.0.0.1:${https}"
[epcscf]
mw_listen = "127.0.0.1:${mw}"
next_hop = "sip:127.0.0.1:${core.port}"
visited_network = "visited.test"
allow_no_origin = true
`,
    admin,
  );
  test.after(() => product.stop());
  const who = ['--user', 'alice', '--domain', 'ims.test', '--password', 'alice-password'];
  const phone = startPhone('--w2', `wss://localhost:${https}/w2`, '--insecure', ...who, '--timeout', 10);
  test.after(() => phone.stop());
  await phone.hears('registered');
  await phone.hears('unregistered');
  assert.equal(await phone.ended, 0, phone.told());
  await core.done;
});
