// Video that comes into a call and goes again, from either side, and what holds meanwhile; measured by what is seen and heard.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { APPS, develops, opens, running, says } from '../harness/app_person.js';
import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';

/** Frames in two seconds above which a picture moves; a fake camera makes 20 to 30 a second. */
const MOVING = 10;

describe('video in a call', { timeout: 390_000 }, () => {
  let product;
  let browser;
  let alice;
  let bob;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    alice = await signIn(browser, product, 'alice');
    bob = await signIn(browser, product, 'bob');
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
  });

  afterEach(async () => {
    if (await alice?.sees('Hang up')) await alice.press('Hang up');
    for (const person of [alice, bob]) await person?.find('button', 'Call');
  });

  async function connect() {
    await alice.call('bob');
    await bob.answer();
    await Promise.all([alice.hears(/^In a call with bob/), bob.hears(/^In a call with Alice/)]);
  }

  /** Waits for a picture that moves. */
  async function seen(person, what) {
    const deadline = Date.now() + 40_000;
    let frames;
    do frames = await person.watches(1_000);
    while (frames < MOVING && Date.now() < deadline);
    assert.ok(frames >= MOVING, `${what}: ${frames} frames\n${await person.told()}`);
  }

  async function unseen(person, what) {
    await sleep(500);
    const frames = await person.watches(1_000);
    assert.ok(frames < 3, `${what}: ${frames} frames`);
  }

  async function heard() {
    const [hers, his] = await Promise.all([alice.energy(), bob.energy()]);
    assert.ok(hers > 0.05 && his > 0.05, `alice hears ${hers}, bob hears ${his}`);
  }

  it('is added with one camera, then the other, and dropped camera by camera', async () => {
    await connect();
    await alice.press('Start camera');
    await alice.hears(/^Asking bob for video/);
    await bob.hears(/^Alice wants to add video/);
    await bob.press('Without camera');
    await alice.hears(/^In a call with bob, with video/);
    await seen(bob, 'bob sees alice');
    assert.equal(await alice.framesShown(), 0, 'bob is not seen');
    await bob.press('Start camera');
    await seen(alice, 'alice sees bob');
    await alice.press('Stop camera');
    await unseen(bob, 'alice is not seen any more');
    await seen(alice, 'alice still sees bob');
    await bob.press('Stop camera');
    await alice.hears(/^In a call with bob$/);
    assert.equal(await alice.lines(), 'audio, video 0');
    assert.equal(await bob.lines(), 'audio, video 0');
    await heard();
  });

  it('is added by the one who was called, with both cameras, and dropped by the other at once', async () => {
    await connect();
    await bob.press('Start camera');
    await alice.hears(/^Bob wants to add video/);
    await alice.press('With camera');
    await Promise.all([seen(alice, 'alice sees bob'), seen(bob, 'bob sees alice')]);
    await alice.press('Audio only');
    await bob.hears(/^In a call with Alice$/);
    await alice.hears(/^In a call with bob$/);
    await bob.find('button', 'Start camera');
    await Promise.all([unseen(alice, 'no bob'), unseen(bob, 'no alice')]);
    await heard();
  });

  it('is refused in words, and the call goes on as it was', async () => {
    await connect();
    await alice.press('Start camera');
    await bob.press('No video');
    await alice.hears(/^There is no video with Bob now. The call goes on without it/);
    await alice.find('button', 'Start camera');
    await bob.hears(/^In a call with Alice$/);
    await heard();
    // Who changed their mind asks, and in the same place.
    await bob.press('Start camera');
    await alice.press('Without camera');
    await seen(alice, 'alice sees bob');
    assert.equal(await alice.lines(), 'audio, video');
  });

  it('rests on hold by either side, and keeps its place when it is dropped and comes back', async () => {
    await connect();
    await alice.press('Start camera');
    await bob.press('With camera');
    await Promise.all([seen(alice, 'alice sees bob'), seen(bob, 'bob sees alice')]);
    for (const [one, other] of [[alice, bob], [bob, alice]]) {
      await one.press('Hold');
      await other.hears(/has put you on hold/);
      await Promise.all([unseen(one, 'the one who holds sees nothing'), unseen(other, 'nor does the other')]);
      await one.press('Resume');
      await other.hears(/^In a call with \w+, with video/);
      await Promise.all([seen(alice, 'alice sees bob again'), seen(bob, 'bob sees alice again')]);
    }
    await bob.press('Audio only');
    await alice.hears(/^In a call with bob$/);
    await alice.press('Hold');
    await bob.hears(/has put you on hold/);
    await alice.press('Resume');
    await bob.hears(/^In a call with Alice$/);
    await alice.press('Start camera');
    await bob.press('With camera');
    await Promise.all([seen(alice, 'alice sees bob anew'), seen(bob, 'bob sees alice anew')]);
    for (const person of [alice, bob]) assert.equal(await person.lines(), 'audio, video');
    await heard();
  });

  it('is asked for while both ask: one of them waits (491), and both are seen', async () => {
    await connect();
    await Promise.all([alice, bob].map((person) => person.page.evaluate(() => document.getElementById('camera').click())));
    // Who is asked in the end, and when, is a matter of which offer was first.
    let over = false;
    const answers = (async () => {
      for (; !over; await sleep(100)) {
        for (const { page } of [alice, bob]) {
          await page.evaluate(() => {
            const yes = document.getElementById('video-camera');
            if (yes.checkVisibility() && !yes.disabled) yes.click();
          });
        }
      }
    })();
    try {
      await Promise.all([seen(alice, 'alice sees bob'), seen(bob, 'bob sees alice')]);
    } finally {
      over = true;
      await answers;
    }
    for (const person of [alice, bob]) await person.find('button', 'Stop camera');
  });

  it('goes on undisturbed while an application is opened, used and closed', async () => {
    const people = [alice, bob];
    await connect();
    for (const person of people) await develops(person, `${APPS}/whiteboard`);
    await alice.press('Start camera');
    await bob.press('With camera');
    await Promise.all([seen(alice, 'alice sees bob'), seen(bob, 'bob sees alice')]);
    for (const person of people) await person.page.evaluate(watchStreams);
    const before = await Promise.all(people.map((person) => person.page.evaluate(streams)));
    /** Both pictures, and their sound, go on from here; an offer waits as long as somebody is asked. */
    const goesOn = async (what, answered = true) => {
      for (const person of people) {
        const first = await person.page.evaluate(streams);
        const deadline = Date.now() + 40_000;
        for (;;) {
          const now = await person.page.evaluate(streams);
          if ((now.stable || !answered) && now.frames >= first.frames + MOVING && now.packets > first.packets && now.shown > first.shown) break;
          assert.ok(Date.now() < deadline, `${what}, ${person.name}: ${JSON.stringify([first, now])}`);
          await sleep(100);
        }
      }
    };
    for (const turn of [1, 2]) {
      await opens(alice, 'Whiteboard');
      await goesOn(`${turn}: asked`, false);
      await bob.press('Open Whiteboard');
      for (const person of people) await running(person, 'Whiteboard');
      await says(alice, 'Whiteboard', /^Bob uses it too\.$/);
      await goesOn(`${turn}: open`);
      await bob.press('Close Whiteboard');
      await says(alice, 'Whiteboard', /^Bob is not connected to it any more\.$/);
      await alice.press('Close Whiteboard');
      await goesOn(`${turn}: closed`);
    }
    const after = await Promise.all(people.map((person) => person.page.evaluate(streams)));
    for (const [at, { name }] of people.entries()) {
      const { sources, ways } = after[at];
      assert.deepEqual([sources, ways], [before[at].sources, before[at].ways], `${name}: the streams, their tracks and their way are the same`);
      assert.deepEqual(after[at].broken, [], name);
      assert.equal(await people[at].lines(), 'audio, application, video');
    }
    await heard();
  });
});

