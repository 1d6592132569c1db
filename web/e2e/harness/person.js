// A person at a page: finds what a person finds (roles and names), does what a person does.

/** Opens a tab of the browser, signs in, and waits until the phone is registered. */
export async function signIn(browser, product, name) {
  const page = await browser.newPage();
  const person = new Person(page, name, product);
  await person.open();
  await person.press('Sign in');
  await person.fill('User name', name);
  await person.fill('Password', product.passwords()[name]);
  await Promise.all([page.waitForNavigation(), person.press('Sign in')]);
  await person.hears(/^Registered/);
  return person;
}

export class Person {
  constructor(page, name, product) {
    this.page = page;
    this.name = name;
    this.product = product;
    /** What the page's console said, for a failure's sake. */
    this.console = [];
    page.on('console', (message) => this.console.push(message.text()));
    page.on('pageerror', (error) => this.console.push(`page error: ${error.message}`));
  }

  open() {
    return this.page.goto(this.product.address, { waitUntil: 'load' });
  }

  /** Presses a button. */
  async press(name) {
    await this.page.locator(`aria/${name}[role="button"]`).setTimeout(10_000).click();
  }

  /** Types into a text box, over what is there. */
  async fill(name, text) {
    await this.page.locator(`aria/${name}[role="textbox"]`).setTimeout(10_000).fill(text);
  }

  /** Whether a button is there to be pressed. */
  async sees(name) {
    const element = await this.page.$(`aria/${name}[role="button"]`);
    return Boolean(element && (await element.isVisible()));
  }

  /** What the live region says now. */
  status() {
    return this.page.$eval('[role="status"]', (region) => region.textContent.trim());
  }

  /** Waits until the live region says something. */
  async hears(words, within = 15_000) {
    const { source, flags } = words;
    try {
      await this.page.waitForFunction(
        (pattern, mode) =>
          new RegExp(pattern, mode).test(
            document.querySelector('[role="status"]')?.textContent.trim() ?? '',
          ),
        { timeout: within, polling: 50 },
        source,
        flags,
      );
    } catch {
      const said = await this.status().catch(() => '(no live region)');
      throw new Error(
        `${this.name} waited for ${words} and was told «${said}»\n${this.console.slice(-20).join('\n')}`,
      );
    }
  }

  /** Calls a name, a number or an address. */
  async call(whom, button = 'Call') {
    await this.fill('Name or number', whom);
    await this.press(button);
  }

  async answer() {
    await this.page.locator('aria/Answer[role="button"]').setTimeout(15_000).click();
  }

  /** How loud what arrives is: the root mean square of what the far end's track plays, 0 to 1. */
  async loudness(milliseconds = 1_500) {
    return this.page.evaluate(async (span) => {
      const element = [...document.querySelectorAll('audio, video')].find((each) =>
        each.srcObject?.getAudioTracks().some((track) => track.readyState === 'live') &&
        !each.muted);
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

  /** How many frames of the far end's picture have been shown. */
  framesShown() {
    return this.page.evaluate(() => {
      const shown = [...document.querySelectorAll('video')]
        .filter((video) => video.srcObject && !video.muted)
        .map((video) => video.getVideoPlaybackQuality().totalVideoFrames);
      return Math.max(0, ...shown);
    });
  }

  close() {
    return this.page.close();
  }
}
