// The far end that does as a scenario says: SIPp, one call, on loopback.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { freePorts } from './ports.js';
import { answers, changes } from './sipp_changes.js';

const SCENARIOS = path.join(path.dirname(fileURLToPath(import.meta.url)), 'sipp');

/**
 * A far end with an address of record at a core.
 * @param {object} who
 * @param {string} who.aor       `sip:dave@domain`
 * @param {string} who.domain
 * @param {string} who.user      the user name of its digest credentials
 * @param {string} who.password
 * @param {string} who.core      `127.0.0.1:5060`
 */
export async function farEnd(who) {
  const [port] = await freePorts(1);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sipp-'));
  fs.writeFileSync(path.join(folder, 'tone.alaw'), alawTone({ hertz: 440, seconds: 10 }));
  const end = new FarEnd({ ...who, port, folder });
  await end.run('register').done;
  return end;
}

/**
 * A core that plays `core.xml`, each call of `calls` once.
 * @param {{calls: number}} how
 */
export async function sippCore({ calls }) {
  const [port] = await freePorts(1);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sipp-core-'));
  const errors = path.join(folder, 'errors');
  const words = [
    ...['-sf', path.join(SCENARIOS, 'core.xml')],
    ...['-i', '127.0.0.1', '-p', String(port), '-t', 'u1'],
    ...['-m', String(calls), '-nostdin', '-timeout', '25s', '-timeout_error'],
    ...['-trace_err', '-error_file', errors],
  ];
  const child = spawn('sipp', words, { stdio: 'ignore', cwd: folder });
  const done = once(child, 'exit').then(([code]) => {
    if (code === 0) return;
    const said = fs.existsSync(errors) ? fs.readFileSync(errors, 'utf8').slice(0, 5000) : '';
    throw new Error(`SIPp's core ended with ${code}\n${said}`);
  });
  done.catch(() => {}); // whoever waits for it is told
  return { port, done, stop: () => stop([child], folder) };
}

class FarEnd {
  constructor(who) {
    this.who = who;
    this.runs = [];
  }

  /** Its SIP port on 127.0.0.1. */
  get port() {
    return this.who.port;
  }

  /** Calls, and changes the call act by act; see `changes`. */
  change(target, acts) {
    const file = path.join(this.who.folder, 'changes.xml');
    fs.writeFileSync(file, changes(acts));
    return this.run('changes', { target, file });
  }

  /** Is called, and answers act by act; see `answers`. */
  answer(acts, asserted) {
    const file = path.join(this.who.folder, 'answers.xml');
    fs.writeFileSync(file, answers(acts, asserted));
    return this.run('answers', { file });
  }

  /** Plays a scenario once. `done` fails with SIPp's own words when it went another way. */
  run(scenario, { target = 'sip:nobody@invalid', file = path.join(SCENARIOS, `${scenario}.xml`) } = {}) {
    const { aor, domain, user, password, core, port, folder } = this.who;
    const errors = path.join(folder, `${scenario}.err`);
    const words = [
      ...['-sf', file],
      ...['-i', '127.0.0.1', '-p', String(port), '-t', 'u1'],
      ...['-m', '1', '-l', '1', '-nostdin', '-timeout', '60s', '-timeout_error'],
      ...['-trace_err', '-error_file', errors],
      ...['-au', user, '-ap', password],
      ...['-key', 'aor', aor, '-key', 'domain', domain],
      ...['-key', 'target', target],
      core,
    ];
    const child = spawn('sipp', words, { stdio: 'ignore', cwd: folder });
    this.runs.push(child);
    const done = once(child, 'exit').then(([code]) => {
      if (code === 0) return;
      const said = fs.existsSync(errors) ? fs.readFileSync(errors, 'utf8').slice(0, 3000) : '';
      throw new Error(`SIPp's scenario «${scenario}» ended with ${code}\n${said}`);
    });
    done.catch(() => {}); // whoever waits for it is told; nobody need
    return { done };
  }

  stop() {
    return stop(this.runs, this.who.folder);
  }
}

async function stop(children, folder) {
  for (const child of children) {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  }
  fs.rmSync(folder, { recursive: true, force: true });
}

/** A tone as G.711 A-law samples (ITU-T G.711), 8 kHz. */
function alawTone({ hertz, seconds }) {
  const bytes = Buffer.alloc(8000 * seconds);
  for (let at = 0; at < bytes.length; at += 1) {
    bytes[at] = alaw(Math.round(16000 * Math.sin((2 * Math.PI * hertz * at) / 8000)));
  }
  return bytes;
}

function alaw(sample) {
  const sign = sample >= 0 ? 0x80 : 0;
  const size = Math.min(Math.abs(sample) >> 4, 2047);
  let exponent = 0;
  while (size >> (exponent + 5) > 0 && exponent < 7) exponent += 1;
  const mantissa = exponent === 0 ? (size >> 1) & 0x0f : (size >> exponent) & 0x0f;
  return (sign | (exponent << 4) | mantissa) ^ 0x55;
}