/** Runs in the page: keeps what breaks from now on. */
function watchStreams() {
  const connection = window.watched.connections.at(-1);
  const broken = [];
  window.watched.broken = broken;
  for (const type of ['connectionstatechange', 'iceconnectionstatechange']) {
    connection.addEventListener(type, () => broken.push(`${connection.connectionState} ${connection.iceConnectionState}`));
  }
  for (const { track } of connection.getReceivers()) if (track) track.addEventListener('ended', () => broken.push(`${track.kind} ended`));
  const picture = document.querySelector('#remote-video');
  for (const type of ['emptied', 'pause', 'ended']) picture.addEventListener(type, () => broken.push(`the picture: ${type}`));
}

/** Runs in the page: the streams that come, whose they are, and how far they have come. */
async function streams() {
  const connection = window.watched.connections.at(-1);
  const now = { stable: connection.signalingState === 'stable', frames: 0, packets: 0, sources: {}, broken: window.watched.broken, shown: document.querySelector('#remote-video').currentTime };
  now.ways = connection.localDescription.sdp.match(/^a=ice-ufrag:.*$/gm);
  (await connection.getStats()).forEach((entry) => {
    if (entry.type !== 'inbound-rtp' && entry.type !== 'outbound-rtp') return;
    if (entry.type === 'inbound-rtp') {
      now.frames += entry.framesDecoded ?? 0;
      now.packets += entry.kind === 'audio' ? entry.packetsReceived : 0;
    }
    // A sender may send what nobody has asked for under other numbers; what is decoded has one.
    if (entry.type === 'outbound-rtp' || entry.packetsReceived > 0) now.sources[`${entry.type} ${entry.kind} ${entry.ssrc}`] = entry.trackIdentifier ?? entry.mid;
  });
  return now;
}
