// The page itself: what assistive technology reads, what eyes see, in both schemes and down to a small phone.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { APPS, develops, hearsOfApplications, opens, running } from '../harness/app_person.js';
import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { signIn } from '../harness/person.js';

const SIZES = [
  { width: 1280, height: 860 },
  { width: 390, height: 844 },
  { width: 360, height: 640 },
];

describe('the page', () => {
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

  /** Looks at what is shown now, in every size and scheme. */
  async function look(person, view) {
    await person.page.bringToFront();
    for (const size of SIZES) {
      await person.page.setViewport(size);
      for (const scheme of ['light', 'dark']) {
        await person.page.emulateMediaFeatures([
          { name: 'prefers-color-scheme', value: scheme },
          { name: 'prefers-reduced-motion', value: 'reduce' },
        ]);
        const faults = await person.page.evaluate(faultsOfPage);
        assert.deepEqual(faults, [], `${view}, ${size.width} px, ${scheme}`);
      }
    }
    await person.page.setViewport(SIZES[0]);
  }

  /** These can be seen and pressed, at the top of the page and at its end, at a desk and on a phone. */
  async function inSight(person, ...ids) {
    await person.page.bringToFront();
    for (const size of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
      await person.page.setViewport(size);
      for (const end of [false, true]) {
        const hidden = await person.page.evaluate(hiddenFrom, ids, end);
        assert.deepEqual(hidden, [], `${size.width} px${end ? ', at the end' : ''}`);
      }
      await person.page.evaluate(() => window.scrollTo(0, 0));
    }
    await person.page.setViewport(SIZES[0]);
  }

  it('takes a double tap on Answer for one, and leaves nothing that ends the call where it was', async () => {
    await bob.page.bringToFront();
    for (const size of SIZES.slice(1)) {
      await bob.page.setViewport(size);
      for (const [kind, name] of [['Call', 'Answer'], ['Video call', 'Without camera'], ['Video call', 'Answer']]) {
        const what = `${name} to a ${kind.toLowerCase()}, ${size.width} px`;
        await alice.call('bob', kind);
        const { x, y, width, height } = await (await bob.find('button', name)).boundingBox();
        const [left, top] = [x + width / 2, y + height / 2];
        await doubleTap(bob.page, left, top);
        await bob.hears(/^In a call with Alice(, with video)?$/);
        await alice.hears(/^In a call with bob/);
        await bob.page.bringToFront();
        const beneath = await bob.page.evaluate(beneathFinger, x, y, width, height);
        for (const id of ['hang-up', 'mute']) assert.ok(!beneath.includes(id), `${what}: ${beneath}`);
        assert.equal(await bob.page.$eval('dialog[open], .side:not([hidden])', () => true).catch(() => false), false, what);
        await bob.press('Hang up');
        await alice.hears(/ended/);
      }
    }
    await bob.page.setViewport(SIZES[0]);
  });

  it('has names, contrast and room in each of its views', async () => {
    await look(alice, 'dial');
    await alice.press('Sound and camera');
    await look(alice, 'devices');
    await alice.page.keyboard.press('Escape');
    await alice.call('bob', 'Video call');
    await alice.hears(/Ringing/);
    await look(alice, 'ringing');
    await look(bob, 'incoming');
    await bob.press('Without camera');
    await alice.hears(/^In a call/);
    await look(alice, 'call');
    await alice.press('Keypad');
    await look(alice, 'keypad');
    await alice.page.keyboard.press('Escape');
    await alice.press('Chat');
    await alice.reads(/can’t chat|You can write/);
    await look(alice, 'chat');
    await alice.press('Close the chat');
    await alice.press('Hang up');
    await bob.hears(/ended/);

    await alice.call('bob');
    await bob.answer();
    await develops(alice, `${APPS}/whiteboard`);
    await look(alice, 'applications');
    await opens(alice, 'Whiteboard');
    await hearsOfApplications(bob, /^Alice wants to use Whiteboard/);
    // Nobody waits longer than half a minute.
    await inSight(bob, 'hang-up', 'application-accept', 'application-refuse');
    await look(bob, 'asked for an application');
    await bob.press('Not now');
    await running(alice, 'Whiteboard');
    await look(alice, 'an application and the list');
    await alice.press('Console of Whiteboard');
    await alice.press('Close the list of applications');
    await look(alice, 'an application and its console');
    await alice.press('Chat');
    await look(alice, 'an application and the chat');
    await inSight(alice, 'hang-up', 'chat-text', 'chat-send');
    await alice.press('Close the chat');
    await alice.press('Close Whiteboard');
    await bob.press('Start camera');
    await alice.hears(/wants to add video/);
    await look(alice, 'asked for video');
    await alice.press('With camera');
    await alice.hears(/, with video/);
    await look(alice, 'video');
    await opens(alice, 'Whiteboard');
    await bob.press('Not now');
    await running(alice, 'Whiteboard');
    await alice.press('Close the list of applications');
    await look(alice, 'video and an application');
    await inSight(alice, 'hang-up', 'mute');
    await alice.press('Chat');
    await look(alice, 'video, an application and the chat');
    await inSight(alice, 'hang-up', 'chat-text', 'chat-send');
    await alice.press('Close the chat');
    await alice.press('Close Whiteboard');
    const carol = await signIn(browser, product, 'carol');
    await carol.call('alice', 'Video call');
    await alice.hears(/^Carol is calling/);
    await look(alice, 'second call');
    await alice.press('Hold and answer');
    await alice.hears(/^In a call with Carol/);
    await look(alice, 'two calls');
    await bob.press('Hang up');
    await alice.hears(/^The call with Bob has ended/);
    await alice.press('Hang up');
    await alice.press('Sign out');
    await alice.hears(/Signed out/);
    await look(alice, 'welcome');
  });

  it('fetches nothing from elsewhere and breaks no rule of its own policy', async () => {
    const page = await browser.newPage();
    const foreign = [];
    const refused = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(product.address)) foreign.push(request.url());
    });
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) refused.push(message.text());
    });
    const reply = await page.goto(product.address, { waitUntil: 'load' });
    assert.match(reply.headers()['content-security-policy'], /default-src 'none'/);
    assert.deepEqual(foreign, []);
    assert.deepEqual(refused, []);
    await page.close();
  });
});

