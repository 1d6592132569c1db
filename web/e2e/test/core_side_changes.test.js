// What ordinary SIP peers do to a call from the core's side: SIPp plays each offer that there is, baresip is an
// ordinary phone; the phone without a browser says what it heard and saw after each.

import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { after, afterEach, before, describe, it } from 'node:test';

import { startPhone } from '../harness/headless.js';
import { startIsthmus } from '../harness/isthmus.js';
import { startBaresip } from '../peers/baresip.js';
import { farEnd } from '../peers/sipp.js';
import { audio, channels, video } from '../peers/sipp_changes.js';

const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org';
const ALICE = `sip:alice@${DOMAIN}`;

/** Waits until this is what comes in a second. */
async function comes(phone, what, right) {
  let seen;
  for (let turn = 0; turn < 5; turn += 1) {
    seen = await phone.second();
    if (right(seen)) return;
  }
  assert.fail(`${what}: ${JSON.stringify(seen)}\n${phone.told()}`);
}

const hears = ({ packets, energy }) => packets > 30 && energy > 0.01;

/** Somebody who counts the RTP that comes. */
async function listener() {
  const socket = dgram.createSocket('udp4');
  const counted = { socket, packets: 0 };
  socket.on('message', () => {
    counted.packets += 1;
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  counted.port = socket.address().port;
  return counted;
}

/** How many packets come within a second. */
async function within(counted) {
  const first = counted.packets;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return counted.packets - first;
}

describe('a call is changed from the side of the core', { timeout: 300_000 }, () => {
  let product;
  let alice;
  let ends = [];

  const phone = (...words) => {
    const w2 = `wss://localhost:${product.ports.https}/w2`;
    const origin = `https://localhost:${product.ports.https}`;
    const who = ['--w2', w2, '--insecure', '--origin', origin, '--user', 'alice', '--commands'];
    alice = startPhone(...who, '--password', product.passwords().alice, ...words);
    ends.push(alice);
    return alice.next('registered');
  };

  const sipp = async () => {
    const dave = await farEnd({
      aor: `sip:dave@${DOMAIN}`,
      domain: DOMAIN,
      user: `dave@${DOMAIN}`,
      password: product.passwords().dave,
      core: `127.0.0.1:${product.ports.core}`,
    });
    ends.push(dave);
    return dave;
  };

  before(async () => {
    product = await startIsthmus();
  });

  afterEach(async () => {
    await Promise.all(ends.map((each) => each.stop()));
    ends = [];
  });

  after(() => product?.stop());

  it('SIPp adds data channels, drops them, adds them again in their place, and refuses what alice offers', async () => {
    const dave = await sipp();
    await phone('--answer', '--accept-channel', 'any');
    const map = ['a=dcmap:1000 label="chat"'];
    const both = (port, more) => [...audio(), ...channels(port, more)];
    // Each m-line in its place, with the gateway's own port behind it, or 0.
    const lines = (port) => `m=audio [1-9][^!]*m=application ${port} UDP/DTLS/SCTP webrtc-datachannel`;
    const [THERE, GONE] = [lines('[1-9][0-9]*'), lines('0')];
    const played = dave.change(ALICE, [
      { method: 'INVITE', media: both(40_000, map), expect: [THERE, 'a=sctp-port:5000', 'a=fingerprint:sha-256 ', 'a=dcmap:1000 '], after: 500 },
      { method: 'INVITE', media: both(40_000, map), expect: [THERE], after: 300 },
      { method: 'UPDATE', media: both(0), expect: [GONE], after: 300 },
      { method: 'INVITE', media: both(0), expect: [GONE], after: 300 },
      { method: 'INVITE', media: both(40_000), expect: [THERE, 'a=sctp-port:5000'], after: 300 },
      // Without an offer of SIPp's: the offer is in the 200, and the answer refuses the channels in the ACK.
      { method: 'INVITE', expect: [THERE], answer: [...audio(), 'm=application 0 UDP/DTLS/SCTP webrtc-datachannel'], after: 300 },
      { method: 'INVITE', media: both(40_000, map), expect: [THERE, 'a=dcmap:1000 '], after: 300 },
    ]);
    await alice.next('media_connected');
    // Should it go another way, SIPp ends before it is hung up.
    await Promise.race([played.done, new Promise((resolve) => setTimeout(resolve, 5_000))]);
    await comes(alice, 'after all of it', hears);
    alice.types('hangup');
    await played.done;
    assert.equal((await alice.next('ended')).status, 200);
  });

  it('SIPp looks at the data channels that alice offers, refuses the m-line, takes it without channels, and takes some', async () => {
    const dave = await sipp();
    await phone();
    // RFC 8841, RFC 8842, RFC 8864: the m-line is the gateway's own, the channel is alice's.
    const line = 'm=application [1-9][0-9]* UDP/DTLS/SCTP webrtc-datachannel';
    const ours = ['a=sctp-port:5000', 'a=max-message-size:262144', 'a=setup:actpass', 'a=fingerprint:sha-256 ', 'a=tls-id:[^ ]{20,}'];
    const map = (id, label) => `a=dcmap:${id} label=.${label}.`;
    const answer = (port, more) => [...audio(), ...channels(port, more).map((each) => each.replace('actpass', 'passive'))];
    const played = dave.answer([
      { expect: ['m=audio [1-9]'], media: audio() },
      { expect: [line, ...ours, map(1000, 'first')], media: [...audio(), 'm=application 0 UDP/DTLS/SCTP webrtc-datachannel'] },
      { expect: [line, ...ours, map(1000, 'second')], media: answer(40_000, []) },
      { expect: [line, ...ours, map(1000, 'third')], media: answer(40_000, ['a=dcmap:1000 label="third"']) },
      { expect: [line, map(1000, 'third'), map(1001, 'fourth')], media: answer(40_000, ['a=dcmap:1000 label="third"']) },
    ]);
    alice.types(`call sip:dave@${DOMAIN}`);
    await alice.next('answered');
    for (const label of ['first', 'second']) {
      alice.types(`open ${label}`);
      assert.equal((await alice.next('channel_opening')).label, label);
      await alice.next('channel_closed');
    }
    alice.types('open third');
    await alice.next('channel_opening');
    alice.types('open fourth');
    assert.equal((await alice.next('channel_closed')).channel, 4, 'nobody answers the third, but it is agreed on');
    alice.types('hangup');
    await played.done;
  });

  it('SIPp holds and resumes by UPDATE and by re-INVITE', async () => {
    const dave = await sipp();
    await phone('--answer');
    const played = dave.change(ALICE, [
      { method: 'UPDATE' },
      { method: 'UPDATE', media: audio('sendonly'), expect: ['a=recvonly'] },
      { method: 'UPDATE', media: audio(), expect: ['a=sendrecv'] },
      { method: 'INVITE', media: audio('inactive'), expect: ['a=inactive'] },
      { method: 'INVITE', media: audio(), expect: ['a=sendrecv'] },
      { method: 'INVITE', media: audio(), expect: ['a=sendrecv'], after: 500 },
    ]);
    await alice.next('media_connected');
    await comes(alice, 'at first', hears);
    for (let turn = 0; turn < 2; turn += 1) {
      assert.equal((await alice.next('remote_hold')).held, true);
      assert.equal((await alice.next('remote_hold')).held, false);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await comes(alice, 'after all of it', hears);
    alice.types('hangup');
    await played.done;
    assert.equal((await alice.next('ended')).status, 200);
  });

  it('SIPp adds video, drops it and adds it again', async () => {
    const dave = await sipp();
    const film = await listener();
    await phone('--answer', '--video');
    const both = [...audio(), ...video(film.port)];
    const without = [...audio(), ...video(0)];
    const played = dave.change(ALICE, [
      { method: 'INVITE', media: both, expect: ['m=video [1-9]', 'VP8/90000'] },
      { method: 'INVITE', media: without, expect: ['m=video 0 '] },
      { method: 'INVITE', media: both, expect: ['m=video [1-9]'] },
      { method: 'INVITE', media: both, expect: ['m=video [1-9]'], after: 500 },
    ]);
    await alice.next('media_connected');
    for (const on of [true, false, true]) {
      assert.equal((await alice.next('remote_video')).video, on);
      if (on) await alice.next('video_connected');
      await comes(alice, `video ${on}`, hears);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    alice.types('hangup');
    await played.done;
    film.socket.close();
  });

  it('SIPp asks for an offer in a re-INVITE without one, and answers it in the ACK', async () => {
    const dave = await sipp();
    await phone('--answer');
    const played = dave.change(ALICE, [
      { method: 'INVITE', expect: ['m=audio [1-9]'], answer: audio('sendonly') },
      { method: 'INVITE', expect: ['m=audio [1-9]'], answer: audio() },
    ]);
    await alice.next('media_connected');
    assert.equal((await alice.next('remote_hold')).held, true);
    assert.equal((await alice.next('remote_hold')).held, false);
    await comes(alice, 'after the late offers', hears);
    alice.types('hangup');
    await played.done;
  });

  it('SIPp moves its media to another address, and what is said goes there', async () => {
    const dave = await sipp();
    const elsewhere = await listener();
    await phone('--answer');
    const moved = audio('sendrecv', elsewhere.port);
    const played = dave.change(ALICE, [{ method: 'INVITE', media: moved, expect: ['m=audio [1-9]'] }]);
    await alice.next('media_connected');
    assert.equal(await within(elsewhere), 0);
    let came = 0;
    for (let turn = 0; turn < 6 && came < 30; turn += 1) came = await within(elsewhere);
    assert.ok(came >= 30, `${came} packets where it moved to`);
    alice.types('hangup');
    await played.done;
    elsewhere.socket.close();
  });

  describe('with baresip', () => {
    let carol;

    const call = async (...words) => {
      carol = await startBaresip({
        uri: `sip:carol@${DOMAIN}`,
        user: `carol@${DOMAIN}`,
        password: product.passwords().carol,
        registrar: `127.0.0.1:${product.ports.core}`,
        video: words.includes('--video'),
      });
      ends.push(carol);
      await carol.registered();
      await phone(...words);
    };

    it('it holds and resumes, and is held', async () => {
      await call();
      alice.types('call carol');
      await carol.event('CALL_INCOMING');
      await carol.command('accept');
      await alice.next('media_connected');
      await comes(alice, 'at first', hears);
      for (let turn = 0; turn < 2; turn += 1) {
        await carol.command('hold');
        assert.equal((await alice.next('remote_hold')).held, true);
        await carol.command('resume');
        assert.equal((await alice.next('remote_hold')).held, false);
        await comes(alice, 'resumed', hears);
        alice.types('hold');
        assert.equal((await alice.next('held')).held, true);
        alice.types('resume');
        assert.equal((await alice.next('held')).held, false);
        await comes(alice, 'resumed by us', hears);
      }
      alice.types('restart 127.0.0.4');
      await alice.next('restarted');
      await alice.next('media_connected');
      await comes(alice, 'on another network', hears);
      alice.types('hangup');
      await carol.event('CALL_CLOSED');
      assert.ok(carol.heard() > 0.005, 'carol heard the tone');
    });

    it('video is added to its call, and dropped', async () => {
      await call('--video');
      await carol.command('dial', ALICE);
      await alice.next('incoming');
      alice.types('answer');
      await alice.next('media_connected');
      const sees = ({ frames }) => frames > 5;
      await comes(alice, 'with video', (came) => hears(came) && sees(came));
      alice.types('video off');
      assert.equal((await alice.next('video')).video, false);
      await comes(alice, 'without', (came) => hears(came) && came.frames === 0);
      alice.types('video on');
      assert.equal((await alice.next('video')).video, true);
      await comes(alice, 'with it again', (came) => hears(came) && sees(came));
      // By its own re-INVITE, without a picture and with it again.
      for (let turn = 0; turn < 2; turn += 1) {
        await carol.command('video_dir', 'inactive');
        await comes(alice, 'dropped by baresip', (came) => hears(came) && came.frames === 0);
        await carol.command('video_dir', 'sendrecv');
        await comes(alice, 'added by baresip', (came) => hears(came) && sees(came));
      }
      alice.types('hangup');
      await carol.event('CALL_CLOSED');
    });
  });
});
