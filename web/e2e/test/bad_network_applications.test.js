// Applications where the way between each browser and the gateway loses one packet in a hundred and takes 25 ms: the list, the
// package and what two of them say to each other.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, it } from 'node:test';

import { AppBed } from '../harness/app_bed.js';
import { closeAll, opens, running, says, scripted } from '../harness/app_person.js';
import { BadWays } from '../peers/bad_network.js';

const WEATHER = { loss: 1, delay: 25 };
/** What goes over the reliable channel: messages of many lengths. */
const WHOLE = 150;

const SCRIPT = `
  const message = (label, at) => {
    const data = new Uint8Array(label === 'whole' ? (at * 7919) % 10_000 + 4 : 100).fill(at % 251);
    new DataView(data.buffer).setUint32(0, at);
    return data;
  };
  const number = (data) => new DataView(data).getUint32(0);
  const same = (label, data) => {
    const expected = message(label, number(data));
    return expected.byteLength === data.byteLength && new Uint8Array(data).every((each, index) => each === expected[index]);
  };
  window.message = message;
  window.heard = { whole: [], loose: [], mortal: [], broken: 0 };
  const connection = new RTCPeerConnection();
  connection.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => {
      if (same(channel.label, data)) window.heard[channel.label].push(number(data));
      else window.heard.broken += 1;
    };
  };
  if (application.launchedBy === 'local') {
    window.channels = {
      whole: connection.createDataChannel('whole'),
      loose: connection.createDataChannel('loose', { ordered: false, maxRetransmits: 0 }),
      mortal: connection.createDataChannel('mortal', { ordered: true, maxPacketLifeTime: 20 }),
    };
  }
`;

describe('applications on a bad network', { timeout: 390_000 }, () => {
  const bed = new AppBed();
  const noise = crypto.randomBytes(150_000).toString('base64');
  const ways = new BadWays(WEATHER);
  const patience = { polling: 50, timeout: 60_000 };
  let alice;
  let bob;
  let ours;
  let theirs;

  before(async () => {
    await bed.start();
    await bed.write('weather', {
      ...scripted('Weather', `${SCRIPT}\nwindow.noise = '${noise}';`),
      'application.toml': 'name = "Weather"\nversion = "1.0.0"\nprovider = "isthmus"\nphase = "in-call"\nscenes = "all"\n',
    });
    await bed.upload('weather');
    [alice, bob] = await bed.call((name) => ways.prepare(name));
  });

  after(async () => {
    await bed.stop();
    await ways.close();
  });

  it('the list and the package come whole, to both', async () => {
    await opens(alice, 'Weather');
    await bob.press('Open Weather');
    [ours, theirs] = [await running(alice, 'Weather'), await running(bob, 'Weather')];
    await Promise.all([says(alice, 'Weather', /^Bob uses it too\.$/), says(bob, 'Weather', /^Alice uses it too\.$/)]);
    for (const frame of [ours, theirs]) assert.equal(await frame.evaluate(() => window.noise), noise);
  });

  it('messages of a reliable channel arrive whole and in order', async () => {
    await ours.waitForFunction(() => Object.values(window.channels).every(({ readyState }) => readyState === 'open'), patience);
    await ours.evaluate((count) => {
      for (let at = 0; at < count; at += 1) window.channels.whole.send(window.message('whole', at));
    }, WHOLE);
    await theirs.waitForFunction((count) => window.heard.whole.length + window.heard.broken >= count, patience, WHOLE);
    const { whole, broken } = await theirs.evaluate(() => window.heard);
    assert.equal(broken, 0);
    assert.deepEqual(whole, Array.from({ length: WHOLE }, (_, at) => at));
  });

  it('of one that repeats nothing, and of one that waits for nothing, some are lost, and the rest arrives once and whole', async () => {
    for (const label of ['loose', 'mortal']) {
      // Until something was lost: so bad is the network.
      await ours.evaluate((name) => {
        window.sent = 0;
        window.sending = setInterval(() => {
          window.channels[name].send(window.message(name, window.sent));
          window.sent += 1;
        }, 10);
      }, label);
      await theirs.waitForFunction((name) => window.heard[name].length > 200 && Math.max(...window.heard[name]) >= window.heard[name].length + 1, patience, label);
      const sent = await ours.evaluate(() => {
        clearInterval(window.sending);
        return window.sent;
      });
      // What comes after what was lost comes: the last of these is waited for.
      await ours.evaluate((name) => {
        window.last = setInterval(() => window.channels[name].send(window.message(name, window.sent)), 100);
      }, label);
      await theirs.waitForFunction((name, last) => window.heard[name].includes(last), patience, label, sent);
      await ours.evaluate(() => clearInterval(window.last));
      const heard = (await theirs.evaluate(() => window.heard))[label].filter((each) => each < sent);
      assert.equal(new Set(heard).size, heard.length, 'each arrives once');
      if (label === 'mortal') assert.deepEqual(heard, heard.toSorted((one, other) => one - other), 'in their order');
    }
    assert.equal((await theirs.evaluate(() => window.heard)).broken, 0);
  });

  it('and the network was as bad as that', async () => {
    await closeAll([alice, bob]);
    await alice.press('Hang up');
    await bob.hears(/ended/);
    const lost = (await ways.close()).reduce((sum, way) => sum + way.lost, 0);
    assert.ok(lost > 10, `${lost} packets were lost`);
  });
});
