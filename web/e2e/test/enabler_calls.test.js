// Applications call phones that are not ours, and come into calls that those made: Chromium's page, baresip, SIPp.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startApplicationServer } from '../harness/application_server.js';
import { startChromium } from '../harness/chromium.js';
import { startPhone } from '../harness/headless.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';
import { startBaresip } from '../peers/baresip.js';
import { farEnd } from '../peers/sipp.js';

const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org';

describe('applications and phones', { timeout: 390_000 }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'enabler-'));
  let server;
  let product;
  let browser;
  let alice;
  let carol;
  let dave;
  let app;

  before(async () => {
    server = await startApplicationServer();
    const file = path.join(folder, 'events.toml');
    // Carol's and Bob's calls are told of and may be changed.
    fs.writeFileSync(file, `[[mmtel_es.calls.events]]\nsubscribers = ["sip:carol@${DOMAIN}", "sip:bob@${DOMAIN}"]\nnotify = "${server.url}"\napplications = ["games"]\n`);
    product = await startIsthmus(['--config', file]);
    server.uses(product);
    app = await server.application();
    browser = await startChromium();
    alice = await signIn(browser, product, 'alice');
    await alice.page.evaluate(keepChannels);
    const core = `127.0.0.1:${product.ports.core}`;
    const { carol: password, dave: other } = product.passwords();
    carol = await startBaresip({ uri: `sip:carol@${DOMAIN}`, user: `carol@${DOMAIN}`, password, registrar: core });
    await carol.registered();
    dave = await farEnd({ aor: `sip:dave@${DOMAIN}`, domain: DOMAIN, user: `dave@${DOMAIN}`, password: other, core });
  });

  after(async () => {
    await dave?.stop();
    await carol?.stop();
    await browser?.close();
    await product?.stop();
    await server?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it('an application calls a page, asks through a data channel, and is answered', async () => {
    const asked = server.call('alice', { dcMediaInfo: true, appProfileRequested: { appId: app } });
    await alice.answer();
    const { callResult, sessionId, failureCause } = await asked;
    assert.equal(callResult, 'SUCCESS', failureCause);
    await server.hears(({ mediaResourceInfo }) => mediaResourceInfo.channel === 'OPENED');
    for (const question of [1, 2]) {
      const { result } = await server.say(app, sessionId, { question });
      assert.equal(result, 'SUCCESS');
      const told = await server.hears(({ mediaDirection }) => mediaDirection === 'P2A');
      assert.deepEqual(told, { sessionId, mediaDirection: 'P2A', mediaResourceInfo: { answer: question * 10 } });
    }
    assert.equal(await alice.lines(), 'audio, application');
    await alice.press('Hang up');
    await server.hears(({ mediaResourceInfo }) => mediaResourceInfo.call === 'ENDED');
    await alice.find('button', 'Call');
  });

  it('an application calls baresip, and connects it with a page', async () => {
    const asked = server.call('carol');
    await carol.event('CALL_INCOMING');
    await carol.command('accept');
    assert.equal((await asked).callResult, 'SUCCESS');
    await carol.command('hangup');
    await server.hears(({ mediaResourceInfo }) => mediaResourceInfo?.call === 'ENDED');

    const connected = server.connect('carol', 'alice');
    await carol.event('CALL_INCOMING');
    await carol.command('accept');
    await alice.answer();
    assert.equal((await connected).callResult, 'SUCCESS');
    assert.ok((await alice.loudness(3_000)) > 0.01, 'alice hears the tone');
    await alice.press('Hang up');
    await carol.event('CALL_CLOSED');
    await alice.find('button', 'Call');
  });

  it('calls of baresip pass through the enabler, both ways, with all that they do', async () => {
    server.told = [];
    await carol.command('dial', `sip:alice@${DOMAIN}`);
    await alice.answer();
    await carol.event('CALL_ESTABLISHED');
    const { sessionId } = await server.hears(({ eventType }) => eventType === 'SESSION_ESTABLISHMENT_SUCCESS');
    assert.ok((await alice.loudness(3_000)) > 0.01, 'alice hears the tone');
    // It has no data channels, and its call goes on.
    const { result } = await server.say(app, sessionId, { question: 1 });
    assert.equal(result, 'FAILED');
    for (const command of ['hold', 'resume']) {
      await carol.command(command);
      await alice.hears(command === 'hold' ? /on hold/ : /^In a call with/);
    }
    await alice.press('Hold');
    await alice.hears(/is on hold/);
    await alice.press('Resume');
    await alice.hears(/^In a call with/);
    assert.ok((await alice.loudness(3_000)) > 0.01, 'alice hears the tone again');
    await carol.command('hangup');
    await server.hears(({ eventType }) => eventType === 'SESSION_TERMINATION');
    await alice.find('button', 'Call');

    await alice.call('carol');
    await carol.event('CALL_INCOMING');
    await carol.command('accept');
    await alice.hears(/in a call with/i);
    assert.ok((await alice.loudness(3_000)) > 0.01, 'alice hears the tone');
    await alice.press('Hang up');
    await carol.event('CALL_CLOSED');
    await alice.find('button', 'Call');
    await product.shows('agw_contexts', 0);
  });

  it('an application comes into a call with baresip, which notices nothing', async () => {
    const w2 = `ws://127.0.0.1:${product.ports.http}/w2`;
    const who = ['--user', 'bob', '--password', product.passwords().bob, '--timeout', 60];
    const bob = startPhone('--w2', w2, ...who, '--answer', '--accept-channel', 'any', '--commands');
    try {
      await bob.hears('registered');
      server.told = [];
      await carol.command('dial', `sip:bob@${DOMAIN}`);
      await carol.event('CALL_ESTABLISHED');
      await bob.next('media_connected');
      // It is a session of each, and baresip has no data channels.
      const sessions = [];
      for (let index = 0; index < 2; index += 1) {
        sessions.push(await server.hears(({ eventType }) => eventType === 'SESSION_ESTABLISHMENT_SUCCESS'));
      }
      const answers = [];
      for (const { sessionId } of sessions) answers.push((await server.say(app, sessionId, { question: 1 })).result);
      assert.deepEqual(answers.sort(), ['FAILED', 'SUCCESS']);
      const { channel } = await bob.next('channel_open');
      assert.deepEqual(JSON.parse((await bob.next('line')).text), { question: 1 });
      bob.types(`say ${channel} {"answer":10}`);
      const { mediaResourceInfo } = await server.hears(({ mediaDirection }) => mediaDirection === 'P2A');
      assert.deepEqual(mediaResourceInfo, { answer: 10 });
      for (const command of ['hold', 'resume']) {
        await carol.command(command);
        assert.equal((await bob.next('remote_hold')).held, command === 'hold');
      }
      assert.ok((await bob.second()).packets > 10, 'bob hears carol');
      await carol.command('hangup');
      await bob.hears('ended');
      for (let index = 0; index < 2; index += 1) {
        await server.hears(({ eventType }) => eventType === 'SESSION_TERMINATION');
      }
      await product.shows('agw_contexts', 0);
    } finally {
      await bob.stop();
    }
  });

  it('SIPp answers an application, is busy, and declines', async () => {
    for (const [scenario, cause] of [['hangs_up', undefined], ['busy', /^486/], ['reject', /^603/]]) {
      const run = dave.run(scenario);
      const { callResult, failureCause } = await server.call('dave', { notificationInfo: `${server.url}${scenario}` });
      assert.equal(callResult, cause ? 'FAILED' : 'SUCCESS', failureCause);
      if (cause) assert.match(failureCause, cause);
      await run.done;
    }
    await product.shows('agw_contexts', 0);
  });
});

/** Runs in the page: what comes through a channel is answered. */
async function keepChannels() {
  const { Call } = await import('/wic/lib/index.js');
  const { enter } = Call.prototype;
  const known = new WeakSet();
  Call.prototype.enter = function keep(state) {
    if (!known.has(this)) {
      known.add(this);
      this.on('channelrequest', (request) => {
        const channel = request.accept();
        channel.on('message', (text) => channel.send(JSON.stringify({ answer: JSON.parse(text).question * 10 })));
      });
    }
    return enter.call(this, state);
  };
}
