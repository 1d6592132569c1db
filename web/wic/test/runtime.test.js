import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';

import { Emitter } from '../lib/emitter.js';
import { unpack } from '../runtime/frame/archive.js';
import { fileOf, withAddresses, withSpecifiers } from '../runtime/frame/modules.js';
import { BootstrapHttp } from '../runtime/http.js';
import { hindrance, parseList } from '../runtime/list.js';
import { PackageCache, Repository } from '../runtime/repository.js';
import { ApplicationStorage } from '../runtime/storage.js';
import { Unverified, verify } from '../runtime/verify.js';

const octets = (text) => new Uint8Array(Buffer.from(text, 'latin1')).buffer;
const sha256 = (bytes) => crypto.createHash('sha256').update(Buffer.from(bytes)).digest('hex');

/** A channel whose other side is a function: of a request, the messages of its answer. */
class Channel extends Emitter {
  opened = Promise.resolve(this);
  asked = [];
  closed = false;

  constructor(answer) {
    super();
    this.answer = answer;
  }

  send(data) {
    const request = Buffer.from(data).toString('latin1');
    this.asked.push(request);
    for (const message of this.answer(request) ?? []) this.emit('message', typeof message === 'string' ? octets(message) : message);
  }

  close() {
    this.closed = true;
    this.emit('close', null);
  }
}

const ok = (body, more = '') => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

describe('HTTP over a bootstrap channel', () => {
  it('asks as UEs do: without Host, without Content-Length (TS 26.114 §6.2.10)', async () => {
    const channel = new Channel(() => [ok('x')]);
    await new BootstrapHttp(channel).get('/applications?appid=1', { ifNoneMatch: '"7"' });
    assert.deepEqual(channel.asked, ['GET /applications?appid=1 HTTP/1.1\r\nIf-None-Match: "7"\r\n\r\n']);
  });

  it('reads an answer in however many messages', async () => {
    const whole = ok('hello', 'ETag: "7"\r\n');
    for (const size of [1, 7, 40, 1000]) {
      const pieces = [];
      for (let at = 0; at < whole.length; at += size) pieces.push(whole.slice(at, at + size));
      const seen = [];
      const { status, headers, body } = await new BootstrapHttp(new Channel(() => pieces)).get('/', { progress: (...each) => seen.push(each) });
      assert.equal(status, 200);
      assert.equal(headers.get('etag'), '"7"');
      assert.equal(Buffer.from(body).toString(), 'hello');
      assert.deepEqual(seen.at(-1), [5, 5]);
    }
  });

  it('asks one at a time', async () => {
    const channel = new Channel(() => []);
    const http = new BootstrapHttp(channel);
    const both = [http.get('/a'), http.get('/b')];
    await Promise.resolve();
    await Promise.resolve();
    assert.equal(channel.asked.length, 1);
    channel.emit('message', octets(ok('a')));
    await both[0];
    assert.equal(channel.asked.length, 2);
    channel.emit('message', octets('HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n'));
    assert.equal((await both[1]).status, 304);
  });

  it('ends with what it cannot understand', async () => {
    for (const bad of [
      'HTTP/1.1 200 OK\r\n\r\nhello', 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n',
      'nonsense\r\n\r\n', 'HTTP/1.1 200 OK\r\nno header\r\n\r\n', 'x'.repeat(20_000), 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ]) {
      const channel = new Channel(() => [bad]);
      const http = new BootstrapHttp(channel);
      await assert.rejects(http.get('/'), TypeError, bad.slice(0, 50));
      assert.ok(channel.closed);
      await assert.rejects(http.get('/'));
    }
  });

  it('waits for no answer that never comes, and for one that comes slowly', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] });
    const slow = new Channel(() => []);
    const asked = new BootstrapHttp(slow).get('/');
    await Promise.resolve();
    await Promise.resolve();
    for (const piece of ok('ab').match(/[^]{1,10}/g)) {
      test.mock.timers.tick(29_000);
      slow.emit('message', octets(piece));
    }
    assert.equal(Buffer.from((await asked).body).toString(), 'ab');
    test.mock.timers.tick(60_000);
    assert.ok(!slow.closed, 'nobody waits any more');

    const silent = new Channel(() => []);
    const refused = assert.rejects(new BootstrapHttp(silent).get('/'), TypeError);
    await Promise.resolve();
    await Promise.resolve();
    test.mock.timers.tick(30_000);
    await refused;
    assert.ok(silent.closed);
  });

  it('asks for nothing that would be another request', async () => {
    const http = new BootstrapHttp(new Channel(() => []));
    await assert.rejects(http.get('/a b'), TypeError);
    await assert.rejects(http.get('/\r\nGET /b'), TypeError);
    await assert.rejects(http.get('/', { ifNoneMatch: 'a\r\nHost: b' }), TypeError);
  });

  it('ends with its channel', async () => {
    const channel = new Channel(() => []);
    const asked = new BootstrapHttp(channel).get('/');
    await Promise.resolve();
    channel.close();
    await assert.rejects(asked, { name: 'AbortError' });
  });
});