/** Runs in the page: the buttons under a finger that has pressed here. */
function beneathFinger(x, y, width, height) {
  const found = new Set();
  for (let across = 0; across <= 8; across += 1) {
    for (let down = 0; down <= 8; down += 1) {
      found.add(document.elementFromPoint(x + (width * across) / 8, y + (height * down) / 8)?.closest('button')?.id);
    }
  }
  return [...found].filter(Boolean);
}

/** Runs in the page: which of these cannot be seen, or have something over them. */
async function hiddenFrom(ids, end) {
  window.scrollTo(0, end ? document.documentElement.scrollHeight : 0);
  // What follows the scrolling has been drawn.
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  return ids.filter((id) => {
    const element = document.getElementById(id);
    const { top, bottom, left, right } = element.getBoundingClientRect();
    const within = top >= 0 && bottom <= innerHeight && left >= 0 && right <= innerWidth;
    return !within || !element.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
  });
}

/** Runs in the page. Names and roles as WCAG 4.1.2 asks, contrast as 1.4.3, reflow as 1.4.10, targets as 2.5.8. */
function faultsOfPage() {
  const faults = [];
  const shown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const open = document.querySelector('dialog[open]') ?? document.body;
  const all = [...open.querySelectorAll('*')].filter(shown);

  for (const element of all.filter((each) => each.matches('button, input, select, a, video, [role]'))) {
    const labelled = element.getAttribute('aria-labelledby');
    const name =
      element.getAttribute('aria-label') ??
      (labelled ? document.getElementById(labelled)?.textContent : undefined) ??
      (element.labels?.length ? element.labels[0].textContent : element.textContent);
    const wants = !element.matches('[role="status"], [role="timer"]');
    if (wants && !name?.trim()) faults.push(`no name: ${element.outerHTML.slice(0, 80)}`);
    if (element.matches('button, input, select')) {
      const { width, height } = element.getBoundingClientRect();
      if (width < 44 || height < 44) faults.push(`small: ${name?.trim()} ${width}x${height}`);
      const { right, left } = element.getBoundingClientRect();
      if (left < 0 || right > innerWidth) faults.push(`cut off: ${name?.trim()}`);
    }
  }
  if (document.querySelectorAll('[role="status"]').length !== 1) faults.push('not one live region');
  if (!document.documentElement.lang) faults.push('no language');
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  if (new Set(ids).size !== ids.length) faults.push('an id twice');
  if (open === document.body && all.filter((each) => each.matches('h1')).length !== 1) faults.push('not one h1');
  for (const image of document.querySelectorAll('img:not([alt])')) faults.push(`no alt: ${image.src}`);
  if (document.documentElement.scrollWidth > innerWidth) faults.push(`scrolls sideways: ${document.documentElement.scrollWidth}`);

  const channels = (color) => {
    const canvas = (faultsOfPage.canvas ??= Object.assign(document.createElement('canvas'), { width: 1, height: 1 }));
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  for (const element of all) {
    const text = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!text || element.closest('button:disabled, svg, option') || document.querySelector('.seen')?.contains(element)) continue;
    let ground = element;
    while (ground && channels(getComputedStyle(ground).backgroundColor)[3] < 255) ground = ground.parentElement;
    const style = getComputedStyle(element);
    const [a, b] = [light(channels(style.color)), light(channels(getComputedStyle(ground ?? document.body).backgroundColor))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) faults.push(`contrast ${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 40)}`);
  }
  return faults;
}

/** Two taps as fast as a finger: nothing waits for what the page makes of the first. */
async function doubleTap(page, x, y) {
  const browser = await page.createCDPSession();
  const finger = (type) => browser.send('Input.dispatchTouchEvent', { type, touchPoints: type === 'touchStart' ? [{ x, y }] : [] });
  await Promise.all(['touchStart', 'touchEnd', 'touchStart', 'touchEnd'].map(finger));
  await browser.detach();
}
