// What a person does with applications in a call, at the page.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const APPS = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../apps');

/**
 * Has an author's own folder, or package, in the person's list: until the page says that it is there. Chromium gives an empty choice
 * for a folder whose tab goes to the background before it has been read, so nothing else is done meanwhile.
 */
export async function develops(person, folder) {
  await openList(person);
  const input = await person.page.$(/\.zip$/.test(folder) ? '#developer-package-file' : '#developer-folder-files');
  const answer = await person.page.evaluateHandle(listens, input);
  await input.uploadFile(folder);
  const said = await Promise.race([answer.evaluate(({ heard }) => heard), new Promise((resolve) => setTimeout(resolve, 20_000, 'nothing').unref())]);
  await answer.dispose();
  if (!/ is in your list\.$/.test(said)) throw new Error(`${person.name} chose ${path.basename(folder)} and was told «${said}»\n${await person.told()}`);
}

/** In the page: what it says next of a folder or a package, or that nothing was chosen. */
function listens(input) {
  const heard = new Promise((resolve) => {
    const observer = new MutationObserver((changes) => {
      // The same region says what else becomes of applications.
      const words = changes.map(({ target }) => target).find(({ id, textContent }) => (id === 'developer-hint' ? textContent !== '' : / is in your list\.$/.test(textContent)));
      if (!words) return;
      observer.disconnect();
      resolve(words.textContent);
    });
    for (const id of ['applications-said', 'developer-hint']) observer.observe(document.getElementById(id), { childList: true });
    input.addEventListener('cancel', () => resolve('the choice was empty'), { once: true });
  });
  return { heard };
}

/** The list of applications is there. */
export async function openList(person) {
  await person.page.bringToFront();
  if (await person.page.$eval('#applications', (panel) => panel.hidden)) await person.press('Apps');
}

/** Opens an application of the list. */
export async function opens(person, name) {
  await openList(person);
  await person.press(name);
}

/** The document of an application that is open, once it runs. */
export async function running(person, name) {
  const found = await person.page.waitForFunction(
    (title) => [...document.querySelectorAll('.window')].find((each) => each.querySelector('h2').textContent === title && each.dataset.state === 'running')?.querySelector('iframe'),
    { polling: 50 },
    name,
  );
  return found.asElement().contentFrame();
}

/** Waits for what the window of an application says. */
export async function says(person, name, words) {
  const seen = () => person.page.$$eval('.window', (all) => Object.fromEntries(all.map((each) => [each.querySelector('h2').textContent, each.querySelector('.window-words').textContent])));
  const deadline = Date.now() + 40_000;
  for (;;) {
    const said = await seen();
    if (words.test(said[name] ?? '')) return;
    if (Date.now() > deadline) throw new Error(`${person.name} waited for ${words} of ${name}: ${JSON.stringify(said)}\n${await person.told()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits for what the live region of applications says. */
export function hearsOfApplications(person, words) {
  return person.page.waitForFunction((source) => new RegExp(source).test(document.querySelector('#applications-said').textContent), { polling: 50 }, words.source);
}

/** Waits until nothing is open. */
export function nothingOpen(person) {
  return person.page.waitForFunction(() => document.querySelectorAll('.window').length === 0, { polling: 50 });
}

/** An application made of these files, in a folder of its own below this one. */
export function writeApplication(folder, name, files) {
  const own = path.join(folder, name);
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(own, file)), { recursive: true });
    fs.writeFileSync(path.join(own, file), text);
  }
  return own;
}

/** A page with one script. */
export const scripted = (title, script) => ({ 'index.html': `<!doctype html><title>${title}</title><body><script src="a.js"></script>`, 'a.js': script });

/** In the document of the whiteboard: whether anything is drawn. */
export const drawn = () => {
  const canvas = document.querySelector('#board');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.some((each, at) => at % 4 === 3 && each > 0);
};

/** Draws a line by keyboard. */
export async function draws(frame) {
  const board = await frame.$('#board');
  await board.focus();
  for (const key of ['Space', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'Space']) await board.press(key);
}

/** Closes what is open; the call, and its sound, have gone on. */
export async function closeAll(people) {
  const sounds = await Promise.all(people.map((person) => person.figures()));
  for (const person of people) {
    if (!(await person.sees('Hang up'))) throw new Error(`${person.name} is in no call\n${await person.told()}`);
    await person.page.evaluate(() => {
      const refuse = document.querySelector('#application-refuse');
      if (refuse.checkVisibility()) refuse.click();
    });
    await person.page.$$eval('.window .window-head button:last-child', (all) => all.forEach((each) => each.click()));
    await nothingOpen(person);
  }
  for (const [index, person] of people.entries()) {
    const patience = Date.now() + 40_000;
    while ((await person.figures()).packetsReceived <= sounds[index].packetsReceived) {
      if (Date.now() > patience) throw new Error(`${person.name} hears nothing`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