const entry = (more = {}) => ({ appid: 'board', appName: 'Board', etag: '"7"', phase: 'INCALL', supportScene: 3, ...more });
const listOf = (...applications) => JSON.stringify({ totalAppNum: applications.length, appNum: applications.length, beginIndex: 0, ifPeerSupportDC: true, applications });

describe('the list of applications', () => {
  it('is read as networks in the field write it', () => {
    const { applications: [one], peerHasDataChannels } = parseList(listOf(entry({ autolaunch: true, 'qos-hint': 'loss=0.0002;latency=600' })));
    assert.ok(peerHasDataChannels);
    assert.deepEqual([one.id, one.name, one.autoload, one.autolaunch, one.phase, one.qosHint], ['board', 'Board', true, true, 'INCALL', 'loss=0.0002;latency=600']);
    assert.deepEqual([one.validUntil, one.sha256, one.signature], [null, '', '']);
  });

  it('has nothing in it that would break SDP, a host’s name or the page', () => {
    const bad = [{ appid: 'a b' }, { appid: 'a\r\nb' }, { appid: '' }, { appid: 7 }, { appid: 'x'.repeat(200) }];
    assert.deepEqual(parseList(listOf(...bad.map(entry), null, 'x')).applications, []);
    const [one] = parseList(listOf(entry({ 'qos-hint': 'loss=1\r\na=x', appIcon: 'javascript:alert(1)', personalDataUrl: 'data:x', supportScene: 9, validUntil: 'never' }))).applications;
    assert.deepEqual([one.qosHint, one.icon, one.personalDataUrl, one.scenes, one.validUntil], ['', '', '', 3, null]);
    // Half a character could not be said in SDP; a whole one of two halves can.
    assert.deepEqual(parseList(listOf(entry({ appName: 'a\ud800b', appVer: '1' }), entry({ appid: 'whole', appName: '\u{1f3a8}' }))).applications.map(({ name }) => name), ['a\ufffdb', '\u{1f3a8}']);
    assert.deepEqual(parseList(listOf(entry({ version: '\udc001', provider: '\ud83d' }))).applications.map(({ version, provider }) => [version, provider]), [['\ufffd1', '\ufffd']]);
    assert.doesNotThrow(() => encodeURIComponent(parseList(listOf(entry({ appName: '\ud800' }))).applications[0].name));
    // A picture that is in the list itself needs no fetching; whatever else a `data:` could be is none.
    const icon = (appIcon) => parseList(listOf(entry({ appIcon }))).applications[0].icon;
    assert.equal(icon('data:image/png;base64,iVBORw0KGgo='), 'data:image/png;base64,iVBORw0KGgo=');
    assert.equal(icon('https://as.example/i.png'), 'https://as.example/i.png');
    for (const other of ['data:text/html;base64,PGI+', 'data:image/png,x', `data:image/png;base64,${'A'.repeat(20_000)}`]) assert.equal(icon(other), '');
    for (const none of ['', 'null', '[]', '{}', '{"applications":1}']) assert.throws(() => parseList(none), TypeError, none);
  });

  it('says when an application may be used', () => {
    const now = Date.parse('2027-01-01T00:00:00Z');
    const call = { established: true, video: false, peer: null, now };
    const why = (more, changes = {}) => hindrance(parseList(listOf(entry(more))).applications[0], { ...call, ...changes });
    assert.equal(why({}), '');
    assert.equal(why({ validUntil: '2027-01-01T00:00:00Z' }), 'over');
    assert.equal(why({ validUntil: '2027-01-01T00:00:01Z' }), '');
    assert.equal(why({ phase: 'PRECALL' }), 'phase');
    assert.equal(why({ phase: 'PRECALL' }, { established: false }), '');
    assert.equal(why({}, { established: false }), 'phase');
    assert.equal(why({ supportScene: 2 }), 'scene');
    assert.equal(why({ supportScene: 1 }, { video: true }), 'scene');
    assert.equal(why({}, { peer: false }), 'peer');
    assert.equal(why({ ifWorkWithoutPeerDC: true }, { peer: false }), '');
  });
});

