import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Emitter } from '../lib/emitter.js';
import { FileChannel } from '../lib/data/file-channel.js';
import { Sha256 } from '../lib/data/sha256.js';

const hash = (data) => createHash('sha256').update(data).digest('hex');

test('SHA-256 in pieces of every size is SHA-256 (RFC 6234)', () => {
  assert.equal(new Sha256().update(new TextEncoder().encode('abc')).digest(), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  for (const size of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 100_003]) {
    const data = Uint8Array.from({ length: size }, (_, index) => (index * 31 + size) % 256);
    for (const piece of [1, 7, 64, 4096]) {
      if (size / piece > 5_000) continue;
      const sum = new Sha256();
      for (let at = 0; at < size; at += piece) sum.update(data.subarray(at, at + piece));
      assert.equal(sum.digest(), hash(data), `${size} in ${piece}`);
    }
  }
});

/** Two ends of a channel; what passes can be looked at, or spoilt. */
function pair(spoil = (data) => data) {
  const ends = [new Emitter(), new Emitter()];
  const said = [];
  ends.forEach((end, index) => {
    Object.assign(end, {
      readyState: 'open',
      drained: () => Promise.resolve(),
      send: (data) => {
        if (typeof data === 'string') said.push([index, JSON.parse(data).type]);
        const passed = spoil(data, index);
        if (passed !== null) queueMicrotask(() => ends[1 - index].emit('message', passed));
      },
    });
  });
  return { ends, said };
}

const ended = (transfer) =>
  new Promise((resolve) => {
    const look = () => transfer.state !== 'moving' && resolve(transfer);
    transfer.on('change', look);
    look();
  });

test('files arrive as they were, one after the other, both ways', async () => {
  const { ends, said } = pair();
  const [alice, bob] = ends.map((end) => new FileChannel(end));
  const came = [];
  bob.on('file', (transfer) => came.push(transfer));
  alice.on('file', (transfer) => came.push(transfer));
  const contents = [new Uint8Array(100_000).map((_, index) => index % 251), new Uint8Array(0), new Uint8Array(16_384)];
  const sent = contents.map((content, index) => alice.send(new Blob([content]), `/tmp/${index}.bin`));
  const back = bob.send(new Blob(['text']), 'C:\\papers\\\u0007note.txt');
  for (const transfer of [...sent, back]) assert.equal((await ended(transfer)).state, 'done');
  assert.deepEqual(came.map(({ name }) => name).sort(), ['0.bin', '1.bin', '2.bin', 'note.txt']);
  for (const [index, content] of contents.entries()) {
    const { blob } = came.find(({ name }) => name === `${index}.bin`);
    assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), content);
  }
  assert.deepEqual(said.filter(([from]) => from === 0).map(([, type]) => type), ['file', 'received', 'end', 'file', 'end', 'file', 'end']);
});

test('a file that changed on its way, or is larger than it said, is refused', async () => {
  for (const spoil of [
    (data) => (data.byteLength === 10 ? new ArrayBuffer(10) : data),
    (data) => (data.byteLength === 10 ? new ArrayBuffer(11) : data),
    (data) => (data.byteLength === 10 ? null : data),
  ]) {
    const { ends } = pair(spoil);
    const [alice, bob] = ends.map((end) => new FileChannel(end));
    let came;
    bob.on('file', (transfer) => {
      came = transfer;
    });
    const first = await ended(alice.send(new Blob(['0123456789']), 'x'));
    assert.equal(first.state, 'failed');
    assert.equal(came.state, 'failed');
    assert.equal(came.blob, null);
    // The next one has its turn.
    assert.equal((await ended(alice.send(new Blob(['fine']), 'y'))).state, 'done');
  }
});

test('a file that is too large is refused at once, and the sender stops', async () => {
  const { ends, said } = pair();
  const [alice, bob] = [new FileChannel(ends[0]), new FileChannel(ends[1], { most: () => 1_000 })];
  const came = [];
  bob.on('file', (transfer) => came.push(transfer.state));
  const large = alice.send(new Blob([new Uint8Array(10_000_000)]), 'large');
  assert.equal((await ended(large)).reason, 'the file is too large');
  assert.equal((await ended(alice.send(new Blob(['small']), 'small'))).state, 'done');
  assert.ok(large.moved < 10_000_000);
  assert.deepEqual(said.map(([, type]) => type), ['file', 'refused', 'abort', 'file', 'end', 'received']);
});

test('what is no message of files, and names that are none, do no harm', async () => {
  const { ends } = pair();
  const names = [];
  const bob = new FileChannel(ends[1]);
  bob.on('file', ({ name }) => names.push(name));
  for (const text of ['', 'x', '5', 'null', '[]', '{}', '{"type":"end"}', '{"type":"received"}', '{"type":"refused"}', '{"type":"abort"}', '{"type":"new"}', '{"type":"file","size":-1}', '{"type":"file","size":1e300}', '{"type":"file","size":"1"}']) {
    ends[1].emit('message', text);
  }
  ends[1].emit('message', new ArrayBuffer(8));
  assert.deepEqual(names, []);
  for (const name of ['../../etc/passwd', '..', '', '\u202efdp.exe', 'a/', 'x'.repeat(1_000)]) {
    ends[1].emit('message', JSON.stringify({ type: 'file', name, size: 0 }));
    ends[1].emit('message', JSON.stringify({ type: 'end', sha256: hash('') }));
  }
  assert.deepEqual(names, ['passwd', 'file', 'file', 'fdp.exe', 'file', 'x'.repeat(255)]);
});

test('a channel that closes has delivered nothing that was under way', async () => {
  const { ends } = pair((data) => (typeof data === 'string' && /"end"/.test(data) ? null : data));
  const [alice, bob] = ends.map((end) => new FileChannel(end));
  let came;
  bob.on('file', (transfer) => {
    came = transfer;
  });
  const [first, second] = [alice.send(new Blob(['x']), 'x'), alice.send(new Blob(['y']), 'y')];
  await new Promise((resolve) => setTimeout(resolve, 5));
  for (const end of ends) {
    end.readyState = 'closed';
    end.emit('close', null);
  }
  for (const transfer of [first, second, came]) assert.equal((await ended(transfer)).state, 'failed');
});
