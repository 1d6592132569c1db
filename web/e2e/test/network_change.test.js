// A network that changes under a call: the WebSocket breaks, the way that the media went is gone, and another one is there.
// Each browser reaches the gateway through relays; a new network is new relays, at other ports, and the old ones are dead.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';
import { badNetwork, goAstray } from '../peers/bad_network.js';

/** The network of one person: the ways of now. */
class Network {
  #ways = new Map();

  /** Where to send what is for this address of the gateway. */
  async wayTo(address) {
    if (!this.#ways.has(address)) this.#ways.set(address, badNetwork(address, { loss: 0, delay: 1 }));
    return (await this.#ways.get(address)).address;
  }

  /** All that went through it is gone; what is asked for from now on goes another way. */
  async change() {
    const before = [...this.#ways.values()];
    this.#ways.clear();
    await Promise.all(before.map(async (way) => (await way).close()));
  }
}

describe('a network that changes', { timeout: 390_000 }, () => {
  let product;
  let browser;
  let alice;
  let bob;
  const networks = { alice: new Network(), bob: new Network() };

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    const far = (name) =>
      signIn(browser, product, name, async (page) => {
        await page.exposeFunction('wayTo', (address) => networks[name].wayTo(address));
        await page.evaluateOnNewDocument(goAstray);
      });
    alice = await far('alice');
    bob = await far('bob');
  });

  after(async () => {
    await browser?.close();
    await Promise.all(Object.values(networks).map((network) => network.change()));
    await product?.stop();
  });

  afterEach(async () => {
    if (await alice?.sees('Hang up')) await alice.press('Hang up');
    for (const person of [alice, bob]) await person?.find('button', 'Call');
  });

  async function connect() {
    await alice.call('bob', 'Video call');
    await bob.answer();
    await Promise.all([alice.hears(/^In a call with bob, with video/), bob.hears(/^In a call with Alice, with video/)]);
    await flows();
  }

  /** Both hear and see each other. */
  async function flows() {
    const people = [alice, bob];
    const deadline = Date.now() + 40_000;
    for (;;) {
      const before = await Promise.all(people.map((person) => person.figures()));
      await sleep(2_000);
      const after = await Promise.all(people.map((person) => person.figures()));
      const frames = after.map(({ framesDecoded }, each) => framesDecoded - before[each].framesDecoded);
      const energy = after.map(({ energy: sum }, each) => sum - before[each].energy);
      if (frames.every((count) => count > 10) && energy.every((sum) => sum > 0.03)) return;
      assert.ok(Date.now() < deadline, `frames ${frames}, energy ${energy}\n${await alice.told()}\n${await bob.told()}`);
    }
  }

  /** The name under which the browser's ICE agent goes for the sound. */
  const ufrag = (person) =>
    person.page.evaluate(() => /^a=ice-ufrag:(\S+)/m.exec(window.watched.connections.at(-1).localDescription.sdp)[1]);

  async function isAnother(person, before) {
    const deadline = Date.now() + 40_000;
    while ((await ufrag(person)) === before) {
      assert.ok(Date.now() < deadline, `no ICE restart\n${await person.told()}`);
      await sleep(100);
    }
  }

  it('takes WebSocket and media with it, and both come back by themselves', async () => {
    await connect();
    const before = await ufrag(alice);
    await networks.alice.change();
    await alice.dropConnection();
    await alice.hears(/network was lost/i);
    await isAnother(alice, before);
    await flows();
    await alice.hears(/^In a call with bob, with video/);
  });

  it('takes only the way of the media, which is noticed, said in words, and mended', async () => {
    await connect();
    const before = await ufrag(bob);
    await networks.bob.change();
    await bob.hears(/is interrupted. Trying to come back/);
    await isAnother(bob, before);
    await flows();
    await bob.hears(/^In a call with Alice, with video/);
  });

  it('is there again after a while offline, and the browser says so first', async () => {
    await connect();
    const before = await ufrag(alice);
    const cdp = await alice.page.createCDPSession();
    const conditions = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    await cdp.send('Network.enable');
    await cdp.send('Network.emulateNetworkConditions', { ...conditions, offline: true });
    await networks.alice.change();
    await sleep(1_000);
    await cdp.send('Network.emulateNetworkConditions', { ...conditions, offline: false });
    const online = Date.now();
    await isAnother(alice, before);
    assert.ok(Date.now() - online < 3_000, 'nobody waited for a silence to be noticed');
    await flows();
    await cdp.detach();
  });

  it('changes for both at once, and offers that meet find their order', async () => {
    await connect();
    const before = await Promise.all([ufrag(alice), ufrag(bob)]);
    await Promise.all([networks.alice.change(), networks.bob.change()]);
    await Promise.all([alice.dropConnection(), bob.dropConnection()]);
    await Promise.all([isAnother(alice, before[0]), isAnother(bob, before[1])]);
    await flows();
    await Promise.all([alice.hears(/^In a call with bob, with video/), bob.hears(/^In a call with Alice, with video/)]);
    // And the call is one that can be changed, and ended, as before.
    await alice.press('Hold');
    await bob.hears(/has put you on hold/);
    await alice.press('Resume');
    await bob.hears(/^In a call with Alice, with video/);
    await flows();
  });

  it('loses nothing that was asked while it changed', async () => {
    await connect();
    // The button is pressed as the connection goes: the offer leaves on it and its answer never comes there.
    await alice.page.evaluate(() => {
      document.getElementById('hold').click();
      const socket = window.watched.sockets.at(-1);
      const send = socket.send;
      socket.send = function once(data) {
        if (!String(data).startsWith('INVITE')) return send.call(this, data);
        // Sent into a network that is gone.
        setTimeout(() => this.close());
        return undefined;
      };
    });
    await bob.hears(/has put you on hold/);
    await alice.hears(/Bob is on hold/);
    await alice.press('Resume');
    await bob.hears(/^In a call with Alice, with video/);
    await flows();
  });

  it('leaves a call ringing for its caller, and a call that was hung up as it went is over for both', async () => {
    await alice.call('bob');
    await alice.hears(/^Ringing/);
    await alice.dropConnection();
    await alice.hears(/network was lost/i);
    await alice.hears(/^Ringing/);
    await bob.answer();
    await Promise.all([alice.hears(/^In a call with bob$/), bob.hears(/^In a call with Alice$/)]);
    const [hers, his] = await Promise.all([alice.energy(), bob.energy()]);
    assert.ok(hers > 0.05 && his > 0.05, `alice hears ${hers}, bob hears ${his}`);
    await alice.page.evaluate(() => {
      const socket = window.watched.sockets.at(-1);
      const send = socket.send;
      socket.send = function once(data) {
        if (!String(data).startsWith('BYE')) return send.call(this, data);
        setTimeout(() => this.close());
        return undefined;
      };
      document.getElementById('hang-up').click();
    });
    await bob.hears(/^The call with Alice has ended$/);
    await alice.hears(/^Registered as Alice$/);
  });

  it('ends what rings where it was lost, in words at both ends', async () => {
    await alice.call('bob');
    await bob.hears(/^Alice is calling/);
    await bob.dropConnection();
    await bob.hears(/^Registered as Bob\. You missed a call from Alice/);
    await alice.hears(/busy or down|cannot be reached/);
  });
});