describe('a repository', () => {
  it('gives the whole list, and a package once', async () => {
    const bytes = Buffer.from('a package');
    const all = Array.from({ length: 130 }, (_, index) => entry({ appid: `a${index}`, sha256: sha256(bytes) }));
    const channel = new Channel((request) => {
      const begin = Number(/begin-index=(\d+)/.exec(request)?.[1]);
      if (Number.isNaN(begin)) return [ok('a package')];
      const applications = all.slice(begin, begin + 100);
      return [ok(JSON.stringify({ totalAppNum: 130, beginIndex: begin, applications }))];
    });
    const repository = new Repository(channel, { cache: new PackageCache() });
    const { applications } = await repository.list();
    assert.equal(applications.length, 130);
    assert.equal(Buffer.from(await repository.package(applications[3])).toString(), 'a package');
    const asked = channel.asked.length;
    await repository.package(applications[3]);
    assert.equal(channel.asked.length, asked);
  });

  it('has an end, whatever a network says of how many there are', async () => {
    let asked = 0;
    const channel = new Channel(() => {
      const applications = Array.from({ length: 700 }, (_, index) => entry({ appid: `a${asked}-${index}` }));
      asked += 1;
      return [ok(JSON.stringify({ totalAppNum: 1e9, beginIndex: 0, applications }))];
    });
    assert.equal((await new Repository(channel).list()).applications.length, 1000);
    assert.equal(asked, 10);
  });

  it('gives nothing that is not what the list says', async () => {
    const application = parseList(listOf(entry({ sha256: sha256('another') }))).applications[0];
    await assert.rejects(new Repository(new Channel(() => [ok('a package')])).package(application), Unverified);
    await assert.rejects(new Repository(new Channel(() => ['HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'])).package(application), /403/);
  });

  it('does not keep packages without end', () => {
    const cache = new PackageCache(100);
    for (let index = 0; index < 5; index += 1) cache.put({ sha256: `${index}` }, new ArrayBuffer(40));
    assert.deepEqual([0, 1, 2, 3, 4].map((each) => cache.get({ sha256: `${each}` }) !== undefined), [false, false, false, true, true]);
  });
});

describe('the operator’s signature', () => {
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519');
  const key = publicKey.export({ format: 'jwk' }).x;
  const bytes = octets('a package');
  const sign = (id, hash) => crypto.sign(null, Buffer.from(`${id}\n${hash}\n`), privateKey).toString('base64url');
  const application = (more) => parseList(listOf(entry({ sha256: sha256(bytes), ...more }))).applications[0];

  it('is of one application and one package (RFC 8032)', async () => {
    await verify(bytes, application({ signature: sign('board', sha256(bytes)) }), key);
    await verify(bytes, application(), null);
    for (const signature of ['', 'AAAA', '!', sign('other', sha256(bytes)), sign('board', sha256('x'))]) {
      await assert.rejects(verify(bytes, application({ signature }), key), Unverified, signature);
    }
    await assert.rejects(verify(octets('another'), application(), null), Unverified);
    await assert.rejects(verify(bytes, application({ sha256: '' }), null), Unverified);
  });
});

/** A ZIP archive; `change` may spoil an entry's two headers. */
function archive(files, change = () => {}) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [name, content, method = 8] of files) {
    const packed = method === 8 ? zlib.deflateRawSync(content) : Buffer.from(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(zlib.crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(Buffer.byteLength(content), 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    change(common, name);
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), packed);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, tail, Buffer.from(name));
    at += 30 + Buffer.byteLength(name) + packed.length;
  }
  const all = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(all.length, 12);
  end.writeUInt32LE(at, 16);
  return new Uint8Array(Buffer.concat([...parts, all, end])).buffer;
}

