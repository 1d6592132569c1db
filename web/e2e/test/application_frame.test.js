// What an application finds in its frame, and every way out of it that it may try.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';

import { openBench, packFiles } from '../harness/applications.js';
import { startChromium } from '../harness/chromium.js';
import { startIsthmus } from '../harness/isthmus.js';

const page = (script, body = '') => ({ 'index.html': `<!doctype html><title>A</title><body>${body}<script src="a.js"></script>`, 'a.js': script });

describe('the frame of an application', () => {
  let product;
  let browser;
  let bench;
  let site;
  let trap;
  /** Everything that reached a server that nobody should reach. */
  const caught = [];

  before(async () => {
    product = await startIsthmus();
    browser = await startChromium();
    site = `http://app-{id}.localhost:${product.ports.http}`;
    trap = http.createServer((request, reply) => {
      caught.push(request.url);
      reply.setHeader('Access-Control-Allow-Origin', '*');
      reply.end('caught');
    });
    trap.on('connection', () => caught.push('a connection'));
    await new Promise((resolve) => trap.listen(0, '127.0.0.1', resolve));
    bench = await openBench(browser, `http://localhost:${product.ports.http}/`);
  });

  after(async () => {
    await browser?.close();
    await product?.stop();
    trap?.close();
  });

  it('shows a page whose scripts, modules, styles and pictures are files of the package', async () => {
    const bytes = packFiles({
      'index.html': `<!doctype html><html lang="de"><head><title>A</title><link rel="stylesheet" href="css/a.css">
        <script src="first.js"></script><script type="module" src="js/main.js"></script></head>
        <body class="x"><h1>Hello</h1><img id="dot" src="img/dot.svg" alt=""><script>window.order.push('inline');</script></body></html>`,
      'first.js': 'window.order = ["first"]; addEventListener("load", () => order.push("load"));',
      'js/main.js': `// import x from './not-there.js';
        import { word } from '../lib/word.js';
        import data from './data.json' with { type: 'json' };
        window.order.push('module', word, data.n);
        const later = await import('./later.js');
        window.order.push(later.default);`,
      'js/later.js': 'export default "later";',
      'js/data.json': '{"n":1}',
      'lib/word.js': 'import { deep } from "./deep.js"; export const word = deep + "!";',
      'lib/deep.js': 'export const deep = "deep";',
      'css/a.css': '@import "more.css"; h1 { background: url(../img/dot.svg) }',
      'css/more.css': 'h1 { color: rgb(1, 2, 3) }',
      'img/dot.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"><circle r="3"/></svg>',
    });
    await bench.run('page', bytes, { site });
    const frame = await bench.shown('page');
    await frame.waitForFunction(() => window.order.length === 7);
    const seen = await frame.evaluate(() => {
      const h1 = document.querySelector('h1');
      return {
        order: window.order,
        color: getComputedStyle(h1).color,
        background: getComputedStyle(h1).backgroundImage.startsWith('url("blob:'),
        width: document.querySelector('#dot').naturalWidth,
        lang: document.documentElement.lang,
        body: document.body.className,
        application: { ...application, storage: typeof application.storage },
        origin: window.origin,
      };
    });
    assert.deepEqual(seen.order.slice(0, 5), ['first', 'inline', 'module', 'deep!', 1]);
    assert.deepEqual(seen.order.slice(5).sort(), ['later', 'load']);
    assert.deepEqual([seen.color, seen.background, seen.width, seen.lang, seen.body], ['rgb(1, 2, 3)', true, 7, 'de', 'x']);
    assert.equal(seen.application.id, 'page');
    assert.equal(seen.application.launchedBy, 'local');
    assert.equal(seen.origin, 'null');
  });

  it('lets nothing out', async () => {
    const script = `
      const OUT = 'http://127.0.0.1:${trap.address().port}';
      const tries = {
        fetch: () => fetch(OUT + '/fetch'),
        request: () => { const x = new XMLHttpRequest(); x.open('GET', OUT + '/xhr'); x.send(); },
        socket: () => new WebSocket(OUT.replace('http', 'ws') + '/socket'),
        events: () => new EventSource(OUT + '/events'),
        beacon: () => { if (!navigator.sendBeacon(OUT + '/beacon', 'x')) throw new Error('no'); },
        transport: () => new WebTransport('https://127.0.0.1:1/'),
        worker: () => new Worker(URL.createObjectURL(new Blob(['fetch("' + OUT + '/worker")']))),
        shared: () => new SharedWorker(URL.createObjectURL(new Blob(['1']))),
        service: () => navigator.serviceWorker.register('/x.js'),
        native: () => { if (/native code/.test(RTCPeerConnection.toString())) return; throw new Error('no'); },
        prefixed: () => new webkitRTCPeerConnection(),
        image: () => load('img', OUT + '/image'),
        script: () => load('script', OUT + '/script'),
        video: () => load('video', OUT + '/video'),
        own: () => load('script', location.origin === 'null' ? new URL('/wic/page/main.js', location.href).href : '/wic/page/main.js'),
        css: () => { const s = document.createElement('style'); s.textContent = '@import url(' + OUT + '/css); body { background: url(' + OUT + '/bg) }'; document.body.append(s); throw new Error('looked at by what is caught'); },
        link: () => { const l = document.createElement('link'); l.rel = 'dns-prefetch'; l.href = OUT; document.head.append(l); },
        preconnect: () => { const l = document.createElement('link'); l.rel = 'preconnect'; l.href = OUT; document.head.appendChild(l); },
        prefetch: () => { document.body.insertAdjacentHTML('beforeend', '<link rel=prefetch href=' + OUT + '/prefetch>'); },
        form: () => { const f = document.createElement('form'); f.action = OUT + '/form'; document.body.append(f); f.submit(); },
        formAsked: () => { const f = document.createElement('form'); f.action = OUT + '/form'; document.body.append(f); f.requestSubmit(); throw new Error('looked at by what is caught'); },
        formHidden: () => { const d = document.createElement('div'); document.body.append(d); const f = document.createElement('form'); f.action = OUT + '/form'; d.attachShadow({ mode: 'closed' }).append(f); f.requestSubmit(); throw new Error('looked at by what is caught'); },
        popup: () => { if (!window.open(OUT + '/popup')) throw new Error('no'); },
        anchor: () => { const a = document.createElement('a'); a.href = OUT + '/anchor'; a.target = '_blank'; a.ping = OUT + '/ping'; document.body.append(a); a.click(); throw new Error('looked at by what is caught'); },
        top: () => { top.location = OUT + '/top'; },
        parentDocument: () => parent.document.title,
        parentStorage: () => parent.sessionStorage.getItem('session'),
        storage: () => localStorage.setItem('a', 'b'),
        session: () => sessionStorage.getItem('session'),
        cookie: () => { document.cookie = 'a=b'; if (!document.cookie) throw new Error('no'); },
        database: () => new Promise((resolve, reject) => { const r = indexedDB.open('x'); r.onsuccess = resolve; r.onerror = reject; }),
        caches: () => caches.open('x'),
        camera: () => navigator.mediaDevices.getUserMedia({ audio: true }),
        place: () => new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject)),
        frameElement: () => { const f = document.createElement('iframe'); document.body.append(f); return f.contentWindow.RTCPeerConnection; },
        frameBefore: () => { const f = document.createElement('iframe'); document.body.insertBefore(f, null); return f.contentWindow.fetch; },
        frameMarkup: () => { document.body.insertAdjacentHTML('beforeend', '<iframe></iframe>'); return frames[0].RTCPeerConnection; },
        frameInner: () => { const d = document.createElement('div'); document.body.append(d); d.innerHTML = '<p><iframe srcdoc=x></iframe></p>'; return frames[0].fetch; },
        frameSvg: () => { const s = document.createElementNS('http://www.w3.org/2000/svg', 'svg'); document.body.append(s); s.innerHTML = '<style><desc><iframe></iframe></desc></style>'; if (frames.length === 0) throw new Error('no'); },
        frameSet: () => { const s = document.createElement('frameset'); s.innerHTML = '<frame>'; document.body = s; if (frames.length === 0) throw new Error('no'); },
        frameParsed: () => { const t = new DOMParser().parseFromString('<table><caption><iframe></iframe></caption></table>', 'text/html'); const table = document.createElement('table'); document.body.append(table); table.caption = t.querySelector('caption'); if (frames.length === 0) throw new Error('no'); },
        frameFragment: () => { document.body.append(document.createRange().createContextualFragment('<object data="about:blank"></object>')); return frames[0].fetch; },
        frameTemplate: () => { const t = document.createElement('template'); t.innerHTML = '<div><iframe></iframe></div>'; document.body.append(t.content.cloneNode(true)); return frames[0].fetch; },
        frameShadow: () => { const d = document.createElement('div'); document.body.append(d); d.attachShadow({ mode: 'open' }).innerHTML = '<iframe></iframe>'; if (frames.length === 0) throw new Error('no'); },
        frameUnsafe: () => { document.body.setHTMLUnsafe('<iframe></iframe>'); },
        frameWrite: () => { document.write('<iframe></iframe>'); },
        frameCommand: () => { document.body.contentEditable = true; document.body.focus(); if (!document.execCommand('insertHTML', false, '<iframe></iframe>') || frames.length === 0) throw new Error('no'); },
        frameRange: () => { const r = document.createRange(); r.selectNodeContents(document.body); r.insertNode(document.createElement('iframe')); return frames[0].fetch; },
        embed: () => { document.body.append(Object.assign(document.createElement('embed'), { src: OUT + '/embed' })); },
        evaluated: () => eval('1'),
        made: () => new Function('return 1')(),
        inline: () => { const s = document.createElement('script'); s.textContent = 'window.inlined = true'; document.body.append(s); if (!window.inlined) throw new Error('no'); },
        base: () => { const b = document.createElement('base'); b.href = OUT; document.head.append(b); },
        refresh: () => { const m = document.createElement('meta'); m.httpEquiv = 'refresh'; m.content = '0;url=' + OUT + '/refresh'; document.head.append(m); },
      };
      function load(name, address) {
        return new Promise((resolve, reject) => {
          const e = document.createElement(name);
          e.onload = e.onloadeddata = () => resolve();
          e.onerror = () => reject(new Error('no'));
          e.src = address;
          document.body.append(e);
          setTimeout(() => reject(new Error('silence')), 1000);
        });
      }
      window.done = (async () => {
        const out = [];
        for (const [name, attempt] of Object.entries(tries)) {
          const patience = new Promise((_, reject) => setTimeout(reject, 1500));
          try { await Promise.race([attempt(), patience]); out.push(name); } catch {}
          console.log('tried', name);
        }
        return out;
      })();
      addEventListener('load', () => done.then((out) => { window.out = out; }));`;
    await bench.run('hostile', packFiles(page(script)), { site });
    const frame = await bench.shown('hostile');
    await frame.waitForFunction(() => window.out !== undefined);
    assert.deepEqual(await frame.evaluate(() => window.out), []);
    assert.equal(await frame.evaluate(() => frames.length), 0);
    assert.deepEqual(caught, []);
    // Its own RTCPeerConnection is the phone's.
    assert.equal(await frame.evaluate(() => RTCPeerConnection.name), 'RTCPeerConnection');
  });

  it('goes nowhere else', async () => {
    const address = `http://127.0.0.1:${trap.address().port}/elsewhere?secret`;
    const ways = {
      location: `location.href = '${address}';`,
      anchor: `const a = document.createElement('a'); a.href = '${address}'; document.body.append(a); a.click();`,
      download: `const a = document.createElement('a'); a.href = '${address}'; a.download = 'x'; document.body.append(a); a.click();`,
    };
    for (const [name, way] of Object.entries(ways)) {
      await bench.run(name, packFiles(page(`addEventListener('load', () => setTimeout(() => { ${way} }));`)), { site });
      await bench.page.waitForFunction((each) => window.bench.frames[each].state === 'running', {}, name);
    }
    // It is stopped before it is asked for; the frame says no more, and can be closed. (Chromium may connect before it looks at
    // the page's policy; nothing is said over that connection.)
    await bench.page.waitForFunction(() => window.bench.hung.location === true);
    assert.deepEqual(caught.filter((each) => each !== 'a connection'), []);
    await bench.page.evaluate((names) => names.forEach((each) => window.bench.frames[each].close()), Object.keys(ways));
    assert.equal(await bench.closed('location'), '');
  });

  it('keeps what one application keeps from all others', async () => {
    const keeper = packFiles(page(`
      addEventListener('load', async () => {
        const before = await application.storage.get('word');
        await application.storage.set('word', application.name);
        window.result = [before ?? null, await application.storage.get('word'), await application.storage.keys()];
        window.quota = await application.storage.set('long', 'x'.repeat(300000)).catch(({ name }) => name);
      });`));
    const result = async (name, options) => {
      await bench.run(name, keeper, { site, ...options });
      const frame = await bench.shown(name);
      await frame.waitForFunction(() => window.quota !== undefined);
      const seen = await frame.evaluate(() => [...window.result, window.quota]);
      await bench.page.evaluate((each) => window.bench.frames[each].close(), name);
      return seen;
    };
    assert.deepEqual(await result('one', { id: 'a' }), [null, 'one', ['word'], 'QuotaExceededError']);
    assert.deepEqual(await result('again', { id: 'a' }), ['one', 'again', ['word'], 'QuotaExceededError']);
    assert.equal((await result('other', { id: 'b' }))[0], null);
    assert.equal((await result('provider', { id: 'a', provider: 'evil' }))[0], null);
    assert.equal((await result('person', { id: 'a', person: 'bob' }))[0], null);
    // What was valid until a moment ago is forgotten.
    await result('brief', { id: 'c', validUntil: Date.now() - 1 });
    assert.equal((await result('later', { id: 'c' }))[0], null);
  });

  it('runs several side by side, which talk to the other party alone', async () => {
    const talker = packFiles(page(`
      const connection = new RTCPeerConnection();
      connection.ondatachannel = ({ channel }) => use(channel);
      if (application.launchedBy === 'local') use(connection.createDataChannel('words'));
      window.heard = [];
      function use(channel) {
        channel.onmessage = ({ data }) => heard.push(data);
        const hello = () => channel.send('hello from ' + application.name);
        if (channel.readyState === 'open') hello(); else channel.onopen = hello;
      }`));
    // The other party's comes first: it is there when the channel is offered.
    for (const [name, options] of Object.entries({
      theirs: { id: 'talk', side: 'there', launchedBy: 'remote' },
      bystander: { id: 'other', side: 'there', launchedBy: 'remote' },
    })) {
      await bench.run(name, talker, { site, ...options });
      await bench.shown(name);
    }
    const associate = (name) => bench.page.waitForFunction((each) => {
      const { frames } = window.bench;
      return frames[each].state === 'running';
    }, {}, name);
    await associate('theirs');
    const theirs = await bench.shown('theirs');
    // Associated is who has asked for it.
    await theirs.evaluate(() => new RTCPeerSignallingService().associate());
    await bench.run('ours', talker, { id: 'talk', site });
    const ours = await bench.shown('ours');
    await ours.waitForFunction(() => window.heard.length === 1);
    await theirs.waitForFunction(() => window.heard.length === 1);
    assert.deepEqual(await ours.evaluate(() => window.heard), ['hello from theirs']);
    assert.deepEqual(await theirs.evaluate(() => window.heard), ['hello from ours']);
    assert.deepEqual(await (await bench.shown('bystander')).evaluate(() => window.heard), []);
  });

  it('can be closed whatever it does, and the page goes on', async () => {
    await bench.run('loop', packFiles(page("addEventListener('load', () => setTimeout(() => { for (;;); }));")), { site });
    await bench.page.waitForFunction(() => window.bench.hung.loop === true, { timeout: 60_000 });
    // The page is not in that loop.
    const late = await bench.page.evaluate(async () => {
      const begun = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 50));
      return performance.now() - begun;
    });
    assert.ok(late < 1000, `${late} ms`);
    await bench.page.evaluate(() => window.bench.frames.loop.close());
    assert.equal(await bench.page.$('#frame-loop'), null);

    await bench.run('flood', packFiles(page("for (let i = 0; i < 100000; i++) top.postMessage('x', '*');")), { site });
    await bench.page.waitForFunction(() => window.bench.closed.flood === 'flood');

    const flood = "addEventListener('load', () => { for (let i = 0; i < 100000; i++) application.storage.get('x'); });";
    await bench.run('storm', packFiles(page(flood)), { site });
    await bench.page.waitForFunction(() => window.bench.closed.storm === 'flood');

    const giant = "addEventListener('load', () => { for (let i = 0; i < 200000; i++) document.body.append(document.createElement('p')); });";
    await bench.run('giant', packFiles(page(giant)), { site });
    await bench.shown('giant');
    await bench.page.evaluate(() => window.bench.frames.giant.close());
    assert.equal(await bench.page.$('#frame-giant'), null);
  });

  it('shows a developer what an application does', async () => {
    await bench.run('talky', packFiles(page("console.log('here', { a: 1 }); addEventListener('load', () => { new Image().src = 'http://127.0.0.1:1/x'; nothing(); });")), { site });
    await bench.shown('talky');
    await bench.page.waitForFunction(() => window.bench.traces.talky.some(({ kind }) => kind === 'blocked'));
    const traces = await bench.traces('talky');
    const of = (kind) => traces.filter((each) => each.kind === kind).map(({ text }) => text);
    assert.match(of('console')[0], /^log here \{"a":1\}$/);
    assert.match(of('fault').join(), /nothing is not defined/);
    assert.match(of('blocked').join(), /img-src/);
  });

  it('runs no package that is not one', async () => {
    const index = packFiles(page(''));
    for (const [name, bytes, why] of [
      ['empty', Buffer.alloc(0), /whole ZIP/],
      ['noise', Buffer.from('no archive at all, whatever it is called'), /whole ZIP/],
      ['cut', index.subarray(0, index.length - 30), /whole ZIP/],
      ['traversal', Buffer.from(index.toString('latin1').replaceAll('a.js', '../j'), 'latin1'), /leads out/],
      ['nameless', Buffer.from(index.toString('latin1').replaceAll('index.html', 'other.html'), 'latin1'), /no index\.html/],
      ['bomb', bomb(), /more than a package|not as long/],
    ]) {
      await bench.run(name, bytes, { site });
      await bench.page.waitForFunction((each) => window.bench.closed[each] !== undefined, {}, name);
      assert.match(await bench.closed(name), why, name);
    }
    function bomb() {
      // The directory says that it unpacks to 3 GB.
      const bytes = Buffer.from(index);
      bytes.writeUInt32LE(3_000_000_000, bytes.indexOf('PK\x01\x02', 0, 'latin1') + 24);
      return bytes;
    }
  });

  it('runs on the page’s own site where there is no other', async () => {
    await bench.run('guest', packFiles(page("window.seen = [window.origin, frames.length];")));
    const frame = await bench.shown('guest');
    assert.deepEqual(await frame.evaluate(() => window.seen), ['null', 0]);
    const reached = await frame.evaluate(() => {
      try {
        return parent.document.title;
      } catch ({ name }) {
        return name;
      }
    });
    assert.equal(reached, 'SecurityError');
  });
});

describe('the site of an application', () => {
  let product;

  before(async () => {
    product = await startIsthmus();
  });

  after(() => product?.stop());

  it('has the frame, and nothing else', async () => {
    const ask = (path) => new Promise((resolve, reject) => {
      const headers = { Host: `app-x.localhost:${product.ports.http}` };
      http.get({ host: '127.0.0.1', port: product.ports.http, path, headers }, (reply) => {
        reply.resume();
        resolve(reply);
      }).on('error', reject);
    });
    const frame = await ask('/wic/runtime/frame.html');
    assert.equal(frame.statusCode, 200);
    assert.match(frame.headers['content-security-policy'], /^default-src 'none'; script-src 'nonce-/);
    assert.equal(frame.headers['cache-control'], 'no-store');
    for (const path of ['/', '/signin', '/wic/page/main.js', '/ways']) {
      assert.equal((await ask(path)).statusCode, 421, path);
    }
    // The nonce is another one each time.
    const [one, two] = [frame, await ask('/wic/runtime/frame.html')].map(({ headers }) => headers['content-security-policy']);
    assert.notEqual(one, two);
  });
});
