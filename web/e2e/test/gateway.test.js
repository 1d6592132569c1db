// The media gateway alone, steered over Iq: two Chromium pages, each with a Context of its own, talk through it,
// over a good network and over one that loses two packets in a hundred.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startChromium } from '../harness/chromium.js';
import { startFunction } from '../harness/isthmus.js';
import { badNetwork } from '../peers/bad_network.js';
import { connectIq } from '../peers/iq.js';
import { freePorts } from '../peers/ports.js';

const SECRET = 'a secret of this test alone';
const OPEN = { receive: true, send: true };

describe('the gateway alone', () => {
  let product;
  let iq;
  let browser;
  let server;

  before(async () => {
    const [admin, port] = await freePorts(2);
    product = await startFunction(
      'eims-agw',
      `[admin]
listen = "127.0.0.1:${admin}"

[gateway]
workers = 2
addresses = ["127.0.0.1"]

[iq]
address = "127.0.0.1:${port}"
secret = "${SECRET}"
tls = false
`,
      admin,
    );
    iq = await connectIq(port, SECRET);
    browser = await startChromium();
    server = http.createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>media</title>');
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  after(async () => {
    iq?.close();
    await browser?.close();
    server?.close();
    await product?.stop();
  });

  for (const { name, loss, feedback, seconds } of [
    { name: 'over a good network', loss: 0, feedback: true, seconds: 4 },
    { name: 'at 2 % loss, where both ends ask again', loss: 2, feedback: true, seconds: 10 },
    { name: 'at 2 % loss, where the far end cannot ask', loss: 2, feedback: false, seconds: 10 },
  ]) {
    it(`carries audio and video ${name}`, async () => {
      const pages = await Promise.all([openPage(), openPage()]);
      const ways = [];
      const contexts = [];
      try {
        const offers = await Promise.all(pages.map(offer));
        for (const sdp of offers) {
          const { Reserved: reserved } = await iq.ask({ Reserve: { context: null, streams: streamsOf(sdp, feedback) } });
          contexts.push(reserved);
        }
        for (const [index, { context, streams }] of contexts.entries()) {
          const changes = streams.map((stream, line) => farEnd(stream, contexts[1 - index].streams[line], line));
          await iq.ask({ Configure: { context, streams: changes } });
        }
        for (const [index, page] of pages.entries()) {
          const candidates = [];
          for (const { w3 } of contexts[index].streams) {
            const way = await badNetwork(w3.candidates[0], { loss, delay: 20 });
            ways.push(way);
            candidates.push(way.address);
          }
          const sdp = answer(offers[index], contexts[index].streams, candidates);
          await page.evaluate((sdp) => globalThis.call.setRemoteDescription({ type: 'answer', sdp }), sdp);
        }
        await sleep(seconds * 1000);
        const before = await Promise.all(pages.map(heardAndSeen));
        for (const [index, page] of pages.entries()) {
          // A picture that a loss has broken stands still until the next whole one comes.
          const deadline = Date.now() + 40_000;
          for (;;) {
            const now = await heardAndSeen(page);
            const frames = now.frames - before[index].frames;
            if (frames > 15 && now.energy > before[index].energy) break;
            assert.ok(Date.now() < deadline, `page ${index} still hears and sees: ${frames} frames more, ${JSON.stringify(now)}`);
            await sleep(250);
          }
        }
        assert.notEqual(contexts[0].context, contexts[1].context);
      } finally {
        for (const { context } of contexts) await iq.ask({ Release: { context } }).catch(() => {});
        await Promise.all(pages.map((page) => page.browserContext().close()));
        await Promise.all(ways.map((way) => way.close()));
      }
    });
  }

  async function openPage() {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return page;
  }
});

/** A call with microphone and camera; gives its offer. */
function offer(page) {
  return page.evaluate(async () => {
    const call = new RTCPeerConnection({ bundlePolicy: 'max-compat' });
    globalThis.call = call;
    const devices = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480 } });
    for (const track of devices.getTracks()) call.addTrack(track, devices);
    call.ontrack = ({ track }) => {
      const player = document.createElement(track.kind);
      player.autoplay = true;
      player.srcObject = new MediaStream([track]);
      document.body.append(player);
    };
    await call.setLocalDescription();
    return call.localDescription.sdp;
  });
}

