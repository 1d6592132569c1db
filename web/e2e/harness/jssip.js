// JsSIP as a foreign WIC: in Node over a WebSocket of ours, and in a page over the browser's.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import WebSocket from 'ws';

const require = createRequire(import.meta.url);

/** JsSIP for Node. It asks for a global WebSocket; the laboratory's certificate is its own. */
export function jssipForNode() {
  globalThis.WebSocket = class extends WebSocket {
    constructor(url, protocol) {
      super(url, protocol, { rejectUnauthorized: false });
    }
  };
  return require('jssip');
}

/**
 * Opens the product's page with JsSIP in place of our own script: it passes the check of Origin as any WIC does that an
 * authorised WWSF has served. (A page that the test makes up is of no network, and may not open a WebSocket to this host.)
 */
export async function openJssipPage(browser, product) {
  const page = await browser.newPage();
  await page.setBypassCSP(true);
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    if (request.url().endsWith('/page/main.js')) void request.respond({ contentType: 'text/javascript', body: '' });
    else void request.continue();
  });
  await page.goto(product.address, { waitUntil: 'load' });
  await page.addScriptTag({ content: bundleForBrowser() });
  return page;
}

/** JsSIP and what it requires as one script: CommonJS modules, each in a function of its own. */
function bundleForBrowser() {
  const modules = new Map();
  const add = (file) => {
    if (modules.has(file)) return;
    modules.set(file, null);
    const source = fs.readFileSync(file, 'utf8');
    const links = {};
    for (const [, wanted] of source.matchAll(/\brequire\(['"]([^'"]+)['"]\)/g)) {
      const found = resolve(wanted, path.dirname(file));
      if (!found) continue;
      links[wanted] = found;
      add(found);
    }
    modules.set(file, { source, links });
  };
  const entry = require.resolve('jssip');
  add(entry);
  const parts = [...modules].map(
    ([file, { source, links }]) =>
      `${JSON.stringify(file)}: [${JSON.stringify(links)}, function (require, module, exports) {${file.endsWith('.json') ? `module.exports = ${source}` : source}\n}]`,
  );
  return `(() => {
    globalThis.process ??= { env: {} };
    const modules = {${parts.join(',\n')}};
    const made = {};
    const load = (file) => {
      if (made[file]) return made[file].exports;
      const module = (made[file] = { exports: {} });
      const [links, run] = modules[file];
      run((wanted) => load(links[wanted]), module, module.exports);
      return module.exports;
    };
    globalThis.JsSIP = load(${JSON.stringify(entry)});
  })();`;
}

/** Packages by their browser entry, if they have one. */
function resolve(wanted, folder) {
  if (wanted.startsWith('.')) return require.resolve(path.resolve(folder, wanted));
  try {
    const manifest = require.resolve(`${wanted}/package.json`, { paths: [folder] });
    const { browser, main = 'index.js' } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
    return require.resolve(path.join(path.dirname(manifest), typeof browser === 'string' ? browser : main));
  } catch {
    return undefined;
  }
}
