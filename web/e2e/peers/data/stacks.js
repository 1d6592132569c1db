// WebRTC stacks that are not ours, each as the side of a WIC that opens, reads, writes and closes data channels.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { startChromium } from '../../harness/chromium.js';
import { PeerProgram } from './child.js';
import { startStun } from './stun.js';
import { makeW3cPeer } from './w3c.js';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.join(HERE, '../../../..');
const RUST = process.env.FOREIGN_PEERS_BIN ?? path.join(ROOT, 'target/foreign-peers/debug/foreign-peers');
const PYTHON = process.env.FOREIGN_PYTHON ?? path.join(ROOT, 'target/foreign-python/bin/python');

/** One SCTP of usrsctp, as a library of node. */
async function nodeDatachannel() {
  const { RTCPeerConnection } = await import('node-datachannel/polyfill');
  const { cleanup } = await import('node-datachannel');
  const peer = (tell) => makeW3cPeer({ RTCPeerConnection, configuration: { iceServers: [] }, tell });
  return { peer: dataOnly(peer), stop: () => cleanup() };
}

/** A stack written in TypeScript; `direct` when its peer is another of its kind. */
async function werift({ direct } = {}) {
  const { RTCPeerConnection } = await import('werift');
  const stun = await startStun();
  const configuration = { iceServers: [{ urls: stun.url }], bundlePolicy: 'disable', iceAdditionalHostAddresses: ['127.0.0.1'] };
  // It closes whatever has a channel's number a moment later once more (its `onReconfigStreams`, behind what it awaits), the next
  // channel of that number too: only then is the channel said to be closed.
  const later = (tell) => (event) => void (event.event === 'closed' ? setTimeout(tell, 50, event) : tell(event));
  const peer = (tell) => makeW3cPeer({ RTCPeerConnection, configuration, audio: true, tell: later(tell) });
  return { peer: direct ? peer : (tell) => numbered(peer(tell)), stop: () => stun.stop() };
}

/**
 * What the application of werift 0.24 sees to. It numbers channels by its part in ICE, where RFC 8832 §6 has the part in DTLS
 * decide, so that beside a lite peer a DTLS client's numbers are wrong. And it wants codecs of a medium that was declined.
 */
function numbered(peer) {
  let offered = '';
  let id = 0;
  const { offer, answered, open } = peer;
  peer.offer = async (words) => {
    offered = await offer(words);
    return offered;
  };
  peer.answered = async ({ sdp }) => {
    assert.match(sdp, /^a=setup:passive/m, 'the gateway leaves the part of the client to who offers');
    const codecs = (offered.match(/^a=rtpmap:.*\r\n/gm) ?? []).join('');
    await answered({ sdp: sdp.replace(/^m=audio 0 (?:(?!^m=)[^])*/m, (media) => media + codecs) });
  };
  peer.open = (what) => {
    open({ id, ...what });
    id += 2;
  };
  return peer;
}

/** A browser: a page of it keeps all the peers. */
async function chromium() {
  const browser = await startChromium();
  const page = await browser.newPage();
  // An empty page that is trusted as one over TLS is: it wants cryptography.
  await page.setRequestInterception(true);
  page.on('request', (request) => void request.respond({ contentType: 'text/html', body: '' }));
  await page.goto('http://localhost/');
  const tellers = new Map();
  await page.exposeFunction('tellNode', (number, event) => tellers.get(number)?.(event));
  await page.evaluate(`globalThis.makeW3cPeer = ${makeW3cPeer}; globalThis.peers = new Map();`);
  const peer = (tell) => {
    const number = tellers.size + 1;
    tellers.set(number, tell);
    const made = page.evaluate((number) => {
      const { RTCPeerConnection, peers } = globalThis;
      const configuration = { bundlePolicy: 'max-compat' };
      peers.set(number, globalThis.makeW3cPeer({ RTCPeerConnection, configuration, audio: true, tell: (event) => globalThis.tellNode(number, event) }));
    }, number);
    const word = (what) => async (words) => {
      await made;
      return page.evaluate((number, what, words) => globalThis.peers.get(number)[what](words), number, what, words);
    };
    return Object.fromEntries(['offer', 'answer', 'answered', 'open', 'send', 'file', 'shut', 'end'].map((what) => [what, word(what)]));
  };
  const stop = async () => {
    await page.evaluate(() => (globalThis.tellNode = () => {}));
    await browser.close();
  };
  return { peer, stop };
}

function program(command, words) {
  // A stack that is absent is a test that fails, not one that is left out.
  if (!fs.existsSync(command)) throw new Error(`${command} is not there: «cargo xtask install» makes it`);
  const made = new PeerProgram(command, words);
  return { peer: (tell) => made.peer(tell), stop: () => made.stop() };
}

async function rust(stack) {
  const { peer, stop } = program(RUST, [stack]);
  return { peer: dataOnly(peer), stop };
}

/** The stacks by name. `start` gives what makes peers of it. */
export const STACKS = {
  Chromium: chromium,
  str0m: () => rust('str0m'),
  webrtc: () => rust('webrtc'),
  'node-datachannel': nodeDatachannel,
  werift,
  aiortc: async () => program(PYTHON, [path.join(HERE, 'aiortc_peer.py')]),
};

/**
 * For stacks that have one transport for all media (BUNDLE, which the gateway does not do): their application declines all
 * but the channels, and says for those who insist on it that these are a bundle of their own.
 */
function dataOnly(make) {
  const head = (session, channels) => {
    const [, mid] = /^a=mid:(.*)\r$/m.exec(channels) ?? [];
    return /^a=group:BUNDLE/m.test(session) ? session : `${session}a=group:BUNDLE ${mid}\r\n`;
  };
  const split = (sdp) => {
    const [session, ...medias] = sdp.split(/(?=^m=)/m);
    const ours = medias.findIndex((media) => media.startsWith('m=application'));
    return { medias, ours, alone: head(session, medias[ours]) + medias[ours] };
  };
  return (tell) => {
    const peer = make(tell);
    const { answer, answered } = { answer: peer.answer.bind(peer), answered: peer.answered.bind(peer) };
    peer.answer = async ({ sdp }) => {
      const { medias, ours, alone } = split(sdp);
      const [session, channels] = (await answer({ sdp: alone })).split(/(?=^m=)/m);
      const declined = (media) => `${media.split('\r\n')[0].replace(/^(m=\w+) \d+/, '$1 0')}\r\n`;
      return session + medias.map((media, index) => (index === ours ? channels : declined(media))).join('');
    };
    peer.answered = ({ sdp }) => answered({ sdp: split(sdp).alone });
    return peer;
  };
}