describe('a package', () => {
  it('is unpacked', async () => {
    const files = await unpack(archive([['index.html', 'hello'], ['js/a.js', 'x'.repeat(1000)], ['stored.txt', 'as it is', 0]]));
    assert.deepEqual([...files.keys()], ['index.html', 'js/a.js', 'stored.txt']);
    assert.equal(Buffer.from(files.get('js/a.js')).toString(), 'x'.repeat(1000));
    assert.equal(Buffer.from(files.get('stored.txt')).toString(), 'as it is');
  });

  it('is refused when it is none, leads out, or is a bomb', async () => {
    const good = [['index.html', 'hello']];
    for (const [bytes, why] of [
      [new ArrayBuffer(0), /whole ZIP/],
      [octets('x'.repeat(500)), /whole ZIP/],
      [archive([['page.html', 'x']]), /no index/],
      [archive([...good, ['../x', 'x']]), /leads out/],
      [archive([...good, ['/x', 'x']]), /leads out/],
      [archive([...good, ['a/../../x', 'x']]), /leads out/],
      [archive([...good, ['a//x', 'x']]), /leads out/],
      [archive([...good, ['./x', 'x']]), /leads out/],
      [archive([...good, ['C:x', 'x']]), /leads out/],
      [archive([...good, ['a\0b', 'x']]), /leads out/],
      [archive([...good, ['../', '']]), /leads out/],
      [archive([...good, ['a\\b', 'x']]), /leads out/],
      [archive([...good, ['index.html', 'x']]), /two entries/],
      [archive(good, (head) => head.writeUInt32LE(3_000_000_000, 18)), /more than/],
      [archive([['index.html', 'x'.repeat(100_000)]], (head) => head.writeUInt32LE(10, 18)), /not as long/],
      [archive(good, (head) => head.writeUInt32LE(10, 18)), /not as long/],
      [archive(good, (head) => head.writeUInt16LE(1, 2)), /encrypted/],
      [archive(good, (head) => head.writeUInt16LE(12, 4)), /other than deflate/],
      [archive(good, (head) => head.writeUInt32LE(1e6, 14)), /whole ZIP/],
    ]) {
      await assert.rejects(unpack(bytes), { message: why });
    }
    const limits = { packed: 1e6, unpacked: 1e6, entries: 1 };
    await assert.rejects(unpack(archive([...good, ['a', 'b']]), limits), /more entries/);
    await assert.rejects(unpack(archive(good), { ...limits, packed: 10 }), /larger than/);
    // What it says of itself is believed only as far as there is room: all entries together, and each as it comes out.
    const zeros = Buffer.alloc(600_000);
    await assert.rejects(unpack(archive([...good, ['a', zeros], ['b', zeros]]), { ...limits, entries: 10 }), /more than/);
    const lies = (head, name) => name === 'index.html' || head.writeUInt32LE(1000, 18);
    await assert.rejects(unpack(archive([...good, ['a', zeros], ['b', zeros]], lies), { ...limits, entries: 10 }), /not as long/);
    // An archive within is a file like any other: nothing unpacks it.
    const nested = await unpack(archive([...good, ['more.zip', Buffer.from(archive([['a', zeros]]))]]), { ...limits, unpacked: 10_000, entries: 10 });
    assert.deepEqual([...nested.keys()], ['index.html', 'more.zip']);
    // Whatever is cut off or changed is refused or taken, and ends.
    const whole = new Uint8Array(archive([...good, ['a.js', 'y'.repeat(50)]]));
    for (let at = 0; at < whole.length; at += 3) {
      await unpack(whole.slice(0, at).buffer).catch((error) => assert.ok(error instanceof Error));
      const spoiled = whole.slice();
      spoiled[at] ^= 0x55;
      await unpack(spoiled.buffer).catch((error) => assert.ok(error instanceof Error));
    }
  });
});

