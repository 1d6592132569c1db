// JsSIP and SIP.js change a call with a person at the page, and the person changes it with them: video comes and goes,
// either side holds and resumes; measured by what is heard and decoded at both ends.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startChromium } from '../harness/chromium.js';
import { startForeignPhone } from '../harness/foreign_phone.js';
import { startIsthmus } from '../harness/isthmus.js';
import { accountOf, signIn } from '../harness/person.js';

const BOB = 'sip:bob@ims.mnc001.mcc001.3gppnetwork.org';

describe('a WIC that is not ours changes a call', { timeout: 390_000 }, () => {
  let product;
  let browser;
  let bob;
  let carol;
  let phone;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    bob = await signIn(browser, product, 'bob');
    carol = await accountOf(browser, product, 'carol');
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
  });

  afterEach(async () => {
    if (await bob?.sees('Hang up')) await bob.press('Hang up');
    await bob?.find('button', 'Call');
    await phone?.close();
  });

  /** What arrives in two seconds. */
  async function arrives(one) {
    const first = await one.figures();
    await sleep(2_000);
    const second = await one.figures();
    return { frames: second.framesDecoded - first.framesDecoded, energy: second.energy - first.energy };
  }

  /** Waits until this is what arrives at both: seen or not, heard or not; what is not said does not matter. */
  async function until(when, { phoneSees, bobSees, heard = true }) {
    const deadline = Date.now() + 40_000;
    const picture = (frames, sees) => sees === undefined || (sees ? frames > 10 : frames < 3);
    const right = ({ frames, energy }, sees) => picture(frames, sees) && (heard ? energy > 0.03 : energy < 0.002);
    for (;;) {
      const [there, here] = await Promise.all([arrives(phone), arrives(bob)]);
      if (right(there, phoneSees) && right(here, bobSees)) return;
      const found = `${when}: at ${phone.name} ${JSON.stringify(there)}, at bob ${JSON.stringify(here)}`;
      assert.ok(Date.now() < deadline, `${found}\n${await bob.told()}`);
    }
  }

  for (const kind of ['JsSIP', 'SIP.js']) {
    it(`${kind}: video is added, held, resumed and dropped, by it and by the person`, { timeout: 300_000 }, async () => {
      phone = await startForeignPhone(kind, browser, product, carol);
      const dialled = phone.does('dial', BOB);
      await bob.answer();
      await dialled;
      await until('in the beginning', { phoneSees: false, bobSees: false });

      const added = phone.does('addVideo');
      await bob.press('With camera');
      await added;
      await until('it adds video', { phoneSees: true, bobSees: true });

      await phone.does('hold');
      await bob.hears(/has put you on hold/);
      // Both go on sending, black pictures and silence; the page shows none of that.
      await until('it holds', { phoneSees: false, heard: false });
      assert.equal(await bob.page.$eval('#remote-video', (video) => video.checkVisibility()), false);
      await phone.does('resume');
      await bob.hears(/^In a call with \w+, with video/);
      await until('it resumes', { phoneSees: true, bobSees: true });

      await phone.does('dropVideo');
      await bob.hears(/^In a call with \w+$/);
      await until('it drops video', { phoneSees: false, bobSees: false });

      await bob.press('Start camera');
      await bob.hears(/^In a call with \w+, with video/);
      await until('bob adds video', { phoneSees: true, bobSees: false });
      await bob.press('Hold');
      await bob.hears(/is on hold/);
      await until('bob holds', { phoneSees: false, bobSees: false, heard: false });
      await bob.press('Resume');
      await bob.hears(/^In a call with \w+, with video/);
      await until('bob resumes', { phoneSees: true, bobSees: false });
      // SIP.js answers as if it had a picture to show, so a camera that goes off alone ends nothing.
      await bob.press(kind === 'SIP.js' ? 'Audio only' : 'Stop camera');
      await bob.hears(/^In a call with \w+$/);
      await until('bob drops video', { phoneSees: false, bobSees: false });
      assert.equal(await bob.lines(), 'audio, video 0');

      await phone.does('bye');
      await bob.hears(/ended/);
    });
  }
});
