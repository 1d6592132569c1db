// A person at a page: finds what a person finds (roles and names), does what a person does.

import { setTimeout as sleep } from 'node:timers/promises';

/** How long the page takes a press at the same place for the second one of a double tap, in milliseconds. */
const DOUBLE_TAP = 500;
/** How far a button moves while what is around it takes its place, in pixels. */
const MOVES = 100;

/** Opens a tab of the browser with the page in it. `prepare` may do something to the tab before. */
export async function openPage(browser, product, name, prepare) {
  const page = await browser.newPage();
  await prepare?.(page);
  const person = new Person(page, name, product);
  await page.evaluateOnNewDocument(watch);
  await person.open();
  return person;
}

/** Opens a tab and comes in without an account; the identity that is lent is the person's `number`. */
export async function enterAsGuest(browser, product) {
  const person = await openPage(browser, product, 'a guest');
  await person.press('Call as a guest');
  await person.hears(/^Registered as/);
  person.number = await person.numberShown();
  return person;
}

/** Opens a tab of the browser, signs in, and waits until the phone is registered. */
export async function signIn(browser, product, name, prepare) {
  const person = await openPage(browser, product, name, prepare);
  const { page } = person;
  await person.press('Sign in');
  await person.fill('User name', name);
  await person.fill('Password', product.passwords()[name]);
  await Promise.all([page.waitForNavigation(), person.press('Sign in')]);
  await person.hears(/^Registered as/);
  return person;
}

/** Runs in the page before its own scripts: keeps what the tests measure. */
function watch() {
  window.watched = { connections: [], sockets: [], tones: [] };
  const { RTCPeerConnection, WebSocket } = window;
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      window.watched.connections.push(this);
    }
  };
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      window.watched.sockets.push(this);
    }
  };
  const insert = RTCDTMFSender.prototype.insertDTMF;
  RTCDTMFSender.prototype.insertDTMF = function insertDTMF(...given) {
    this.ontonechange = ({ tone }) => window.watched.tones.push(tone);
    return insert.apply(this, given);
  };
}

export class Person {
  /** What was pressed last: where it stood, and when. @type {{ box: import('puppeteer-core').BoundingBox, at: number } | null} */
  #pressed = null;

  constructor(page, name, product) {
    this.page = page;
    this.name = name;
    this.product = product;
    /** What the page's console said, for a failure's sake. */
    this.console = [];
    page.on('console', (message) => this.console.push(message.text()));
    /** The questions of the browser that were answered with yes: whether the page is to be left. */
    this.agreed = [];
    page.on('dialog', (dialog) => {
      this.agreed.push(dialog.type());
      void dialog.accept();
    });
    page.on('pageerror', (error) => this.console.push(`page error: ${error.message}`));
  }

  open() {
    return this.page.goto(this.product.address, { waitUntil: 'load' });
  }

  /** Waits for something with a role and a name that can be used, and returns it. */
  async find(role, name, within = 40_000) {
    // A tab in the background draws no frames, and nothing in it can be clicked.
    await this.page.bringToFront();
    // To Firefox a password is no textbox.
    const selector = role === 'textbox' ? `aria/${name}` : `aria/${name}[role="${role}"]`;
    const usable = (each, input) => each.checkVisibility() && !each.disabled && (!input || each.matches('input'));
    const deadline = Date.now() + within;
    for (;;) {
      // While the page goes to another there is nothing to find, only errors.
      for (const element of await this.page.$$(selector).catch(() => [])) {
        if (await element.evaluate(usable, role === 'textbox').catch(() => false)) return element;
      }
      if (Date.now() > deadline) throw new Error(`${this.name} found no ${role} «${name}» among ${await this.buttons()}\n${await this.told()}`);
      await sleep(50);
    }
  }