describe('addresses in a package', () => {
  it('lead to its files', () => {
    assert.equal(fileOf('index.html', 'a.js'), 'a.js');
    assert.equal(fileOf('js/a.js', './b.js?v=1#x'), 'js/b.js');
    assert.equal(fileOf('js/a.js', '../lib/c%20d.js'), 'lib/c d.js');
    assert.equal(fileOf('js/a.js', '/c.js'), 'c.js');
    for (const out of ['https://x/a.js', '//x/a.js', 'data:x', '../../c.js', '', '#x']) assert.equal(fileOf('js/a.js', out), null, out);
  });

  it('are rewritten in modules where modules have them', () => {
    const text = (source) => withSpecifiers(source, 'js/a.js');
    assert.equal(text("import { b } from './b.js';"), "import { b } from 'package:/js/b.js';");
    assert.equal(text('import"../c.js"'), 'import"package:/c.js"');
    assert.equal(text("import b, { c as d } from './b.js'; import * as e from './e.js'"), "import b, { c as d } from 'package:/js/b.js'; import * as e from 'package:/js/e.js'");
    assert.equal(text("export * from './b.js'; export {\n  c,\n} from './c.js';"), "export * from 'package:/js/b.js'; export {\n  c,\n} from 'package:/js/c.js';");
    assert.equal(text("import d from './d.json' with { type: 'json' };"), "import d from 'package:/js/d.json';");
    assert.equal(text("const m = await import('./b.js');"), "const m = await import('package:/js/b.js');");
    for (const same of [
      "// import './b.js'", "/* import './b.js' */", "const s = \"import './b.js'\";", "const t = `import './b.js'`;", "x.import('./b.js')",
      "import x from 'bare'", "import 'https://x/y.js'", "const r = /import '.\\/b.js'/;", "reimport('./b.js')",
    ]) assert.equal(text(same), same, same);
  });

  it('are rewritten in styles', () => {
    const style = (source) => withAddresses(source, 'css/a.css', (file) => ({ 'img/x.png': 'blob:1', 'css/b.css': 'blob:2' })[file]);
    assert.equal(style("a { background: url('../img/x.png') }"), 'a { background: url("blob:1") }');
    assert.equal(style('a { background: url(../img/x.png) } @import "b.css";'), 'a { background: url("blob:1") } @import url("blob:2");');
    for (const same of ['url(data:x)', 'url(https://x/y.png)', '/* url(../img/x.png) */', 'url(other.png)']) assert.equal(style(same), same, same);
  });
});

describe('the storage of applications', () => {
  const cabinet = () => {
    const drawers = new Map();
    return {
      drawers,
      load: async (key) => structuredClone(drawers.get(key) ?? null),
      save: async (key, drawer) => void (drawer === null ? drawers.delete(key) : drawers.set(key, structuredClone(drawer))),
      keys: async () => [...drawers.keys()],
    };
  };
  const owner = { person: 'alice', provider: 'acme', id: 'board' };

  it('is one application’s, of one provider and one person', async () => {
    const storage = new ApplicationStorage(cabinet());
    const mine = storage.of(owner, null);
    await mine.set('a', { b: [1] });
    assert.deepEqual(await mine.get('a'), { b: [1] });
    assert.equal(await mine.get('constructor'), undefined);
    assert.deepEqual(await mine.keys(), ['a']);
    for (const other of [{ person: 'bob' }, { provider: 'evil' }, { id: 'other' }]) {
      assert.equal(await storage.of({ ...owner, ...other }, null).get('a'), undefined);
    }
    await mine.set('__proto__', 'x');
    assert.equal(await mine.get('__proto__'), 'x');
    await mine.delete('a');
    assert.deepEqual(await mine.keys(), ['__proto__']);
  });

  it('ends with the validity of the application', async () => {
    let now = 1000;
    const drawers = cabinet();
    const storage = new ApplicationStorage(drawers, () => now);
    await storage.of(owner, 2000).set('a', 1);
    await storage.of({ ...owner, id: 'other' }, null).set('a', 1);
    now = 2000;
    await storage.sweep();
    assert.equal(drawers.drawers.size, 1);
    assert.equal(await storage.of(owner, 3000).get('a'), undefined);
  });

  it('has an end', async () => {
    const mine = new ApplicationStorage(cabinet()).of(owner, null);
    const full = { name: 'QuotaExceededError' };
    await assert.rejects(mine.set('a', 'x'.repeat(300_000)), full);
    await Promise.all(Array.from({ length: 256 }, (_, index) => mine.set(`k${index}`, 'x')));
    await assert.rejects(mine.set('one more', 1), full);
    await mine.set('k0', 'another');
    await assert.rejects(mine.set('k1', undefined), { name: 'DataCloneError' });
    const large = new ApplicationStorage(cabinet()).of(owner, null);
    for (let index = 0; index < 16; index += 1) await large.set(`l${index}`, 'x'.repeat(250_000));
    await assert.rejects(large.set('l16', 'x'.repeat(250_000)), full);
  });
});
