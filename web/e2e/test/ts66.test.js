// TS.66, member by member: conformance/ts_66 asks the adapted objects and, where the W3C has the member too, the browser's own. What
// differs says so there, with why, and nothing else may. docs/ts66.md has the same list for people.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { CHANNEL_EVENT, REQUEST_EVENT } from '../../../conformance/ts_66/channel_events.js';
import { MEMBERS as CHANNEL } from '../../../conformance/ts_66/rtc_data_channel.js';
import { MEMBERS as CONNECTION } from '../../../conformance/ts_66/rtc_peer_connection.js';
import { MEMBERS as SERVICE } from '../../../conformance/ts_66/rtc_peer_signalling_service.js';
import { startChromium } from '../harness/chromium.js';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const FOLDERS = { wic: 'web/wic', ts_66: 'conformance/ts_66' };

const INTERFACES = {
  RTCPeerSignallingService: SERVICE,
  RTCPeerConnection: CONNECTION,
  RTCDataChannel: CHANNEL,
  RTCDataChannelEvent: CHANNEL_EVENT,
  RTCDataChannelRequestEvent: REQUEST_EVENT,
};

/** Members of the browser's own that the adapted ones have not. */
const FEWER = {
  RTCDataChannel: ['reliable'],
  // Older than the W3C's text, all of them.
  RTCPeerConnection: ['addStream', 'createDTMFSender', 'getLocalStreams', 'getRemoteStreams', 'onaddstream', 'onremovestream', 'removeStream'],
};

/** Each case, with where it stands. */
function* cases() {
  for (const [name, members] of Object.entries(INTERFACES)) {
    for (const [member, each] of Object.entries(members)) {
      for (const [words, given] of Object.entries(each)) yield { key: `${name}.${member}: ${words}`, member, ...(typeof given === 'function' ? { run: given } : given) };
    }
  }
}