function heardAndSeen(page) {
  return page.evaluate(async () => {
    const found = { energy: 0, frames: 0, lost: 0 };
    for (const entry of (await globalThis.call.getStats()).values()) {
      if (entry.type !== 'inbound-rtp') continue;
      if (entry.kind === 'audio') found.energy = entry.totalAudioEnergy ?? 0;
      else [found.frames, found.lost] = [entry.framesDecoded ?? 0, entry.packetsLost];
    }
    return found;
  });
}

/** The m-lines of a description, each with its attributes. */
const lines = (sdp) => sdp.split(/\r\n(?=m=)/).slice(1);
const attribute = (line, name) => new RegExp(`^a=${name}:(.*?)\\r?$`, 'm').exec(line)?.[1];
const isVideo = (line) => line.startsWith('m=video');

/** What the gateway is told of each m-line of an offer. */
function streamsOf(sdp, feedback) {
  return lines(sdp).map((line, stream) => {
    const [algorithm, digest] = attribute(line, 'fingerprint').split(' ');
    return {
      stream,
      media: isVideo(line) ? 'Video' : 'Audio',
      w3: {
        remote_ice: { ufrag: attribute(line, 'ice-ufrag'), pwd: attribute(line, 'ice-pwd') },
        remote_fingerprints: [{ algorithm, digest: digest.split(':').map((byte) => Number.parseInt(byte, 16)) }],
        dtls_role: 'Server',
        gate: OPEN,
      },
      core: null,
      payloads: null,
      feedback: isVideo(line)
        ? { w3_nack: true, w3_pli: true, w3_fir: true, core_nack: feedback, core_pli: feedback, core_fir: false }
        : null,
    };
  });
}

/** The other Context's stream is this one's far end. */
function farEnd({ stream }, other, line) {
  return {
    stream,
    media: line === 0 ? 'Audio' : 'Video',
    w3: null,
    core: { remote_rtp: other.core.rtp, remote_rtcp: other.core.rtcp, gate: OPEN },
    payloads: null,
    feedback: null,
  };
}

/** What the page is answered: opus and VP8, one transport an m-line. */
function answer(sdp, streams, candidates) {
  const written = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=ice-lite'];
  for (const [index, line] of lines(sdp).entries()) {
    const codec = isVideo(line) ? 'VP8/90000' : 'opus/48000/2';
    const payload = new RegExp(`a=rtpmap:(\\d+) ${codec}`).exec(line)[1];
    const { ice, fingerprint } = streams[index].w3;
    const port = candidates[index].split(':').at(-1);
    const digest = fingerprint.digest.map((byte) => byte.toString(16).padStart(2, '0').toUpperCase());
    written.push(
      `m=${isVideo(line) ? 'video' : 'audio'} ${port} UDP/TLS/RTP/SAVPF ${payload}`,
      'c=IN IP4 127.0.0.1',
      `a=mid:${attribute(line, 'mid')}`,
      'a=sendrecv',
      'a=rtcp-mux',
      'a=setup:passive',
      `a=ice-ufrag:${ice.ufrag}`,
      `a=ice-pwd:${ice.pwd}`,
      `a=fingerprint:${fingerprint.algorithm} ${digest.join(':')}`,
      `a=rtpmap:${payload} ${codec}`,
      ...(isVideo(line) ? ['nack', 'nack pli', 'ccm fir'].map((kind) => `a=rtcp-fb:${payload} ${kind}`) : []),
      `a=candidate:1 1 UDP 2130706431 127.0.0.1 ${port} typ host`,
      'a=end-of-candidates',
    );
  }
  return `${written.join('\r\n')}\r\n`;
}
