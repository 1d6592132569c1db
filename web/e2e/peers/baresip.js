// An ordinary SIP phone: Debian's baresip, in a folder of its own, on loopback, steered over its
// control port. It sends a tone and writes down what it hears.

import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { freePair, freePorts } from './ports.js';
import { loudness, tone } from './wav.js';

const MODULES = '/usr/lib/baresip/modules';

/**
 * Starts a phone.
 * @param {object} how
 * @param {string} how.uri          its address of record, `sip:carol@domain`
 * @param {string} [how.user]       the user name of its digest credentials
 * @param {string} [how.password]   their password
 * @param {string} [how.registrar]  `127.0.0.1:5060`; without one it does not register
 * @param {'udp'|'tcp'} [how.transport]
 * @param {'manual'|'auto'} [how.answer]
 * @param {boolean} [how.video]     VP8 with a moving test picture
 */
export async function startBaresip(how) {
  const { uri, user, password, registrar, transport = 'udp', answer = 'manual' } = how;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'baresip-'));
  const sip = await freePair();
  const [control] = await freePorts(1);
  const outbound = registrar ? `;outbound="sip:${registrar};transport=${transport}"` : '';
  const credentials = user ? `;auth_user=${user};auth_pass=${password}` : '';
  const registers = registrar ? ';regint=300' : ';regint=0';
  fs.writeFileSync(
    path.join(folder, 'accounts'),
    `<${uri};transport=${transport}>${credentials}${outbound}${registers};answermode=${answer}` +
      ';audio_codecs=pcma,pcmu\n',
  );
  fs.writeFileSync(path.join(folder, 'config'), configuration({ sip, control, folder, how }));
  fs.writeFileSync(path.join(folder, 'contacts'), '');
  fs.writeFileSync(path.join(folder, 'tone.wav'), tone({ hertz: 440, seconds: 60 }));
  const log = fs.openSync(path.join(folder, 'log'), 'a');
  const child = spawn('baresip', ['-f', folder], { stdio: ['ignore', log, log] });
  const phone = new Baresip(child, folder, sip);
  try {
    await phone.connect(control);
  } catch (error) {
    const said = phone.log();
    await phone.stop();
    throw new Error(`baresip did not start: ${error.message}\n${said}`);
  }
  return phone;
}

function configuration({ sip, control, folder, how }) {
  const lines = [
    `sip_listen 127.0.0.1:${sip}`,
    'net_interface 127.0.0.1',
    'rtp_ports 20000-29999',
    'rtp_timeout 0',
    `audio_source aufile,${folder}/tone.wav`,
    'audio_player aubridge,nobody',
    `snd_path ${folder}`,
    `ctrl_tcp_listen 127.0.0.1:${control}`,
    `module_path ${MODULES}`,
    'module g711.so',
    'module aufile.so',
    'module aubridge.so',
    'module sndfile.so',
    'module_app account.so',
    'module_app menu.so',
    'module_app ctrl_tcp.so',
  ];
  if (how.video) {
    lines.push(
      'module vp8.so',
      'module fakevideo.so',
      'video_source fakevideo,nil',
      'video_display fakevideo,nil',
      'video_size 320x240',
      'video_fps 15',
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A running phone. Emits every event of baresip's by its type, `REGISTER_OK` or `CALL_CLOSED`. */
class Baresip extends EventEmitter {
  constructor(child, folder, port) {
    super();
    this.child = child;
    this.folder = folder;
    /** Its SIP port on 127.0.0.1. */
    this.port = port;
    this.seen = [];
    this.waiting = new Map();
  }

  async connect(port) {
    const deadline = Date.now() + 40_000;
    for (;;) {
      if (this.child.exitCode !== null) throw new Error('it ended');
      const socket = net.connect(port, '127.0.0.1');
      try {
        await once(socket, 'connect');
        this.socket = socket;
        break;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    let pending = Buffer.alloc(0);
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        const colon = pending.indexOf(':');
        const length = Number(pending.subarray(0, Math.max(colon, 0)).toString());
        if (colon < 1 || pending.length < colon + length + 2) return;
        this.take(JSON.parse(pending.subarray(colon + 1, colon + 1 + length).toString()));
        pending = pending.subarray(colon + length + 2);
      }
    });
  }

  take(message) {
    if (message.event) {
      this.seen.push(message);
      this.emit(message.type, message);
      return;
    }
    this.waiting.get(message.token)?.(message);
    this.waiting.delete(message.token);
  }

  /** Gives a command of baresip's menu: `dial`, `accept`, `hangup`, `hold`, `resume`, … */
  command(command, params = '') {
    const token = String(Math.random());
    const text = JSON.stringify({ command, params, token });
    const reply = new Promise((resolve) => this.waiting.set(token, resolve));
    this.socket.write(`${Buffer.byteLength(text)}:${text},`);
    return reply;
  }

  /** Waits for an event, also one that came before. `test` may look at it. */
  async event(type, { within = 40_000, test = () => true } = {}) {
    const deadline = Date.now() + within;
    for (;;) {
      const at = this.seen.findIndex((event) => event.type === type && test(event));
      if (at >= 0) return this.seen.splice(at, 1)[0];
      if (Date.now() > deadline) {
        throw new Error(`baresip said no ${type} within ${within} ms\n${this.log()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Waits until the registrar took it; its event may come before anyone listens. */
  async registered(within = 40_000) {
    const deadline = Date.now() + within;
    while (!/200 OK .*\[\d+ binding/.test(this.log())) {
      if (Date.now() > deadline) throw new Error(`baresip did not register\n${this.log()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** How loud what it heard was: the root mean square, 0 to 1, of the newest recording. */
  heard() {
    const files = fs
      .readdirSync(this.folder)
      .filter((name) => name.endsWith('-dec.wav'))
      .map((name) => path.join(this.folder, name))
      .sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs);
    return files.length ? loudness(fs.readFileSync(files[0])) : 0;
  }

  log() {
    const file = path.join(this.folder, 'log');
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').slice(-3000) : '';
  }

  async stop() {
    this.socket?.destroy();
    if (this.child.exitCode === null) {
      const ended = once(this.child, 'exit');
      const hard = setTimeout(() => this.child.kill('SIGKILL'), 3_000);
      this.child.kill('SIGTERM');
      await ended;
      clearTimeout(hard);
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
