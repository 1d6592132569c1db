import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AkaCredential, akaV2Password } from '../lib/aka/aka-credential.js';
import { concat, fromBase64, readKey, toBase64, xor } from '../lib/aka/bytes.js';
import { Milenage } from '../lib/aka/milenage.js';
import { SoftwareIsim } from '../lib/aka/software-isim.js';
import { digestAuthorization, parseChallenge } from '../lib/sip/digest.js';
import { Message } from '../lib/sip/message.js';
import { HOME, phone, registered } from './support/phone.js';

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (data) => Buffer.from(data).toString('hex');

/** TS 35.208 §4.3: K, RAND, SQN, AMF, OP, OPc, f1, f1*, f2, f5, f3, f4, f5*. */
const SETS = [
  [
    '465b5ce8b199b49faa5f0a2ee238a6bc',
    '23553cbe9637a89d218ae64dae47bf35',
    'ff9bb4d0b607',
    'b9b9',
    'cdc202d5123e20f62b6d676ac72cb318',
    'cd63cb71954a9f4e48a5994e37a02baf',
    '4a9ffac354dfafb3',
    '01cfaf9ec4e871e9',
    'a54211d5e3ba50bf',
    'aa689c648370',
    'b40ba9a3c58b2a05bbf0d987b21bf8cb',
    'f769bcd751044604127672711c6d3441',
    '451e8beca43b',
  ],
  [
    'fec86ba6eb707ed08905757b1bb44b8f',
    '9f7c8d021accf4db213ccff0c7f71a6a',
    '9d0277595ffc',
    '725c',
    'dbc59adcb6f9a0ef735477b7fadf8374',
    '1006020f0a478bf6b699f15c062e42b3',
    '9cabc3e99baf7281',
    '95814ba2b3044324',
    '8011c48c0c214ed2',
    '33484dc2136b',
    '5dbdbb2954e8f3cde665b046179a5098',
    '59a92d3b476a0443487055cf88b2307b',
    'deacdd848cc6',
  ],
  [
    '9e5944aea94b81165c82fbf9f32db751',
    'ce83dbc54ac0274a157c17f80d017bd6',
    '0b604a81eca8',
    '9e09',
    '223014c5806694c007ca1eeef57f004f',
    'a64a507ae1a2a98bb88eb4210135dc87',
    '74a58220cba84c49',
    'ac2cc74a96871837',
    'f365cd683cd92e96',
    'f0b9c08ad02e',
    'e203edb3971574f5a94b0d61b816345d',
    '0c4524adeac041c4dd830d20854fc46b',
    '6085a86c6f63',
  ],
  [
    '4ab1deb05ca6ceb051fc98e77d026a84',
    '74b0cd6031a1c8339b2b6ce2b8c4a186',
    'e880a1b580b6',
    '9f07',
    '2d16c5cd1fdf6b22383584e3bef2a8d8',
    'dcf07cbd51855290b92a07a9891e523e',
    '49e785dd12626ef2',
    '9e85790336bb3fa2',
    '5860fc1bce351e7e',
    '31e11a609118',
    '7657766b373d1c2138f307e3de9242f9',
    '1c42e960d89b8fa99f2744e0708ccb53',
    'fe2555e54aa9',
  ],
  [
    '6c38a116ac280c454f59332ee35c8c4f',
    'ee6466bc96202c5a557abbeff8babf63',
    '414b98222181',
    '4464',
    '1ba00a1a7c6700ac8c3ff3e96ad08725',
    '3803ef5363b947c6aaa225e58fae3934',
    '078adfb488241a57',
    '80246b8d0186bcf1',
    '16c8233f05a0ac28',
    '45b0f69ab06c',
    '3f8c7587fe8e4b233af676aede30ba3b',
    'a7466cc1e6b2a1337d49d3b66e95d7b4',
    '1f53cd2b1113',
  ],
];

test('TS 35.208 §4.3: Milenage', async () => {
  assert.equal(SETS.length, 5);
  for (const set of SETS) {
    const [k, rand, sqn, amf, op, opc, ...wanted] = set.map(bytes);
    for (const milenage of [await Milenage.of(k, opc), await Milenage.fromOp(k, op)]) {
      const macs = await milenage.macs(rand, sqn, amf);
      const { res, ak } = await milenage.resAndAk(rand);
      const made = [macs.a, macs.s, res, ak, await milenage.ck(rand), await milenage.ik(rand), await milenage.akStar(rand)];
      assert.deepEqual(made.map(hex), wanted.map(hex), set[0]);
    }
  }
});

