// What another site can try with a browser that is signed in here, and what a stranger can try with a link.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';

import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';
import { openPage, Person, signIn } from '../harness/person.js';

describe('another site', () => {
  let product;
  let browser;
  let alice;
  let session;
  let evil;

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    alice = await signIn(browser, product, 'alice');
    session = await alice.page.evaluate(() => sessionStorage.getItem('session'));
    // The same machine by another name is another site, in the same browser, with all its cookies.
    evil = http.createServer((request, reply) => {
      reply.setHeader('Content-Type', 'text/html');
      reply.end('<!doctype html><title>A prize</title><body>');
    });
    await new Promise((resolve) => evil.listen(0, '127.0.0.1', resolve));
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
    evil?.close();
  });

  /** A tab with the other site in it. */
  async function lure() {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${evil.address().port}/`);
    return page;
  }

  it('opens no WebSocket of the edge’s (cross-site WebSocket hijacking)', async () => {
    const page = await lure();
    const open = (address) => page.evaluate((url) => new Promise((resolve) => {
      const socket = new WebSocket(url, 'sip');
      socket.onopen = () => resolve('open');
      socket.onerror = () => resolve('refused');
    }), address);
    const { https, http: plain } = product.ports;
    assert.equal(await open(`wss://localhost:${https}/w2`), 'refused');
    assert.equal(await open(`ws://localhost:${plain}/w2`), 'refused');
    await page.close();
    // The page itself does.
    const own = await alice.page.evaluate(() => window.watched.sockets.some(({ readyState }) => readyState === 1));
    assert.ok(own);
  });

  it('posts nothing that counts, and reads nothing (CSRF)', async () => {
    const page = await lure();
    const { https } = product.ports;
    const tried = await page.evaluate(async (base, sid) => {
      const results = [];
      for (const path of [`/session/${sid}/token`, `/session/${sid}/end`, '/guest']) {
        for (const init of [
          { method: 'POST', credentials: 'include' },
          { method: 'POST', credentials: 'include', mode: 'no-cors' },
          { method: 'POST', credentials: 'include', headers: { 'X-Requested-With': 'wic' } },
        ]) {
          const read = await fetch(base + path, init).then((reply) => reply.text(), () => 'refused');
          results.push(read);
        }
      }
      return results;
    }, `https://localhost:${https}`, session);
    for (const read of tried) assert.match(read, /^(refused|)$/);
    // A form, which needs nobody's leave to be sent.
    await Promise.all([
      page.waitForNavigation(),
      page.evaluate((action) => {
        const form = Object.assign(document.createElement('form'), { method: 'post', action });
        document.body.append(form);
        form.submit();
      }, `https://localhost:${https}/session/${session}/end`),
    ]);
    assert.match(await page.evaluate(() => document.body.textContent), /cross_site/);
    await page.close();
    assert.ok((await product.metric('wwsf_cross_site')) >= 1);
    const status = await alice.page.evaluate(async (sid) => {
      const reply = await fetch(`/session/${sid}/token`, { method: 'POST', headers: { 'X-Requested-With': 'wic' } });
      return reply.status;
    }, session);
    assert.equal(status, 200, 'alice is still signed in');
  });

  it('frames neither the phone nor the sign-in page (clickjacking)', async () => {
    const page = await lure();
    const { https } = product.ports;
    const away = await alice.page.evaluate(async () => (await fetch('/signin', { redirect: 'manual' })).type);
    assert.equal(away, 'opaqueredirect');
    for (const path of ['/', '/signin', '/oauth2/authorize?client_id=wwsf']) {
      await page.evaluate((src) => new Promise((resolve) => {
        document.body.replaceChildren();
        const frame = document.createElement('iframe');
        frame.onload = resolve;
        frame.src = src;
        document.body.append(frame);
      }), `https://localhost:${https}${path}`);
      const inside = await Promise.all(page.frames().slice(1).map((frame) => frame.evaluate(() => document.querySelector('button') !== null).catch(() => false)));
      assert.ok(inside.every((found) => !found), path);
    }
    await page.close();
  });

  it('gives nobody a session by a link (session fixation)', async () => {
    // Another person's browser: no cookies in common.
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    const victim = new Person(page, 'a victim', product);
    await page.goto(`${product.address}#session=${session}`, { waitUntil: 'load' });
    await victim.hears(/signed out/i);
    assert.ok(await victim.sees('Sign in'));
    assert.equal(await page.evaluate(() => location.hash), '', 'the link leaves nothing behind');
    // Nor does the answer to a sign-in that a stranger began.
    const stranger = await openPage(browser, product, 'a stranger');
    await stranger.press('Sign in');
    await stranger.fill('User name', 'bob');
    await stranger.fill('Password', product.passwords().bob);
    let link = '';
    await stranger.page.setRequestInterception(true);
    stranger.page.on('request', (request) => {
      if (new URL(request.url()).pathname !== '/signed-in') return void request.continue();
      link = request.url();
      return void request.abort();
    });
    await stranger.press('Sign in');
    while (link === '') await new Promise((resolve) => setTimeout(resolve, 50));
    await page.goto(link, { waitUntil: 'load' });
    await victim.hears(/Signing in did not work/);
    assert.equal(await page.evaluate(() => sessionStorage.getItem('session')), null);
    await stranger.page.close();
    await context.close();
  });

  it('is sent nobody by the sign-in page (open redirect)', async () => {
    const page = await browser.newPage();
    const { https } = product.ports;
    const elsewhere = `http://127.0.0.1:${evil.address().port}/`;
    for (const redirect of [elsewhere, `//127.0.0.1:${evil.address().port}/`, 'javascript:alert(1)', `https://localhost@127.0.0.1:${evil.address().port}/signed-in`]) {
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: 'wwsf',
        redirect_uri: redirect,
        state: 's',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      });
      const reply = await page.goto(`https://localhost:${https}/oauth2/authorize?${query}`, { waitUntil: 'load' });
      assert.equal(reply.status(), 400, redirect);
      assert.equal(new URL(page.url()).port, String(https));
    }
    await page.close();
  });
});
