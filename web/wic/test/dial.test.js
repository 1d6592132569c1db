import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialled, spoken } from '../lib/dial.js';
import { isEmergency } from '../lib/emergency.js';
import { Failure } from '../lib/failure.js';
import { directions, requestEdgeProtection } from '../lib/media/sdp.js';
import { Session } from '../lib/session.js';
import { Uri } from '../lib/sip/uri.js';

test('what is typed becomes an address', () => {
  const cases = {
    bob: 'sip:bob@home.example',
    ' Bob ': 'sip:bob@home.example',
    'bob@other.example': 'sip:bob@other.example',
    'sip:bob@other.example;user=phone': 'sip:bob@other.example;user=phone',
    '+1 (555) 010-1': 'tel:+15550101',
    7042: 'tel:7042;phone-context=home.example',
    'tel:+1-555-0101': 'tel:+1-555-0101',
    '*21#': 'tel:*21#;phone-context=home.example',
  };
  for (const [typed, uri] of Object.entries(cases)) assert.equal(dialled(typed, 'home.example').toString(), uri);
  for (const typed of ['', '  ', 'two words', 'a@b@c', 'sip:', '<script>']) {
    assert.throws(() => dialled(typed, 'home.example'), (error) => error instanceof Failure && error.code === 'bad_number', typed);
  }
});

test('an address is said as people say it', () => {
  assert.equal(spoken(Uri.parse('sip:bob@home.example')), 'bob');
  assert.equal(spoken(Uri.parse('sip:bob%20b@home.example')), 'bob b');
  assert.equal(spoken(Uri.parse('tel:+1-555-0101')), '+15550101');
  assert.equal(spoken(Uri.parse('sip:anonymous@anonymous.invalid')), 'Hidden number');
});

test('emergency numbers and services are known in every form, and others are not', () => {
  for (const uri of ['tel:112', 'tel:9-1-1', 'sip:112@home.example;user=phone', 'urn:service:sos', 'urn:service:sos.ambulance']) {
    assert.ok(isEmergency(Uri.parse(uri)), uri);
  }
  for (const uri of ['tel:1125', 'tel:+15550112', 'sip:bob@112.example', 'urn:service:sosx', 'urn:service:counseling']) {
    assert.ok(!isEmergency(Uri.parse(uri)), uri);
  }
  assert.ok(isEmergency(Uri.parse('tel:117'), ['117']));
});

test('3ge2ae is asked for RTP over DTLS, once an m-line, and for nothing else (TS 24.371 §7.2.2)', () => {
  const sdp = [
    'v=0', 's=-', 'm=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=mid:1',
    'm=video 0 UDP/TLS/RTP/SAVPF 96', 'a=mid:2', '',
  ].join('\r\n');
  assert.deepEqual(requestEdgeProtection(sdp).split('\r\n'), [
    'v=0', 's=-', 'm=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:0', 'a=3ge2ae:requested', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'a=mid:1', 'm=video 0 UDP/TLS/RTP/SAVPF 96', 'a=mid:2', 'a=3ge2ae:requested', '',
  ]);
});

test('directions come from the m-line or else the session, and port 0 has none', () => {
  const sdp = 'v=0\r\na=inactive\r\nm=audio 9 X 0\r\nm=video 9 X 0\r\na=sendonly\r\nm=video 0 X 0\r\na=sendrecv\r\n';
  assert.deepEqual(directions(sdp, 'audio'), ['inactive']);
  assert.deepEqual(directions(sdp, 'video'), ['sendonly']);
});

test('W1: the session asks with its own header and knows when it is over', async () => {
  const asked = [];
  let status = 200;
  const session = new Session('s/1', {
    fetch: async (url, options) => {
      asked.push([url, options.method, options.headers['X-Requested-With'], options.credentials]);
      const body = { access_token: 't', token_type: 'Bearer', expires_in: 300, impi: 'a@h', impus: ['sip:a@h'], display_name: 'A', home_domain: 'h', w2: 'wss://h/w2' };
      return new Response(JSON.stringify(body), { status });
    },
  });
  assert.deepEqual(await session.token(), { token: 't', expiresIn: 300 });
  assert.deepEqual(asked, [['/session/s%2F1/token', 'POST', 'wic', 'same-origin']]);
  assert.equal(session.account?.homeDomain, 'h');
  status = 401;
  await assert.rejects(session.token(), { code: 'signed_out' });
  status = 502;
  await assert.rejects(session.token(), { code: 'service_down' });
});