describe('TS.66, member by member', { timeout: 390_000 }, () => {
  let server;
  let browser;
  let page;
  let answers;

  before(async () => {
    server = http.createServer((request, response) => {
      const [, folder, name] = /^\/(\w+)\/([\w./-]+\.js)$/.exec(path.posix.normalize(request.url)) ?? [];
      const file = FOLDERS[folder] && path.join(ROOT, FOLDERS[folder], name);
      const script = file && fs.existsSync(file);
      response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
      response.end(script ? fs.readFileSync(file) : '<!doctype html>');
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    browser = await startChromium();
    // Chromium makes no more than 500 connections before it has swept the old ones: a page for a part of the cases.
    const keys = [...cases()].map(({ key }) => key);
    answers = {};
    for (let at = 0; at < keys.length; at += 60) {
      await page?.close();
      page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${server.address().port}/`);
      Object.assign(answers, await page.evaluate(run, keys.slice(at, at + 60)));
    }
  });

  after(async () => {
    await browser?.close();
    server?.close();
  });

  for (const { key, ...given } of cases()) {
    it(given.why ? `${key}: differs, since ${given.why}` : key, () => {
      const { native, adapted } = answers[key];
      const said = `native  ${JSON.stringify(native)}\nadapted ${JSON.stringify(adapted)}`;
      const expected = 'expected' in given ? given.expected : given.why ? given.adapted : native;
      assert.deepEqual(adapted, expected, said);
      if (given.why) assert.notDeepEqual(native, adapted, 'it does not differ any more');
    });
  }

  const required = fs.readFileSync(path.join(ROOT, 'conformance/ts_66/required.txt'), 'utf8').split('\n').filter((line) => /^\w/.test(line));

  it('each member that is required has a case that is of it', () => {
    const tested = new Set();
    const others = [];
    for (const { key, member, of, run } of cases()) {
      const name = key.split(':')[0];
      if (of !== member && !new RegExp(`\\b${member}\\b`).test(String(run))) others.push(key);
      tested.add(name);
    }
    assert.deepEqual(others, [], 'these have nothing to do with their member');
    assert.deepEqual(required.filter((name) => !tested.has(name)), [], 'no test');
    assert.deepEqual([...tested].filter((name) => !required.includes(name)), [], 'not in required.txt');
  });

  it('each member that there is, that docs/ts66.md has, or that the browser has, is required', async () => {
    const { adapted, native } = await page.evaluate(members);
    const [, idl] = /```webidl\n([\s\S]*?)```/.exec(fs.readFileSync(path.join(ROOT, 'docs/ts66.md'), 'utf8'));
    const written = [];
    for (const [, name, body] of idl.matchAll(/interface (\w+)(?: : \w+)? \{([\s\S]*?)\n\};/g)) {
      for (const [, member] of body.matchAll(/(\w+)(?:\([^;]*\))?;/g)) written.push(`${name}.${member}`);
    }
    assert.ok(written.length > 30, String(written));
    for (const name of [...adapted, ...written]) assert.ok(required.includes(name), `${name} is not in conformance/ts_66/required.txt`);
    for (const name of required) assert.ok(adapted.includes(name), `${name} is not there`);
    for (const name of native.filter((each) => !adapted.includes(each))) {
      const [of, member] = name.split('.');
      assert.ok(FEWER[of]?.includes(member), `${name} is the browser’s alone`);
    }
  });

  it('is in a sandboxed frame before its application, and reaches the other side from there', async () => {
    const seen = await page.evaluate(inFrame);
    assert.deepEqual(seen, { origin: 'null', browsersOwn: false, heard: 'Hello from the frame', answered: 'Hello back', after: 'closed' });
  });
});

/** Runs in the page: each case, with both pairs where both have it; several at a time, since what they do most is wait. */
async function run(keys) {
  const { AdaptedPair, NativePair } = await import('/ts_66/pair.js');
  const files = ['rtc_peer_signalling_service', 'rtc_peer_connection', 'rtc_data_channel', 'channel_events'];
  const [service, connection, channel, events] = await Promise.all(files.map((file) => import(`/ts_66/${file}.js`)));
  const interfaces = {
    RTCPeerSignallingService: service.MEMBERS, RTCPeerConnection: connection.MEMBERS, RTCDataChannel: channel.MEMBERS,
    RTCDataChannelEvent: events.CHANNEL_EVENT, RTCDataChannelRequestEvent: events.REQUEST_EVENT,
  };
  const answers = {};
  const attempt = (work, pair) => {
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve('it never ended'), 20_000);
    });
    const done = Promise.resolve().then(() => work(pair)).catch((error) => `it threw ${error}`);
    return Promise.race([done, late]).finally(() => clearTimeout(timer));
  };
  const waiting = [];
  for (const [name, members] of Object.entries(interfaces)) {
    for (const [member, each] of Object.entries(members)) {
      for (const [words, given] of Object.entries(each)) {
        const key = `${name}.${member}: ${words}`;
        if (keys.includes(key)) waiting.push({ key, ...(typeof given === 'function' ? { run: given } : given) });
      }
    }
  }
  const work = async () => {
    for (let given = waiting.shift(); given; given = waiting.shift()) {
      const pairs = [new AdaptedPair(), ...('expected' in given ? [] : [new NativePair()])];
      const [adapted, native] = await Promise.all(pairs.map((pair) => attempt(given.run, pair)));
      // What is seen after the answer is none of it; undefined is lost on the way otherwise.
      answers[given.key] = JSON.parse(JSON.stringify({ native, adapted }, (_, value) => (value === undefined ? 'undefined' : value)));
      for (const pair of pairs) pair.close();
    }
  };
  await Promise.all([work(), work(), work()]);
  return answers;
}

/** Runs in the page: the members of all interfaces, as `Interface.member`. */
async function members() {
  const { interfaces, Link } = await import('/wic/ts66/index.js');
  const of = (made) => Object.entries(made).flatMap(([name, made]) => {
    const found = new Set();
    // Of what is no object's but its interface's the browser has what is nobody else's.
    if (made !== window[name]) for (const member of Object.getOwnPropertyNames(made)) if (typeof made[member] === 'function') found.add(member);
    for (let own = made.prototype; own && own !== EventTarget.prototype && own !== Event.prototype; own = Object.getPrototypeOf(own)) {
      for (const member of Object.getOwnPropertyNames(own)) found.add(member);
    }
    return [...found].map((member) => `${name}.${member}`);
  });
  return { adapted: of(interfaces(new Link())), native: of({ RTCPeerConnection, RTCDataChannel, RTCDataChannelEvent }) };
}

/** Runs in the page: an application in a frame of its own, and the test at the other side. */
async function inFrame() {
  const { AdaptedPair } = await import('/ts_66/pair.js');
  const { ApplicationHost, frameSource } = await import('/wic/ts66/index.js');
  const pair = new AdaptedPair();
  const heard = new Promise((resolve) => {
    pair.z.ondatachannel = ({ channel }) => {
      channel.onmessage = ({ data }) => {
        channel.send('Hello back');
        resolve(data);
      };
    };
  });
  const own = RTCPeerConnection;
  const application = `
    const channel = new RTCPeerConnection().createDataChannel('x');
    channel.onopen = () => channel.send('Hello from the frame');
    channel.onmessage = ({ data }) => parent.postMessage({ origin, browsersOwn: /native code/.test(RTCPeerConnection), data }, '*');
    channel.onclose = () => parent.postMessage({ after: channel.readyState }, '*');
  `;
  const frame = document.createElement('iframe');
  frame.sandbox = 'allow-scripts';
  frame.srcdoc = `<script>${await frameSource()}</script><script>${application}</script>`;
  const told = [];
  let look = () => {};
  const tells = (wanted) => new Promise((resolve) => {
    look = () => told.length >= wanted && resolve(told.at(-1));
    look();
  });
  window.addEventListener('message', ({ source, data }) => {
    if (source !== frame.contentWindow) return;
    told.push(data);
    look();
  });
  const host = new ApplicationHost({ call: pair.calls[0], application: { id: 'test' } });
  frame.addEventListener('load', () => host.connect(frame.contentWindow), { once: true });
  document.body.append(frame);
  const words = await heard;
  const { origin, browsersOwn, data } = await tells(1);
  pair.calls[0].end();
  const { after } = await tells(2);
  host.close();
  pair.close();
  return { origin, browsersOwn: browsersOwn || RTCPeerConnection !== own, heard: words, answered: data, after };
}
