// Schemathesis reads the OpenAPI documents that the enabler serves, and asks what follows from them: good bodies, bad
// ones, and ones that are nearly good. Whatever it asks, the answer is one that the document knows.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startFunction } from '../harness/isthmus.js';
import { freePorts } from '../peers/ports.js';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const PYTHON = process.env.FOREIGN_PYTHON ?? path.join(ROOT, 'target/foreign-python/bin/python');
const CHECKS = ['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_schema_conformance'];
/** How long the document is read and asked for, in seconds. */
const BUDGET = 30;
/** The API that needs nobody to call: an answer of the others depends on phones. */
const NAME = 'mmtel-dcappmgmt';

let product;
let origin;

before(async () => {
  const [https, http, admin] = await freePorts(3);
  const configuration = `data_dir = "@FOLDER@"
[admin]
listen = "127.0.0.1:${admin}"
[http]
listen = "127.0.0.1:${https}"
plain_listen = "127.0.0.1:${http}"
`;
  product = await startFunction('mmtel-es', configuration, admin);
  origin = `http://127.0.0.1:${http}`;
});

after(() => product?.stop());

/** Runs it, and says how it ended and all that it printed. */
function schemathesis(document, base, seconds) {
  const words = ['-m', 'schemathesis.cli', 'run', document, '--url', base, '--checks', CHECKS.join(',')];
  // The same questions in every run, but for how many there is time for.
  words.push('--phases', 'examples,coverage,fuzzing', '--seed', '29392', '--max-time', String(seconds));
  words.push('--suppress-health-check', 'all', '--no-color');
  const child = spawn(PYTHON, words, { cwd: product.folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      printed += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, printed }));
  });
}

test('every answer is one that the document knows', async () => {
  const { apis } = await (await fetch(`${origin}/openapi`)).json();
  const api = apis.find(({ name }) => name === NAME);
  const document = `${origin}/openapi/${api.name}`;
  const { code, printed } = await schemathesis(document, `${origin}/${api.name}/v1`, BUDGET);
  assert.equal(code, 0, printed.slice(-6000));
  assert.match(printed, /[1-9]\d* generated/, printed.slice(-2000));
});
