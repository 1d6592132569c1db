// People with applications at their pages: the product, the browser, a folder for what is written here, and a call of two.

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { APPS, develops, writeApplication } from './app_person.js';
import { startChromium } from './chromium.js';
import { startIsthmus } from './isthmus.js';
import { signIn } from './person.js';

const BINARY = process.env.ISTHMUS_BIN ?? path.join(APPS, '../target/debug/isthmus');

export class AppBed {
  /** Where applications are written, and copied to. */
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'apps-'));
  product;
  browser;

  /** Starts the product and the browser. More flags of the command line may be given. */
  async start(flags) {
    this.product = await startIsthmus(flags);
    this.browser = await startChromium();
  }

  /** Ends what there is of it. */
  async stop() {
    await this.browser?.close();
    await this.product?.stop();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** Where the enabler is. */
  get site() {
    return `http://localhost:${this.product.ports.http}`;
  }

  /** People at their pages, one after the other. `prepare` gives for a name what its tab needs before. */
  async signIn(names, prepare = () => undefined) {
    const people = [];
    for (const name of names) people.push(await signIn(this.browser, this.product, name, prepare(name)));
    return people;
  }

  /** Alice and bob, in a call. */
  async call(prepare) {
    const [alice, bob] = await this.signIn(['alice', 'bob'], prepare);
    await this.connect(alice, bob);
    return [alice, bob];
  }

  /** Alice calls bob. */
  async connect(alice, bob) {
    await alice.call('bob');
    await bob.answer();
    await Promise.all([alice.hears(/^In a call with bob/), bob.hears(/^In a call with Alice/)]);
  }

  /** An application made of these files, in the lists of these people; its folder. */
  async write(name, files, ...people) {
    const own = writeApplication(this.folder, name, files);
    for (const person of people) await develops(person, own);
    return own;
  }

  /** Does what authors do, in the folder: `isthmus app` with these words; what it prints. */
  async app(...words) {
    const { stdout } = await promisify(execFile)(BINARY, ['app', ...words], { cwd: this.folder });
    return stdout;
  }

  /** Gives the enabler an application of `apps`, or of this folder; its identifier. An upload writes into the folder: it is copied. */
  async upload(name) {
    const own = path.join(this.folder, name);
    if (!fs.existsSync(own)) fs.cpSync(path.join(APPS, name), own, { recursive: true });
    return /^configured: (\S+)$/m.exec(await this.app('upload', own, '--server', this.site))[1];
  }
}
