// What the network does to a registration of its own accord, and what the page says of it: a real notifier, the laboratory's
// core, told by its operator (RFC 3680 §5.3, TS 24.229 §5.4.1.5, §5.4.1.6).

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';

const IMPI = 'alice@ims.mnc001.mcc001.3gppnetwork.org';

describe('the network', () => {
  let product;
  let browser;
  let alice;
  let bob;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    alice = await signIn(browser, product, 'alice');
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
  });

  /** What an operator does at the admin port; the number of contacts that it concerned. */
  async function order(method, words, impi = IMPI) {
    const answer = await fetch(`http://127.0.0.1:${product.ports.admin}/registrations/${impi}?${words}`, { method });
    return answer.ok ? Number(await answer.text()) : answer.status;
  }

  it('has a phone registered anew within a time', async () => {
    const before = await product.metric('lab_core_registrations_total');
    assert.equal(await order('PUT', 'expires=4'), 1);
    await product.shows('lab_core_registrations_total', before + 1, 8_000);
    assert.match(await alice.status(), /^Registered as/);
    // Longer than what it would have lived for, which is gone: it lives.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await product.shows('epcscf_bindings', 1);
  });

  it('sends a phone away for a while, and it comes back by itself', async () => {
    assert.equal(await order('DELETE', 'event=probation&retry-after=3'), 1);
    await alice.hears(/signed this phone off for a while/);
    await product.shows('epcscf_bindings', 0);
    await alice.hears(/^Registered as/);
    await product.shows('epcscf_bindings', 1);
  });

  it('has a phone come again at once', async () => {
    const before = await product.metric('lab_core_registrations_total');
    assert.equal(await order('DELETE', 'event=deactivated'), 1);
    await product.shows('lab_core_registrations_total', before + 1);
    await alice.hears(/^Registered as/);
    await product.shows('epcscf_bindings', 1);
  });

  it('signs a phone off for good, and its call ends', async () => {
    bob = await signIn(browser, product, 'bob');
    await alice.call('bob');
    await bob.answer();
    await alice.hears(/^In a call/);
    assert.equal(await order('DELETE', 'event=rejected'), 1);
    await alice.hears(/The network has signed this phone off\./);
    // It was no wish of hers: the edge ends it with 503 (TS 24.229 §5.2.8.1.2).
    await bob.hears(/The call with Alice has ended: the service could not keep it/);
    await product.shows('epcscf_sessions', 0);
    await product.shows('epcscf_bindings', 1);
    // She may come again when she wants to.
    await alice.open();
    await alice.hears(/^Registered as/);
  });

  it('is asked for what there is only', async () => {
    assert.equal(await order('DELETE', 'event=rejected', 'nobody@example.net'), 404);
    assert.equal(await order('DELETE', 'event=tired'), 400);
    assert.equal(await order('PUT', 'expires=-1'), 400);
    assert.equal(await order('POST', 'event=rejected'), 405);
  });

  it('goes down in a call: the pages say that it has ended, and that they try to come back', async () => {
    await alice.call('bob');
    await bob.answer();
    await alice.hears(/^In a call/);
    product.child.kill('SIGINT');
    await alice.hears(/^The call with bob has ended: the service could not keep it\. The network was lost\. Trying to come back…$/);
    await bob.hears(/^The call with Alice has ended: the service could not keep it\. The network was lost\. Trying to come back…$/);
  });
});
