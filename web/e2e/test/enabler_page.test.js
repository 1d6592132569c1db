// The enabler's page: what happens is there at once, and a target that was down is tried when somebody says so.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startChromium } from '../harness/chromium.js';
import { startPhone } from '../harness/headless.js';
import { startIsthmus } from '../harness/isthmus.js';
import { freePorts } from '../peers/ports.js';

const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';

describe('the enabler’s page', () => {
  let product;
  let browser;
  let page;
  let target;
  let port;
  let folder;
  let origin;
  const phones = [];

  before(async () => {
    [port] = await freePorts(1);
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'enabler-page-'));
    const file = path.join(folder, 'isthmus.toml');
    fs.writeFileSync(file, `[[mmtel_es.calls.events]]\nsubscribers = ["*"]\nnotify = "http://127.0.0.1:${port}/told"\n`);
    product = await startIsthmus(['--config', file]);
    origin = `http://localhost:${product.ports.http}`;
    browser = await startChromium();
    page = await browser.newPage();
    await page.setViewport({ width: 1280, height: 1000 });
    await page.goto(`${origin}/enabler`);
  });

  after(async () => {
    await Promise.all(phones.map((phone) => phone.stop()));
    await browser?.close();
    await product?.stop();
    target?.closeAllConnections();
    target?.close();
    fs.rmSync(folder, { recursive: true });
  });

  const phone = async (name, ...words) => {
    const w2 = `ws://localhost:${product.ports.http}/w2`;
    const started = startPhone('--w2', w2, '--user', name, '--password', product.passwords()[name], '--commands', ...words);
    phones.push(started);
    await started.hears('registered');
    return started;
  };
  const shows = (id, text) => page.waitForFunction(
    (name, words) => document.querySelector(`#${name}`).textContent.includes(words) && document.querySelector(`#${name}`).checkVisibility(),
    { timeout: 15_000 },
    id,
    text,
  );
  const post = async (at, body) => {
    const answer = await fetch(`${origin}${at}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    return answer.json();
  };

  it('shows applications, sessions and what was sent, as they come', async () => {
    await shows('no-applications', 'isthmus mes upload');
    await post('/mmtel-dcappmgmt/v1/dcapps/configure', { reqId: 'games', dcAppNum: 1, dcAppConfigParamList: [{ appIndex: '1', appName: '<b>Chess</b>', appVer: '1.2' }] });
    await shows('applications', '<b>Chess</b>');
    const bob = await phone('bob', '--answer');
    const answer = await post('/mmtel-dcappcall/v1/dccall', {
      terminatingId: `sip:bob@${HOME}`, mediaInfo: ['audio'], callType: 'A2P', notificationInfo: `http://127.0.0.1:${port}/called`,
    });
    assert.equal(answer.callResult, 'SUCCESS');
    await shows('sessions', answer.sessionId);
    await shows('sessions', 'established');
    // Nobody listens there: the target is down, and that is told.
    await shows('targets', `http://127.0.0.1:${port}`);
    await shows('sent', 'no answer');
    if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
    bob.types('hangup');
    await page.waitForFunction((id) => !document.querySelector('#sessions').textContent.includes(id), {}, answer.sessionId);
  });

  it('has a target tried at once', async () => {
    target = http.createServer((request, response) => {
      request.resume();
      response.statusCode = 204;
      response.end();
    });
    await new Promise((listening) => target.listen(port, '127.0.0.1', listening));
    // By the keyboard, as anybody may.
    const button = await page.$('#targets button');
    await button?.focus();
    await button?.press('Enter');
    await page.waitForFunction(() => document.querySelector('#down').hidden, { timeout: 60_000 });
    await shows('sent', '204');
    await shows('sent', 'ENDED');
  });

  it('is for who sits at the machine, and lets nothing in from elsewhere', async () => {
    const ask = (headers) => new Promise((resolve, reject) => {
      const request = http.get({ host: '127.0.0.1', port: product.ports.http, path: '/enabler/state', headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      request.on('error', reject);
    });
    assert.equal(await ask({}), 200);
    assert.equal(await ask({ Host: 'evil.example' }), 403);
    assert.equal(await ask({ Host: `app-x.localhost:${product.ports.http}` }), 403);
    const { headers } = await fetch(`${origin}/enabler`);
    assert.match(headers.get('content-security-policy'), /default-src 'none'.*frame-ancestors 'none'/);
    const tree = await page.accessibility.snapshot();
    const names = JSON.stringify(tree);
    for (const name of ['MMTel Enabler Server', 'Notifications', 'Sessions', 'Notifications sent', 'Applications']) assert.ok(names.includes(name), name);
  });
});
