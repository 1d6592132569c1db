// An author's way: from an empty folder to an application that the enabler has.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { startIsthmus } from '../harness/isthmus.js';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const BINARY = process.env.ISTHMUS_BIN ?? path.join(ROOT, 'target/debug/isthmus');

describe('the author of an application', () => {
  let product;
  let folder;

  before(async () => {
    product = await startIsthmus();
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'author-'));
  });

  after(async () => {
    await product?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const app = (...words) => promisify(execFile)(BINARY, ['app', ...words], { cwd: folder });
  const server = () => `http://localhost:${product.ports.http}`;
  const retrieve = async (id) => {
    const answer = await fetch(`${server()}/mmtel-dcappmgmt/v1/dcapps/retrieval`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ reqId: 'example', dcAppNum: 1, appIdList: [id] }),
    });
    assert.equal(answer.status, 200);
    return answer.json();
  };

  it('begins, checks, packs and uploads, and uploads again', async () => {
    await app('new', 'hello', '--name', 'Hello');
    assert.match((await app('check', 'hello')).stdout, /^good: 3 files/m);
    await app('pack', 'hello', '-o', 'one.zip');
    await app('pack', 'hello', '-o', 'two.zip');
    assert.deepEqual(fs.readFileSync(path.join(folder, 'one.zip')), fs.readFileSync(path.join(folder, 'two.zip')));

    const { stdout } = await app('upload', 'hello', '--server', server());
    const id = /^configured: (\S+)$/m.exec(stdout)[1];
    const [profile] = (await retrieve(id)).dcAppInfoList;
    assert.equal(profile.appName, 'Hello');
    assert.equal(profile.appLoadPh, 'INCALL');
    assert.equal(profile.appPkg, undefined);

    const file = path.join(folder, 'hello/application.toml');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('version = "1.0.0"', 'version = "1.0.1"'));
    assert.match((await app('upload', 'hello', '--server', server())).stdout, new RegExp(`^updated: ${id}$`, 'm'));
    assert.equal((await retrieve(id)).dcAppInfoList[0].appVer, '1.0.1');
  });

  it('is told what is wrong, and uploads nothing that is', async () => {
    await app('new', 'bad');
    fs.appendFileSync(path.join(folder, 'bad/index.html'), '<script src="https://cdn.example/x.js"></script>');
    await assert.rejects(app('upload', 'bad', '--server', server()), ({ code, stdout }) => {
      assert.equal(code, 1);
      return /wrong: index\.html: loads «https:\/\/cdn\.example\/x\.js»/.test(stdout);
    });
    await assert.rejects(app('check', 'nowhere'), { code: 2 });
  });

  it('is told what the enabler refuses', async () => {
    await app('new', 'late');
    const file = path.join(folder, 'late/application.toml');
    fs.appendFileSync(file, 'valid_until = "2020-01-01T00:00:00Z"\n');
    await assert.rejects(app('upload', 'late', '--server', server()), ({ code, stderr }) => code === 2 && /appVal/.test(stderr));
    await assert.rejects(app('upload', 'late', '--server', 'http://127.0.0.1:1'), ({ code, stderr }) => code === 2 && /cannot be asked/.test(stderr));
  });
});
