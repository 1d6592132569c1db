// Schemathesis reads the OpenAPI documents that the enabler serves, and asks what follows from them: good bodies, bad
// ones, and ones that are nearly good. Whatever it asks, the answer is one that the document knows. There are phones that
// answer, so that calls stand and sessions can be changed; what is told of them is what the documents say, too.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startPhone } from '../harness/headless.js';
import { startIsthmus } from '../harness/isthmus.js';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.join(HERE, '../../..');
const PYTHON = process.env.FOREIGN_PYTHON ?? path.join(ROOT, 'target/foreign-python/bin/python');
const PEERS = path.join(HERE, '../peers');
const CHECKS = ['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_schema_conformance'];
const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';

let product;
let origin;
let target;
let folder;
const phones = [];
const told = [];

before(async () => {
  target = http.createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    told.push(body);
    response.statusCode = 204;
    response.end();
  });
  await new Promise((listening) => target.listen(0, '127.0.0.1', listening));
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'schemathesis-'));
  const file = path.join(folder, 'isthmus.toml');
  // Whoever does not answer is not waited for; what happens to everybody is told.
  fs.writeFileSync(file, `[mmtel_es.calls]
answer_seconds = 10
channel_seconds = 1
[[mmtel_es.calls.events]]
subscribers = ["*"]
notify = "${notify()}"
`);
  product = await startIsthmus(['--config', file]);
  origin = `http://127.0.0.1:${product.ports.http}`;
  const w2 = `ws://localhost:${product.ports.http}/w2`;
  for (const [name, password] of Object.entries(product.passwords())) {
    if (name === 'dave') continue; // nobody answers there
    const words = ['--answer', '--calls', '0', '--duration', '3', '--accept-channel', 'any', '--silence'];
    phones.push(startPhone('--w2', w2, '--user', name, '--password', password, ...words));
  }
  await Promise.all(phones.map((phone) => phone.hears('registered')));
});

after(async () => {
  await Promise.all(phones.map((phone) => phone.stop()));
  await product?.stop();
  target.closeAllConnections();
  target.close();
  fs.rmSync(folder, { recursive: true });
});

const notify = () => `http://127.0.0.1:${target.address().port}/`;

/** Runs a program, and says how it ended and all that it printed. */
function run(words, env, input = '') {
  const child = spawn(PYTHON, words, { cwd: folder, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      printed += text;
    });
  }
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, printed }));
  });
}

/** Runs Schemathesis on an API for so long at most, in seconds. */
async function examine(name, seconds, session = '') {
  const words = ['-m', 'schemathesis.cli', 'run', `${origin}/openapi/${name}`, '--url', `${origin}/${name}/v1`];
  // The same questions in every run, but for how many there is time for.
  words.push('--checks', CHECKS.join(','), '--phases', 'examples,coverage,fuzzing', '--seed', '29392');
  words.push('--max-time', String(seconds), '--max-examples', '60', '--request-timeout', '30');
  words.push('--suppress-health-check', 'all', '--no-color');
  const people = ['alice', 'bob', 'carol', 'dave'].map((each) => `sip:${each}@${HOME}`).join(',');
  const env = { SCHEMATHESIS_HOOKS: 'schemathesis_hooks', PYTHONPATH: PEERS, PEOPLE: people, TARGET: notify(), SESSION: session };
  const { code, printed } = await run(words, env);
  assert.equal(code, 0, printed.slice(-6000));
  assert.match(printed, /[1-9]\d* generated/, printed.slice(-2000));
}

/** Waits until more calls stood than these: those that were asked for last may be on their way. */
async function stood(before) {
  for (let tries = 0; await product.metric('mmtel_es_calls_established_total') <= before; tries += 1) {
    assert.ok(tries < 600, 'no call stood');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('every answer of MMTel_DCAppManagement is one that the document knows', () => examine('mmtel-dcappmgmt', 25));

/** Calls somebody for as long as `--duration` says: nobody is busy yet. */
async function asks(path, body) {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(`${origin}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${answer.status}`);
  return answer.json();
}

/** Calls somebody who may still be in a call that was asked for last in the test before. */
async function calls(body) {
  for (let tries = 0; ; tries += 1) {
    const { callResult, failureCause } = await asks('mmtel-dcappcall/v1/dccall', body);
    if (callResult === 'SUCCESS') return;
    assert.match(failureCause, /^486 /);
    assert.ok(tries < 600, 'busy for good');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const party = (name) => `sip:${name}@${HOME}`;

test('every answer of MMTel_CallControl is one that the document knows, and sessions stood', async () => {
  const before = await product.metric('mmtel_es_calls_established_total');
  // One that stands is there from the beginning, to be changed and deleted; nobody is busy yet.
  const { imsSessionInfo } = await asks('mmtel-callcontrol/v1/ims-sessions', {
    afId: 'examiner',
    imsSessionInfo: {
      sessionInfo: { callingId: party('alice'), calledId: party('bob') },
      mediaInfoSet: [{ mediaType: 'AUDIO', mediaCorrectionId: '1' }],
      notifUri: notify(),
    },
  });
  await stood(before);
  await examine('mmtel-callcontrol', 25, imsSessionInfo.sessionId);
});

test('every answer of MMTel_DCAppCall is one that the document knows, and calls stood', async () => {
  const before = await product.metric('mmtel_es_calls_established_total');
  const call = { callType: 'A2P', terminatingId: party('carol'), mediaInfo: ['audio'], notificationInfo: notify() };
  await calls(call);
  await stood(before);
  await examine('mmtel-dcappcall', 25);
});

test('MMTel_CallEvent has nothing to ask for, and says so', () => examine('mmtel-callevent', 10));

test('what was told is what the documents say', async () => {
  const documents = ['mmtel-dcappcall', 'mmtel-callcontrol', 'mmtel-callevent'].map((each) => `${origin}/openapi/${each}`);
  // More may come while these are looked at.
  const lines = [...told];
  const { code, printed } = await run([path.join(PEERS, 'check_notifications.py'), ...documents], {}, `${lines.join('\n')}\n`);
  assert.equal(code, 0, printed);
  assert.ok(Number(printed) > 2 && Number(printed) === lines.length, printed);
});
