// Runs the tests of this folder, or the files named: three at a time, each in a process of its own.
//
// Browsers, phones and cores that are not ours share a few processors, and now and then one of them
// stumbles over the others. So a file that failed is run once more with nothing beside it. What
// fails then has failed; what passes then is named at the end as unsteady, with what it said the
// first time above. More than a few failures are no stumbling: they get no second try.

import fs from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { tap } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const FOLDER = path.join(path.dirname(fileURLToPath(import.meta.url)), 'test');
const SECOND_TRIES = 3;
/** Of one file, in milliseconds. */
const PATIENCE = 400_000;

/** Runs these files, prints what happens with `heard` over it, and gives those in which something failed. */
async function failing(files, concurrency, heard = (line) => line) {
  const failed = new Set();
  const events = run({ files, concurrency, timeout: PATIENCE });
  events.on('test:fail', ({ file, name, todo }) => {
    if (todo === undefined) failed.add(file ?? name);
  });
  for await (const line of events.compose(tap)) process.stdout.write(heard(line));
  return [...failed];
}

function everyTest() {
  const names = fs.readdirSync(FOLDER).filter((name) => name.endsWith('.test.js'));
  return names.sort().map((name) => path.join(FOLDER, name));
}

const named = process.argv.slice(2).map((name) => path.resolve(name));
const files = named.length > 0 ? named : everyTest();
// «not ok» is the last word on a test.
const first = await failing(files, 3, (line) =>
  line.replace(/^( *)not ok/gm, '$1not yet ok'),
);
const few = first.length <= SECOND_TRIES && first.every((file) => files.includes(file));
const tried = few ? first : [];
if (tried.length > 0) console.log('# once more, one at a time');
const second = tried.length > 0 ? await failing(tried, 1) : first;
const short = (file) => path.basename(file);
for (const file of tried.filter((file) => !second.includes(file))) {
  console.log(`# UNSTEADY ${short(file)}: failed beside others, passed alone`);
}
for (const file of second) console.log(`not ok - ${short(file)}`);
process.exitCode = second.length > 0 ? 1 : 0;