  /** Presses a button. */
  async press(name, within) {
    const element = await this.find('button', name, within);
    await element.scrollIntoView();
    const box = await element.boundingBox();
    // Nobody reads as fast as we do what has come to the place of what they have just pressed: the page takes it for a double tap.
    if (box && this.#pressed && overlap(box, this.#pressed.box)) await sleep(Math.max(0, this.#pressed.at + DOUBLE_TAP - performance.now()));
    await element.click();
    this.#pressed = box && { box, at: performance.now() };
  }

  /** Types into a text box, over what is there. */
  async fill(name, text) {
    const box = await this.find('textbox', name);
    await box.click({ count: 3 });
    await box.press('Backspace');
    await box.type(text);
  }

  /** Whether a button is there to be pressed. */
  async sees(name) {
    return this.page.evaluate(
      (words) => [...document.querySelectorAll('button')].some((each) => each.checkVisibility() && each.textContent.trim() === words),
      name,
    );
  }

  /** The first of the identities that the page shows as its own. */
  async numberShown() {
    const shown = await this.page.$eval('#me-numbers', (element) => element.textContent);
    return shown.split(' · ')[0].trim();
  }

  /** What the live region says now. */
  status() {
    return this.page.$eval('[role="status"]', (region) => region.textContent.trim());
  }

  /** Waits until the live region says something; how a name is written is nothing that is heard. */
  async hears(said, within = 40_000) {
    const words = new RegExp(said.source, 'i');
    const deadline = Date.now() + within;
    while (!words.test(await this.status().catch(() => ''))) {
      if (Date.now() > deadline) throw new Error(`${this.name} waited for ${words}\n${await this.told()}`);
      await sleep(50);
    }
  }

  /** The buttons that are there to be pressed, for a failure's message. */
  buttons() {
    return this.page
      .$$eval('button', (all) => all.filter((each) => each.checkVisibility()).map((each) => each.getAttribute('aria-label') ?? each.textContent.trim()).join(', '))
      .catch(() => '(no page)');
  }

  /** What the page said, for a failure's message. */
  async told() {
    const said = await this.status().catch(() => '(no live region)');
    return `${this.name} was told «${said}»\n${this.console.slice(-20).join('\n')}`;
  }

  /** Calls a name, a number or an address. */
  async call(whom, button = 'Call') {
    await this.fill('Name or number', whom);
    await this.press(button);
  }

  /** Writes a line into the chat and sends it. */
  async writes(text) {
    await this.page.bringToFront();
    await this.page.focus('#chat-text');
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Enter');
  }

  /** Waits until the log of the chat has this: a line each, with who says it. */
  async reads(words, within = 40_000) {
    const log = () => this.page.$$eval('[role="log"] > *', (lines) => lines.map((line) => line.textContent).join('\n'));
    const deadline = Date.now() + within;
    for (;;) {
      const read = await log();
      if (words.test(read)) return;
      if (Date.now() > deadline) throw new Error(`${this.name} waited for ${words}, and read:\n${read}\n${await this.told()}`);
      await sleep(50);
    }
  }

  /** The name of what has the focus. */
  focused() {
    return this.page.evaluate(() => {
      const { activeElement: here } = document;
      return here?.labels?.[0]?.textContent || here?.getAttribute('aria-label') || here?.textContent.trim();
    });
  }

  /** The credentials of ICE that our side has now: others after a restart. */
  credentials() {
    return this.page.evaluate(() => window.watched.connections.at(-1).localDescription.sdp.match(/^a=ice-ufrag:.*$/gm).join(' '));
  }

  /** Waits until there are other credentials, and the media flow with them. */
  async changes(before, within = 40_000) {
    const deadline = Date.now() + within;
    const flows = () => this.page.evaluate(() => window.watched.connections.at(-1).connectionState === 'connected' && window.watched.connections.at(-1).signalingState === 'stable');
    while ((await this.credentials()) === before || !(await flows())) {
      if (Date.now() > deadline) throw new Error(`${this.name} waited for another way\n${await this.told()}`);
      await sleep(50);
    }
  }

  async answer() {
    await this.press('Answer');
  }

  /**
   * How loud what arrives is: the root mean square of what the far end's track plays, 0 to 1. The
   * track of a call that has just been answered may still be on its way; it is waited for.
   */
  async loudness(milliseconds = 1_500) {
    return this.page.evaluate(async (span) => {
      const playing = () => [...document.querySelectorAll('audio, video')].find((each) =>
        each.srcObject?.getAudioTracks().some((track) => track.readyState === 'live') &&
        !each.muted);
      const patience = performance.now() + 10_000;
      while (!playing() && performance.now() < patience) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const element = playing();
      if (!element) return 0;
      const context = new AudioContext();
      const analyser = context.createAnalyser();
      analyser.fftSize = 2048;
      context.createMediaStreamSource(element.srcObject).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      let loudest = 0;
      const end = performance.now() + span;
      while (performance.now() < end) {
        analyser.getFloatTimeDomainData(samples);
        const square = samples.reduce((sum, sample) => sum + sample * sample, 0);
        loudest = Math.max(loudest, Math.sqrt(square / samples.length));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await context.close();
      return loudest;
    }, milliseconds);
  }

  /** The figures of the last call: what arrived and what left, summed over its streams (getStats). */
  figures() {
    return this.page.evaluate(async () => {
      const sums = { energy: 0, framesDecoded: 0, packetsReceived: 0, packetsSent: 0 };
      const report = await window.watched.connections.at(-1)?.getStats();
      report?.forEach((entry) => {
        if (entry.type === 'inbound-rtp') {
          sums.energy += entry.totalAudioEnergy ?? 0;
          sums.framesDecoded += entry.framesDecoded ?? 0;
          sums.packetsReceived += entry.packetsReceived;
        } else if (entry.type === 'outbound-rtp') sums.packetsSent += entry.packetsSent;
      });
      return sums;
    });
  }

  /** Whether the far end's picture moves: frames decoded in a while. */
  async watches(milliseconds = 2_000) {
    const before = await this.framesShown();
    await sleep(milliseconds);
    return (await this.framesShown()) - before;
  }

  /** The m-lines of the last call as its browser has them: `audio`, `video`, in their order, with port 0 marked. */
  lines() {
    return this.page.evaluate(() => {
      const { sdp } = window.watched.connections.at(-1).localDescription;
      return [...sdp.matchAll(/^m=(\w+) (\d+)/gm)].map(([, kind, port]) => (port === '0' ? `${kind} 0` : kind)).join(', ');
    });
  }

  /** How much audio energy arrives in a while. The fake microphone beeps once a second. */
  async energy(milliseconds = 2_500) {
    const before = (await this.figures()).energy;
    await sleep(milliseconds);
    return (await this.figures()).energy - before;
  }

  /** How many frames of the far end's picture have been decoded. */
  async framesShown() {
    return (await this.figures()).framesDecoded;
  }

  /** Breaks the WebSocket, as a network does that goes away. */
  dropConnection() {
    return this.page.evaluate(() => window.watched.sockets.at(-1).close());
  }

  /** The tones that have been sent. */
  tones() {
    return this.page.evaluate(() => window.watched.tones.join(''));
  }

  close() {
    return this.page.close();
  }
}

/**
 * @param {import('puppeteer-core').BoundingBox} one
 * @param {import('puppeteer-core').BoundingBox} other
 */
function overlap(one, other) {
  // What is on its way to its place may be there in a moment.
  const [width, height] = [MOVES + one.width + other.width, MOVES + one.height + other.height];
  return Math.abs(one.x + one.width / 2 - other.x - other.width / 2) <= width / 2 && Math.abs(one.y + one.height / 2 - other.y - other.height / 2) <= height / 2;
}

/**
 * Signs somebody in as anybody does, and gives what the WWSF gives a page: a token and whose it is. For WICs that are not ours.
 * @param {import('puppeteer-core').Browser} browser
 * @param {{ address: string }} product
 * @param {string} name
 */
export async function accountOf(browser, product, name) {
  const person = await signIn(browser, product, name);
  const account = await person.page.evaluate(async () => {
    const session = sessionStorage.getItem('session');
    const answer = await fetch(`/session/${session}/token`, { method: 'POST', headers: { 'X-Requested-With': 'wic' } });
    return answer.json();
  });
  await person.close();
  return account;
}
