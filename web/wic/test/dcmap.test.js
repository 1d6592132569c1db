import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applicationOf, formatReqApp } from '../lib/data/application.js';
import { formatDcmap, parseDcmap } from '../lib/data/dcmap.js';
import { readData, withChannels, withoutData } from '../lib/data/sdp.js';

const USUAL = { id: 0, label: '', protocol: '', ordered: true, maxRetransmits: null, maxPacketLifeTime: null, priority: 256 };

/** RFC 8864 §5.1.9 gave the shapes. */
test('a=dcmap is read in all its forms', () => {
  const read = (value) => parseDcmap(value);
  assert.deepEqual(read('0'), USUAL);
  assert.deepEqual(read(' 0 subprotocol="http"'), { ...USUAL, protocol: 'http' });
  assert.deepEqual(read('1 subprotocol="bfcp";max-time=60000;priority=512'), { ...USUAL, id: 1, protocol: 'bfcp', maxPacketLifeTime: 60_000, priority: 512 });
  assert.deepEqual(read('3 label="Label 1";ordered=false;max-retr=5'), { ...USUAL, id: 3, label: 'Label 1', ordered: false, maxRetransmits: 5 });
  assert.deepEqual(read('4 label="foo%09bar";ordered=true'), { ...USUAL, id: 4, label: 'foo\tbar' });
  assert.deepEqual(read('5 label="a;b=%22c%22"; unheard-of=yes'), { ...USUAL, id: 5, label: 'a;b="c"' });
  assert.equal(read('6 label="%E2%98%8E"')?.label, '☎');
});

test('a=dcmap that describes no channel is none', () => {
  for (const value of [
    '', 'x', '65535', '100000', '1 label=', '1 label="a', '1 label="%"', '1 label="%4"', '1 label="%ff"', '1 ordered=perhaps', '1 max-retr=-1',
    '1 max-retr=1;max-time=1', '1 max-time=99999999999', '1 priority=65536', '1 priority=', '1 nonsense', '1 label="%+4"',
  ]) {
    const map = parseDcmap(value);
    assert.ok(map === null || (value === '1 label=' && map.label === ''), `${value}: ${JSON.stringify(map)}`);
  }
});

test('what is written is read back, whatever the names are', () => {
  let seed = 1;
  const random = (most) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % most;
  };
  const alphabet = ['a', 'Z', '"', '%', ';', '=', ' ', '\\', '\r', '\n', '\0', 'ü', '☎', '😀', '/', '~', '\u007f', '\ufeff'];
  const name = () => Array.from({ length: random(8) }, () => alphabet[random(alphabet.length)]).join('');
  for (let i = 0; i < 2_000; i += 1) {
    const limit = random(3);
    const channel = {
      id: random(65_535),
      label: name(),
      protocol: name(),
      ordered: random(2) === 0,
      maxRetransmits: limit === 1 ? random(65_536) : null,
      maxPacketLifeTime: limit === 2 ? random(65_536) : null,
      priority: random(65_536),
    };
    const written = formatDcmap(channel);
    assert.match(written, /^[\x20-\x7e]+$/);
    assert.deepEqual(parseDcmap(written), channel, written);
  }
});

test('garbage in a=dcmap throws nothing', () => {
  let seed = 7;
  const letters = '0123456789 ;="%abclmotrx-\t\0ü';
  for (let i = 0; i < 5_000; i += 1) {
    let text = '';
    for (let n = 0; n < 24; n += 1) {
      seed = (seed * 48_271) % 2_147_483_647;
      text += letters[seed % letters.length];
    }
    for (const value of [text, `7 ${text}`, `7 label="${text}`]) assert.ok(parseDcmap(value) === null || parseDcmap(value).id <= 65_534);
  }
});

test('a=3gpp-req-app says which application a channel is of, and who is at its other end (TS 26.114 §6.2.10)', () => {
  const channels = [
    { id: 1000, application: { id: 'menu', endpoint: 'server' } },
    { id: 1002, application: { id: 'board', endpoint: 'ue' } },
    { id: 1004, application: null },
    { id: 1006, application: { id: 'menu', endpoint: 'ue' } },
  ];
  const written = formatReqApp(channels);
  assert.deepEqual(written, ['menu;adc-stream-id-endpoint=1000:Server,1006:UE', 'board;adc-stream-id-endpoint=1002:UE']);
  for (const { id, application } of channels) assert.deepEqual(applicationOf(written, id), application);
  // As others write it: no ids, quotes, blanks, other parameters.
  assert.deepEqual(applicationOf(['"x" app-dc-status=1; ADC-stream-id-endpoint=SERVER'], 7), { id: 'x', endpoint: 'server' });
  assert.deepEqual(applicationOf(['x'], 7), { id: 'x', endpoint: 'ue' });
  for (const value of ['', ';', 'a"b', '\0', `${'x'.repeat(200)};adc-stream-id-endpoint=7:UE`]) assert.equal(applicationOf([value], 7), null, value);
});

const SDP = [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=sctp-port:5000', 'a=dcmap:1000 label="one"', 'a=dcsa:1000 accept-types:text/plain', 'a=dcsa:1002 nobody', 'a=dcmap:1004 label="x"',
  'a=dcmap:1004 label="y"', 'a=dcmap:70000', 'a=3gpp-req-app:app;adc-stream-id-endpoint=1000:UE', 'm=video 9 UDP/TLS/RTP/SAVPF 96', '',
].join('\r\n');

test('the channels of a description are read with what is said of them', () => {
  const data = readData(SDP);
  assert.deepEqual([...data.channels.keys()], [1000], 'neither an impossible one nor one that is there twice');
  assert.deepEqual(data.channels.get(1000).attributes, ['accept-types:text/plain']);
  assert.deepEqual(data.applications, ['app;adc-stream-id-endpoint=1000:UE']);
  assert.equal(data.refused, false);
  assert.equal(readData('v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n'), null);
  assert.equal(readData(withoutData(SDP)).refused, true);
});

test('the m-line of data channels is found in its older forms too, and the one that is not refused first', () => {
  for (const line of ['m=application 9 TCP/DTLS/SCTP webrtc-datachannel', 'm=application 9 DTLS/SCTP 5000']) {
    assert.equal(readData(`v=0\r\n${line}\r\na=dcmap:2\r\n`)?.channels.size, 1, line);
  }
  assert.equal(readData('v=0\r\nm=application 9 UDP/BFCP *\r\n'), null);
  const two = 'v=0\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=dcmap:8\r\n';
  assert.deepEqual([...readData(two).channels.keys()], [8]);
  assert.match(withChannels(two, ['dcmap:9']), /dcmap:8\r\na=dcmap:9\r\n$/);
});

test('channels go into their own m-line, and nothing else changes', () => {
  const bare = SDP.replace(/^a=(dcmap|dcsa|3gpp).*\r\n/gm, '');
  const written = withChannels(bare, ['dcmap:1000', 'dcsa:1000 x']);
  assert.equal(written, bare.replace('sctp-port:5000\r\n', 'sctp-port:5000\r\na=dcmap:1000\r\na=dcsa:1000 x\r\n'));
  assert.equal(withoutData(bare), bare.replace('m=application 9', 'm=application 0'));
});
