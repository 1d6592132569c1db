import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChallenge } from '../lib/sip/digest.js';
import { Message } from '../lib/sip/message.js';
import { Malformed } from '../lib/sip/malformed.js';
import { NameAddr } from '../lib/sip/name-addr.js';
import { Uri } from '../lib/sip/uri.js';

/** RFC 3665 §2.1 and RFC 4475 §3.1.1.1 gave the shapes; the text is our own. */
const INVITE = [
  'INVITE sip:bob@biloxi.example.com SIP/2.0',
  'Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK74bf9, SIP/2.0/UDP 192.0.2.1:5060 ;branch=z9hG4bKold',
  'f: "Alice \\"A\\" Liddell" <sip:alice@atlanta.example.com>;tag=9fxced76sl',
  't: Bob <sip:bob@biloxi.example.com>',
  'i: 3848276298220188511@atlanta.example.com',
  'CSeq: 1 INVITE',
  'Subject: folded',
  '  over two lines',
  'k: 100rel,',
  ' timer',
  'm: <sip:alice@x.invalid;transport=ws>;expires=60',
  'c: application/sdp',
  'l: 5',
  '',
  'v=0\r\nmore that Content-Length does not cover',
].join('\r\n');

test('compact forms, folding and lists are read', () => {
  const message = Message.parse(INVITE);
  assert.equal(message.method, 'INVITE');
  assert.equal(message.get('Call-ID'), '3848276298220188511@atlanta.example.com');
  assert.equal(message.get('subject'), 'folded over two lines');
  assert.deepEqual(message.values('Supported'), ['100rel', 'timer']);
  assert.ok(message.has('supported', 'TIMER'));
  assert.equal(message.via.branch, 'z9hG4bK74bf9');
  assert.equal(message.via.transport, 'WSS');
  assert.equal(message.values('Via').length, 2);
  assert.equal(message.address('From')?.name, 'Alice "A" Liddell');
  assert.equal(message.address('From')?.tag, '9fxced76sl');
  assert.equal(message.address('Contact')?.params.get('expires'), '60');
});

test('Content-Length cuts the body and a longer one is malformed', () => {
  assert.equal(Message.parse(INVITE).body, 'v=0\r\n');
  assert.throws(() => Message.parse(INVITE.replace('l: 5', 'l: 5000')), Malformed);
  assert.throws(() => Message.parse(INVITE.replace('l: 5', 'l: -1')), Malformed);
});

test('Content-Length counts bytes, not characters', () => {
  const message = Message.request('MESSAGE', 'sip:bob@example.com').setBody('text/plain', 'grüße');
  assert.match(message.toString(), /Content-Length: 7\r\n/);
});

test('a response copies what RFC 3261 §8.2.6 names and adds our tag', () => {
  const response = Message.responseTo(Message.parse(INVITE), 180, 'Ringing', 'mine');
  const read = Message.parse(response.toString());
  assert.equal(read.status, 180);
  assert.equal(read.values('Via').length, 2);
  assert.equal(read.address('To')?.tag, 'mine');
  assert.equal(read.address('From')?.tag, '9fxced76sl');
  assert.deepEqual(read.cseq, { number: 1, method: 'INVITE' });
});

test('messages that break the grammar are malformed, never an exception of another kind', () => {
  const broken = [
    '',
    'INVITE sip:bob@example.com SIP/2.0',
    'INVITE sip:bob@example.com SIP/2.0\r\n\r\n',
    INVITE.replace('SIP/2.0', 'SIP/3.0'),
    INVITE.replace('INVITE sip', 'INVITE  sip'),
    INVITE.replace('CSeq: 1 INVITE', 'CSeq: 1 BYE'),
    INVITE.replace('CSeq: 1 INVITE', 'CSeq: 99999999999 INVITE'),
    INVITE.replace('Subject: folded', 'no colon here'),
    'SIP/2.0 99 Too low\r\n' + INVITE.slice(INVITE.indexOf('\r\n') + 2),
    INVITE.replace('Subject: folded', `Subject: ${'x'.repeat(70_000)}`),
  ];
  for (const text of broken) assert.throws(() => Message.parse(text), Malformed, JSON.stringify(text.slice(0, 60)));
});

