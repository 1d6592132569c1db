// TS.66: the adapted RTCDataChannel and RTCPeerConnection beside the browser's own, member by member. What differs is listed here,
// with why, and nothing else may. docs/ts66.md has the same list for people.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startChromium } from '../harness/chromium.js';
import { CASES } from '../ts66/cases.js';

const WEB = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Per case: what the adapted one answers, and why. */
const DIFFERENCES = {
  'negotiated, by default': { adapted: true, why: 'all channels of IMS are negotiated in SDP (RFC 8864)' },
  'id once it is open': { adapted: [true, false], why: 'ids of applications begin at 1000 (TS 26.114)' },
  'an id below 1000': { adapted: 'OperationError', why: 'those are for bootstrap channels' },
  'an id that is not negotiated': { adapted: 2_002, why: 'there is no other way to choose one, and none that would pass it over' },
  'arguments that cannot be': { adapted: Array(13).fill('TypeError'), why: 'the browser does not know priority, a later text of the W3C' },
  priority: { adapted: ['low', 'high'], why: 'as above; it is told to the network' },
  'what follows a Blob comes after it': { adapted: ['before', 100_000, 'behind', 3], why: 'the W3C’s order; Chromium lets text overtake a Blob' },
  'its channels then': { adapted: ['closed', [], 'closed'], why: 'the W3C’s way; Chromium tells of it later and by events' },
  'what the other side hears when it is': { adapted: ['closing (closing)', 'close (closed)'], why: 'the call goes on: its channels are closed, nothing is torn' },
  'SDP and ICE': { adapted: ['NotSupportedError', 'NotSupportedError', null, null], why: 'the phone’s' },
  'the media': { adapted: [0, 0, 0, 'NotSupportedError'], why: 'the phone’s' },
  figures: { adapted: 'NotSupportedError', why: 'they would tell of the call' },
};

/** Members that only one of them has. */
const MEMBERS = {
  'the members of a channel': { more: ['appId', 'endpoint', 'priority'], fewer: ['reliable'] },
  'the members of a connection': {
    more: ['onchannelrequest'],
    // Older than the W3C's text, all of them.
    fewer: ['addStream', 'createDTMFSender', 'getLocalStreams', 'getRemoteStreams', 'onaddstream', 'onremovestream', 'removeStream'],
  },
};

describe('TS.66 beside the browser’s own', { timeout: 120_000 }, () => {
  let server;
  let browser;
  let page;
  let answers;

  before(async () => {
    server = http.createServer((request, response) => {
      const name = request.url.replace(/^\/ts66\//, '/e2e/ts66/');
      const file = path.join(WEB, path.normalize(name));
      const script = name.endsWith('.js') && fs.existsSync(file);
      response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
      response.end(script ? fs.readFileSync(file) : '<!doctype html>');
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    browser = await startChromium();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    answers = await page.evaluate(run);
  });

  after(async () => {
    await browser?.close();
    server?.close();
  });

  for (const name of Object.keys(CASES)) {
    const [difference, members] = [DIFFERENCES[name], MEMBERS[name]];
    it(difference ? `${name}: differs, since ${difference.why}` : name, () => {
      const { native, adapted } = answers[name];
      const said = `native  ${JSON.stringify(native)}\nadapted ${JSON.stringify(adapted)}`;
      let expected = difference ? difference.adapted : native;
      if (members) expected = native.filter((member) => !members.fewer.includes(member)).concat(members.more).sort();
      assert.deepEqual(adapted, expected, said);
      if (difference) assert.notDeepEqual(native, adapted, 'it does not differ any more');
    });
  }

  it('lists no difference that nobody looks for', () => {
    for (const name of [...Object.keys(DIFFERENCES), ...Object.keys(MEMBERS)]) assert.ok(name in CASES, name);
  });

  it('is in a sandboxed frame before its application, and reaches the other side from there', async () => {
    const seen = await page.evaluate(inFrame);
    assert.deepEqual(seen, { origin: 'null', browsersOwn: false, heard: 'Hello from the frame', answered: 'Hello back', after: 'closed' });
  });
});

/** Runs in the page: each case with both pairs. */
async function run() {
  const { AdaptedPair, NativePair } = await import('/ts66/pair.js');
  const { CASES } = await import('/ts66/cases.js');
  const answers = {};
  const attempt = (work, pair) => {
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve('it never ended'), 10_000);
    });
    const done = Promise.resolve().then(() => work(pair)).catch((error) => `it threw ${error}`);
    return Promise.race([done, late]).finally(() => clearTimeout(timer));
  };
  for (const [name, work] of Object.entries(CASES)) {
    const pairs = [new NativePair(), new AdaptedPair()];
    const [native, adapted] = await Promise.all(pairs.map((pair) => attempt(work, pair)));
    answers[name] = { native, adapted };
    for (const pair of pairs) pair.close();
  }
  // Undefined is lost on the way otherwise.
  return JSON.parse(JSON.stringify(answers, (_, value) => (value === undefined ? 'undefined' : value)));
}

/** Runs in the page: an application in a frame of its own, and the test at the other side. */
async function inFrame() {
  const { AdaptedPair } = await import('/ts66/pair.js');
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