test('RFC 4169 §3: the password and the response, as two other implementations compute them', async () => {
  const [, , , , , , , , res, , ck, ik] = SETS[0].map(bytes);
  const password = await akaV2Password({ res, ik, ck });
  assert.equal(password, 'wpC+5dv/7kC35JEI2hluv8XcBd+vf8XcfedJBan1buk=');
  const challenge = parseChallenge(
    'Digest realm="home1.net", nonce="I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M=", algorithm=AKAv2-SHA-256, qop="auth"',
  );
  const value = await digestAuthorization(challenge, {
    username: 'user1_private@home1.net',
    password,
    method: 'REGISTER',
    uri: 'sip:home1.net',
    cnonce: '0a4f113b',
    count: 1,
  });
  const { params } = parseChallenge(value);
  assert.equal(params.get('response'), '0bf78effba6ba081a201ce2455a0ab7268a767d290d43deccfa55518cd8c0558');
  assert.equal(params.get('algorithm'), 'AKAv2-SHA-256');
});

test('a key is 32 hexadecimal digits', async () => {
  assert.equal(hex(readKey(` ${SETS[0][0].toUpperCase()}\n`)), SETS[0][0]);
  for (const wrong of ['', SETS[0][0].slice(1), `${SETS[0][0]}0`, 'g'.repeat(32)]) assert.equal(readKey(wrong), null, wrong);
  await assert.rejects(SoftwareIsim.of({ impi: 'a@x', k: 'short', opc: SETS[0][5] }), RangeError);
});

const IMPI = `alice@${HOME}`;
const K = SETS[0][0];
const OPC = SETS[0][5];

/** The home of alice's card: what it asks by, where its sequence stands, and what it makes of an answer. */
class Home {
  sqn = 32;

  static async of(k = K) {
    const home = new Home();
    home.milenage = await Milenage.of(bytes(k), bytes(OPC));
    return home;
  }

  /** A nonce that nobody has seen: RAND || AUTN (TS 33.102 §6.3.2). */
  async nonce(amf = '0000') {
    this.sqn += 33;
    this.rand = crypto.getRandomValues(new Uint8Array(16));
    const sqn = bytes(this.sqn.toString(16).padStart(12, '0'));
    const { ak } = await this.milenage.resAndAk(this.rand);
    const { a } = await this.milenage.macs(this.rand, sqn, bytes(amf));
    return toBase64(concat(this.rand, xor(sqn, ak), bytes(amf), a));
  }

  async challenge(request, { nonce, algorithm = 'AKAv2-SHA-256' } = {}) {
    const response = Message.responseTo(request, 401, 'Unauthorized', 'home');
    this.asked = nonce ?? (await this.nonce());
    response.add('WWW-Authenticate', `Digest realm="${HOME}", nonce="${this.asked}", algorithm=${algorithm}, qop="auth"`);
    return response;
  }

  /** Whether the answer is that of a card with our secret. */
  async knows(request) {
    const { params } = parseChallenge(request.get('Authorization'));
    const { res } = await this.milenage.resAndAk(this.rand);
    const [ck, ik] = [await this.milenage.ck(this.rand), await this.milenage.ik(this.rand)];
    const expected = await digestAuthorization(parseChallenge(`Digest realm="${HOME}", nonce="${this.asked}", algorithm=AKAv2-SHA-256, qop="auth"`), {
      username: IMPI,
      password: await akaV2Password({ res, ck, ik }),
      method: 'REGISTER',
      uri: request.uri,
      cnonce: params.get('cnonce'),
      count: Number.parseInt(params.get('nc'), 16),
    });
    return parseChallenge(expected).params.get('response') === params.get('response');
  }

  /** TS 33.102 §6.3.5: where the card says that it stands. */
  async resynchronise(auts) {
    const sqn = xor(auts.slice(0, 6), await this.milenage.akStar(this.rand));
    const { s } = await this.milenage.macs(this.rand, sqn, new Uint8Array(2));
    assert.equal(hex(s), hex(auts.slice(6)), 'MAC-S');
    this.sqn = Number.parseInt(hex(sqn), 16);
  }
}

/**
 * WebCrypto works beside the event loop: waits until the phone has said something or has given up.
 */
