// Data channel applications: packages of folders, and frames for them in a page that has no call.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const BINARY = process.env.ISTHMUS_BIN ?? path.join(ROOT, 'target/debug/isthmus');

/** A folder of the repository, packed as authors do it. @returns {Buffer} */
export function packFolder(folder) {
  const output = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'package-')), 'application.zip');
  execFileSync(BINARY, ['app', 'pack', folder, '--output', output]);
  const bytes = fs.readFileSync(output);
  fs.rmSync(path.dirname(output), { recursive: true });
  return bytes;
}

/** A package of these files. */
export function packFiles(files) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'application-'));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  try {
    return packFolder(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** A page in which applications can be run without a call: its other party is whatever `channels` are joined with. */
export async function openBench(browser, address) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1320, height: 800 });
  await page.goto(address);
  await page.evaluate(() => {
    /** A channel that is joined with another one in the same page. */
    class Channel extends EventTarget {
      readyState = 'connecting';
      bufferedAmount = 0;
      bufferedAmountLowThreshold = 0;
      maxMessageSize = 262_144;
      constructor(init) {
        super();
        Object.assign(this, { label: '', protocol: '', ordered: true, ...init });
        this.opened = new Promise((resolve) => this.on('open', resolve));
      }

      on(type, listener) {
        this.addEventListener(type, ({ detail }) => listener(detail));
      }

      tell(type, detail = null) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
      }

      join(other) {
        this.other = other;
        this.readyState = 'open';
        setTimeout(() => this.tell('open'));
      }

      send(data) {
        const copy = typeof data === 'string' ? data : data.slice(0);
        setTimeout(() => this.other.tell('message', copy));
      }

      close() {
        for (const each of [this, this.other]) {
          if (!each || each.readyState === 'closed') continue;
          each.readyState = 'closed';
          setTimeout(() => each.tell('close'));
        }
      }

      end() {
        this.close();
      }
    }

    /** One side of a call; what it opens the other side is asked about. */
    class Call extends EventTarget {
      state = 'connected';
      held = false;
      heldByRemote = false;
      interrupted = false;
      hasVideo = false;
      static next = 1000;
      openChannel(init) {
        const mine = new Channel({ id: Call.next++, ...init });
        const theirs = new Channel({ ...init, id: mine.id });
        const request = {
          id: mine.id,
          description: { maxRetransmits: null, maxPacketLifeTime: null, priority: 256, ...init, id: mine.id },
          application: init.application,
          decided: new Promise(() => {}),
          wait() {},
          refuse: () => mine.close(),
          accept: () => {
            mine.join(theirs);
            theirs.join(mine);
            return theirs;
          },
        };
        setTimeout(() => this.other?.dispatchEvent(new CustomEvent('channelrequest', { detail: request })));
        return mine;
      }
    }
    const [here, there] = [new Call(), new Call()];
    here.other = there;
    there.other = here;
    window.bench = { calls: { here, there }, frames: {}, traces: {}, closed: {}, saved: [], hung: {} };
  });
  return new Bench(page, browser);
}

class Bench {
  constructor(page, browser) {
    this.page = page;
    this.browser = browser;
    /** Every request that left the browser, by any frame. */
    this.requests = [];
    page.on('request', (request) => this.requests.push(request.url()));
  }

  /** Runs a package as `name`, at one side of the call; resolves when its page is shown. */
  async run(name, bytes, { id = name, side = 'here', launchedBy = 'local', site = null, person = 'alice', provider = 'acme', validUntil = null } = {}) {
    const given = { name, id, side, launchedBy, site, person, provider, validUntil, base64: bytes.toString('base64') };
    await this.page.evaluate(async ({ name, id, side, launchedBy, site, person, provider, validUntil, base64 }) => {
      const { ApplicationFrame, ApplicationStorage, indexedCabinet } = await import('/wic/runtime/index.js');
      const { bench } = window;
      bench.storage ??= new ApplicationStorage(indexedCabinet());
      const frame = new ApplicationFrame({
        parent: document.body,
        call: bench.calls[side],
        application: { id, name, version: '1' },
        bytes: Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer,
        launchedBy,
        site,
        storage: bench.storage.of({ person, provider, id }, validUntil),
        developer: true,
      });
      frame.element.id = `frame-${name}`;
      // What is out of sight is not drawn, and tests wait for drawing.
      frame.element.style = `position: fixed; top: 0; left: ${side === 'here' ? 0 : 660}px; width: 640px; height: 480px`;
      bench.frames[name] = frame;
      bench.traces[name] = [];
      frame.on('trace', (each) => bench.traces[name].push(each));
      frame.on('close', (why) => { bench.closed[name] = why; });
      frame.on('hangs', (hangs) => { bench.hung[name] = hangs; });
      frame.on('save', async ({ name: file, blob, answer }) => {
        bench.saved.push({ file, size: blob.size, bytes: [...new Uint8Array(await blob.slice(0, 64).arrayBuffer())] });
        answer(true);
      });
    }, given);
  }

  /** Waits until its page is shown, and returns it as a frame of the page. */
  async shown(name) {
    await this.page.waitForFunction((each) => ['running', 'closed'].includes(window.bench.frames[each].state), {}, name);
    const why = await this.closed(name);
    if (why !== undefined) throw new Error(`${name} was closed: ${why}\n${JSON.stringify(await this.traces(name))}`);
    const element = await this.page.$(`#frame-${name}`);
    return element.contentFrame();
  }

  closed(name) {
    return this.page.evaluate((each) => window.bench.closed[each], name);
  }

  traces(name) {
    return this.page.evaluate((each) => window.bench.traces[each], name);
  }
}
