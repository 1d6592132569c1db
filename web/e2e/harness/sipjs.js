// SIP.js as a foreign WIC: in Node over a WebSocket of ours, and in a page over the browser's.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import WebSocket from 'ws';

const require = createRequire(import.meta.url);
const FOLDER = path.join(path.dirname(require.resolve('sip.js/package.json')), 'lib');

/** SIP.js for Node. It asks for a global WebSocket; the laboratory's certificate is its own. */
export async function sipjsForNode() {
  globalThis.WebSocket = class extends WebSocket {
    constructor(url, protocol) {
      super(url, protocol, { rejectUnauthorized: false });
    }
  };
  return import('sip.js');
}

/** Opens the product's page with SIP.js in place of our own script, as `window.SIP`. */
export async function openSipjsPage(browser, product) {
  const page = await browser.newPage();
  await page.setBypassCSP(true);
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    const script = (body) => void request.respond({ contentType: 'text/javascript', body });
    if (pathname === '/page/main.js' || pathname.endsWith('/page/main.js')) script('');
    else if (pathname.startsWith('/sip.js/')) {
      script(fs.readFileSync(path.join(FOLDER, path.normalize(pathname.slice('/sip.js/'.length)))));
    } else void request.continue();
  });
  await page.goto(product.address, { waitUntil: 'load' });
  await page.evaluate(async () => {
    globalThis.SIP = await import('/sip.js/index.js');
  });
  return page;
}
