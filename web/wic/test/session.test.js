import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BearerCredential } from '../lib/credentials.js';
import { Failure } from '../lib/failure.js';
import { Session } from '../lib/session.js';
import { VirtualClock } from './support/clock.js';

const GIVEN = {
  access_token: 'a token',
  token_type: 'Bearer',
  expires_in: 20,
  renew_in: 10,
  impi: 'alice@ims.example',
  impus: ['sip:alice@ims.example'],
  display_name: 'Alice',
  home_domain: 'ims.example',
  w2: 'wss://ims.example/w2',
};

/**
 * A WWSF that gives these answers, one after the other, and keeps what it was asked.
 * @param {...[number, object]} answers
 */
function wwsf(...answers) {
  const asked = [];
  const fetch = async (url, init) => {
    asked.push({ url, init });
    const [status, body] = answers.shift();
    return new Response(JSON.stringify(body), { status });
  };
  return { fetch, asked };
}

test('a token comes with whose it is and when there can be another', async () => {
  const { fetch, asked } = wwsf([200, GIVEN]);
  const session = new Session('sid', { fetch });
  assert.deepEqual(await session.token(), { token: 'a token', expiresIn: 20, renewIn: 10 });
  assert.equal(session.account?.impi, 'alice@ims.example');
  assert.equal(asked[0].url, '/session/sid/token');
  assert.equal(asked[0].init.headers['X-Requested-With'], 'wic');
});

test('a guest gets a session, or hears that all lines are in use (TS 24.371 §6.2.3)', async () => {
  const { fetch, asked } = wwsf([200, { session: 'sid' }], [503, { error: 'pool_exhausted' }], [429, { error: 'too_many_guests' }], [502, 'no object']);
  const session = await Session.asGuest({ fetch });
  assert.equal(session.id, 'sid');
  assert.equal(asked[0].url, '/guest');
  assert.equal(asked[0].init.headers['X-Requested-With'], 'wic');
  await assert.rejects(Session.asGuest({ fetch }), { code: 'pool_exhausted', message: /in use/ });
  await assert.rejects(Session.asGuest({ fetch }), { code: 'too_many_guests', message: /many guests/ });
  await assert.rejects(Session.asGuest({ fetch }), { code: 'service_down' });
});

test('the ways in of guests and of SIMs are there only if the WWSF says so', async () => {
  const { fetch } = wwsf([200, { guests: true }], [200, { sims: { home_domain: 'ims.example.net', w2: 'wss://edge/w2' } }], [404, {}]);
  assert.deepEqual(await Session.ways({ fetch }), { guests: true, sims: null });
  assert.deepEqual(await Session.ways({ fetch }), { guests: false, sims: { homeDomain: 'ims.example.net', w2: 'wss://edge/w2' } });
  await assert.rejects(Session.ways({ fetch }), Failure);
});

test('a token is renewed when the WWSF has said that there can be another', async () => {
  const clock = new VirtualClock();
  let count = 0;
  const credential = new BearerCredential(async () => ({ token: `token${++count}`, expiresIn: 20, renewIn: 10 }), { clock });
  await credential.renew();
  await clock.advance(10_000);
  assert.equal(count, 1);
  await clock.advance(1_000);
  assert.equal(count, 2);
  credential.close();
});

test('a token that the network refused is not asked for again as it is', async () => {
  const said = [];
  const credential = new BearerCredential(async (refused) => {
    said.push(refused);
    return { token: `token${said.length}`, expiresIn: 300 };
  }, { clock: new VirtualClock() });
  await credential.renew();
  const challenge = { all: () => ['Bearer realm="ims", error="invalid_token"'] };
  assert.equal(await credential.challenged(/** @type {any} */ (challenge)), true);
  assert.deepEqual(said, [false, true]);
  credential.close();
});