test('any cut or changed message is read or malformed', () => {
  let seed = 7;
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  for (let i = 0; i < 3000; i += 1) {
    const at = Math.floor(random() * INVITE.length);
    const text = i % 2 ? INVITE.slice(0, at) : INVITE.slice(0, at) + String.fromCharCode(Math.floor(random() * 128)) + INVITE.slice(at + 1);
    try {
      const message = Message.parse(text);
      Message.parse(message.toString());
      for (const name of ['From', 'To', 'Contact']) message.address(name);
      void message.via;
      void message.sdp;
    } catch (error) {
      assert.ok(error instanceof Malformed, `${error} for ${JSON.stringify(text)}`);
    }
  }
});

test('a header value cannot bring a header of its own', () => {
  const message = Message.request('MESSAGE', 'sip:bob@example.com').add('Subject', 'one\r\nEvil: two');
  assert.doesNotMatch(message.toString(), /^Evil:/m);
});

test('SDP is found inside a multipart body', () => {
  const message = Message.parse(INVITE);
  message.setBody(
    'multipart/mixed; boundary="b1"',
    '--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\n--b1\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b1--\r\n',
  );
  assert.equal(message.sdp, 'v=0\r\ns=-\r\n');
});

test('URIs: sip, tel and urn are read, printed and compared by what they name', () => {
  const cases = [
    ['sip:alice@Example.com:5060;transport=ws;lr?Subject=x', 'sip:alice@example.com'],
    ['sip:1234;phone-context=x@example.com', 'sip:1234;phone-context=x@example.com'],
    ['sip:[2001:db8::1]:5060', 'sip:[2001:db8::1]'],
    ['sips:bob@example.com', 'sips:bob@example.com'],
    ['tel:+1-201-555-0123', 'tel:+12015550123'],
    ['tel:7042;phone-context=example.com', 'tel:7042'],
    ['urn:service:SOS.police', 'urn:service:sos.police'],
  ];
  for (const [text, aor] of cases) {
    assert.equal(Uri.parse(text).toString(), text.startsWith('urn') ? text : text, text);
    assert.equal(Uri.parse(text).aor, aor, text);
  }
  for (const text of ['', 'sip:', 'alice', 'sip:a b@c', 'sip:a@', 'sip:a@b:99999', 'tel:abc-xyz', 'tel:']) {
    assert.throws(() => Uri.parse(text), Malformed, text);
  }
});

test('an address prints what it read', () => {
  assert.equal(NameAddr.parse('sip:a@b;tag=1').toString(), '<sip:a@b>;tag=1');
  assert.equal(NameAddr.parse('"A, B" <sip:a@b;lr>;+sip.instance="<urn:uuid:1>"').toString(), '"A, B" <sip:a@b;lr>;+sip.instance="<urn:uuid:1>"');
  assert.throws(() => NameAddr.parse('"open <sip:a@b>'), Malformed);
});

test('addresses, URIs and challenges of any letters are read or malformed, and what is read prints as it reads', () => {
  let seed = 99;
  const random = (below) => Math.floor(((seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31) * below);
  const pieces = ['sip:', 'tel:', 'urn:', 'a', 'bob', '@', '.', ':', '5060', ';', '=', '"', '\\\\', '<', '>', ',', ' ', '?', '%', '[::1]', '+1', 'lr', 'Digest '];
  for (let i = 0; i < 20_000; i += 1) {
    const text = Array.from({ length: 1 + random(9) }, () => pieces[random(pieces.length)]).join('');
    for (const parse of [Uri.parse, NameAddr.parse, parseChallenge]) {
      let read;
      try {
        read = parse(text);
      } catch (error) {
        assert.ok(error instanceof Malformed, `${error} for ${JSON.stringify(text)}`);
        continue;
      }
      if (parse === parseChallenge) continue;
      assert.equal(parse(read.toString()).toString(), read.toString(), JSON.stringify(text));
    }
  }
});
