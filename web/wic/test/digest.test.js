import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { chooseChallenge, digestAuthorization, digestResponse, parseChallenge } from '../lib/sip/digest.js';
import { md5 } from '../lib/sip/md5.js';

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const ascii = (text) => new TextEncoder().encode(text);

test('RFC 1321 §A.5: the test suite of MD5', () => {
  const vectors = {
    '': 'd41d8cd98f00b204e9800998ecf8427e',
    a: '0cc175b9c0f1b6a831c399e269772661',
    abc: '900150983cd24fb0d6963f7d28e17f72',
    'message digest': 'f96b697d7cb7938d525a2f31aaf161d0',
    abcdefghijklmnopqrstuvwxyz: 'c3fcd3d76192e4007dfb496cca67e13b',
    ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789: 'd174ab98d277d9f5a5611c2c9f419d9f',
    '12345678901234567890123456789012345678901234567890123456789012345678901234567890': '57edf4a22be3c955ac49da2e2107b67a',
  };
  for (const [text, digest] of Object.entries(vectors)) assert.equal(hex(md5(ascii(text))), digest, text);
});

test('MD5 equals another implementation at every length round the block size', () => {
  for (let length = 0; length < 200; length += 1) {
    const data = new Uint8Array(length).map((_, i) => (i * 31 + length) & 255);
    assert.equal(hex(md5(data)), createHash('md5').update(data).digest('hex'), `length ${length}`);
  }
});

/** RFC 7616 §3.9.1. */
const MUFASA = {
  username: 'Mufasa',
  realm: 'http-auth@example.org',
  password: 'Circle of Life',
  method: 'GET',
  uri: '/dir/index.html',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  nc: '00000001',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  qop: 'auth',
};

test('RFC 7616 §3.9.1: MD5 and SHA-256', async () => {
  assert.equal(await digestResponse({ ...MUFASA, algorithm: 'MD5' }), '8ca523f5e9506fed4657c9700eebdbec');
  assert.equal(
    await digestResponse({ ...MUFASA, algorithm: 'SHA-256' }),
    '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
  );
});

test('RFC 2617 §3.5, and without qop as RFC 2069 servers want it', async () => {
  const input = {
    username: 'Mufasa',
    realm: 'testrealm@host.com',
    password: 'Circle Of Life',
    method: 'GET',
    uri: '/dir/index.html',
    nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
  };
  assert.equal(
    await digestResponse({ ...input, qop: 'auth', nc: '00000001', cnonce: '0a4f113b' }),
    '6629fae49393a05397450978507c4ef1',
  );
  const ha1 = hex(md5(ascii('Mufasa:testrealm@host.com:Circle Of Life')));
  const ha2 = hex(md5(ascii('GET:/dir/index.html')));
  assert.equal(await digestResponse(input), hex(md5(ascii(`${ha1}:${input.nonce}:${ha2}`))));
});

test('the first challenge that can be answered is chosen (RFC 8760 §2.3)', () => {
  const chosen = chooseChallenge([
    'Bearer realm="x", scope="y"',
    'Digest realm="x", nonce="1", algorithm=SHA-512-256, qop="auth"',
    'Digest realm="x", nonce="2", algorithm=SHA-256, qop="auth-int"',
    'Digest realm="x, y", nonce="3", algorithm=SHA-256, qop="auth,auth-int"',
    'Digest realm="x", nonce="4"',
  ]);
  assert.equal(chosen?.params.get('nonce'), '3');
  assert.equal(chosen?.params.get('realm'), 'x, y');
  assert.equal(chooseChallenge(['Bearer realm="x"']), undefined);
});

test('an Authorization value carries what the challenge had', async () => {
  const challenge = parseChallenge('Digest realm="ims", nonce="n\\"1", opaque="o", algorithm=MD5, qop="auth"');
  const value = await digestAuthorization(challenge, {
    username: 'alice@ims',
    password: 'secret',
    method: 'REGISTER',
    uri: 'sip:ims',
    cnonce: 'c',
    count: 10,
  });
  const { params } = parseChallenge(value);
  assert.equal(params.get('nc'), '0000000a');
  assert.equal(params.get('nonce'), 'n"1');
  assert.equal(params.get('opaque'), 'o');
  assert.match(value, /qop=auth, nc=0000000a/);
});