async function reaction({ wic, transport }) {
  for (let i = 0; i < 2000 && transport.sent.length === 0 && wic.status !== 'refused'; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function withCard({ k = K, sequence = 0, isim } = {}) {
  const card = isim ?? (await SoftwareIsim.of({ impi: IMPI, k, opc: OPC, sequence }));
  const made = await phone({ register: false, credential: new AkaCredential(card) });
  made.wic.on('failure', (failure) => (made.failure = failure));
  made.wic.start();
  const ask = async (home, request, how) => {
    await made.transport.deliver(await home.challenge(request, how));
    await reaction(made);
  };
  return { ...made, card, home: await Home.of(), made, ask };
}

const given = (request) => parseChallenge(request.get('Authorization')).params;

test('TS 24.371 §6.2.1.3: REGISTER says AKAv2-SHA-256 and no Security-Client, the card answers, and the 200 sets up nothing', async () => {
  const { wic, transport, clock, home, card, ask } = await withCard();
  const first = await transport.take('REGISTER');
  assert.equal(
    first.get('Authorization'),
    `Digest username="${IMPI}", realm="${HOME}", nonce="", uri="sip:${HOME}", response="", algorithm=AKAv2-SHA-256`,
  );
  assert.equal(first.get('Security-Client'), undefined);
  await ask(home, first);
  const second = await transport.take('REGISTER');
  assert.ok(await home.knows(second));
  assert.equal(second.get('Security-Client'), undefined);
  assert.equal(given(second).get('nc'), '00000001');
  await transport.deliver(registered(second, { expires: 1000 }));
  assert.equal(wic.status, 'registered');
  assert.equal(card.sequence, home.sqn);
  // A refresh uses the same challenge with the next count (RFC 3310 §3.3, RFC 7616 §3.4).
  await clock.advance(501_000);
  await reaction({ wic, transport });
  const refresh = await transport.take('REGISTER');
  assert.equal(given(refresh).get('nc'), '00000002');
  assert.ok(await home.knows(refresh));
  // The home may ask anew.
  await ask(home, refresh);
  assert.ok(await home.knows(await transport.take('REGISTER')));
  // What is no REGISTER goes without.
  wic.call('bob');
  assert.equal((await transport.take('INVITE')).get('Authorization'), undefined);
});

test('RFC 3310 §3.4: a home that is behind is told where the card stands', async () => {
  const { wic, transport, home, ask } = await withCard({ sequence: 5000 * 32 });
  await ask(home, await transport.take('REGISTER'));
  const failure = await transport.take('REGISTER');
  const auts = fromBase64(given(failure).get('auts'));
  assert.equal(auts.length, 14);
  assert.match(given(failure).get('response'), /^[0-9a-f]{64}$/);
  assert.ok(!(await home.knows(failure)));
  await home.resynchronise(auts);
  assert.equal(home.sqn, 5000 * 32);
  await ask(home, failure);
  const second = await transport.take('REGISTER');
  assert.ok(await home.knows(second));
  assert.ok(!given(second).has('auts'));
  await transport.deliver(registered(second));
  assert.equal(wic.status, 'registered');
});

test('a challenge that was seen before is not answered twice (TS 33.102 §6.3.3)', async () => {
  const { transport, home, card, ask } = await withCard();
  const nonce = await home.nonce();
  const [rand, autn] = [fromBase64(nonce).slice(0, 16), fromBase64(nonce).slice(16, 32)];
  assert.equal((await card.authenticate(rand, autn)).kind, 'response');
  await ask(home, await transport.take('REGISTER'), { nonce });
  assert.ok(given(await transport.take('REGISTER')).has('auts'));
});

test('TS 24.229 §5.1.1.5.3: a stranger gets an empty response, and after the second one nothing', async () => {
  const { wic, transport, made, ask } = await withCard();
  const stranger = await Home.of('1'.repeat(32));
  await ask(stranger, await transport.take('REGISTER'));
  const nothing = await transport.take('REGISTER');
  assert.equal(given(nothing).get('response'), '');
  assert.equal(given(nothing).get('nonce'), stranger.asked);
  await ask(stranger, nothing);
  await transport.nothing();
  assert.equal(wic.status, 'refused');
  assert.equal(made.failure.code, 'network_unproven');
});

test('nobody bids it down, and what is no challenge of AKA gets no answer', async () => {
  for (const algorithm of ['AKAv1-MD5', 'MD5', 'SHA-256']) {
    const { wic, transport, home, ask } = await withCard();
    await ask(home, await transport.take('REGISTER'), { algorithm });
    await transport.nothing();
    assert.equal(wic.status, 'refused', algorithm);
  }
  const { wic, transport, home, ask } = await withCard();
  await ask(home, await transport.take('REGISTER'), { nonce: 'bm8gY2hhbGxlbmdl' });
  assert.equal(wic.status, 'refused', 'a nonce that is too short');
});

test('an answer that the home finds wrong is not tried again', async () => {
  const { wic, transport, home, ask } = await withCard();
  await ask(home, await transport.take('REGISTER'));
  await ask(home, await transport.take('REGISTER'));
  await transport.nothing();
  assert.equal(wic.status, 'refused');
});

test('a card that was taken out ends it, with words', async () => {
  const isim = { impi: IMPI, homeDomain: HOME, impus: [`sip:${IMPI}`], authenticate: () => Promise.reject(new Error('no reader')) };
  const { wic, transport, home, made, ask } = await withCard({ isim });
  await ask(home, await transport.take('REGISTER'));
  assert.equal(wic.status, 'refused');
  assert.match(made.failure.message, /SIM did not answer/);
  assert.equal(made.failure.cause.message, 'no reader');
});
