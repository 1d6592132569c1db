import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DigestCredential } from '../lib/credentials.js';
import { Failure } from '../lib/failure.js';
import { parseChallenge } from '../lib/sip/digest.js';
import { Message } from '../lib/sip/message.js';
import { HOME, phone, registered } from './support/phone.js';

test('a REGISTER carries the token, the instance and what we support (TS 24.371 §6.2.2, RFC 5626 §4.2)', async () => {
  const { wic, transport } = await phone({ register: false });
  wic.start();
  const request = await transport.take('REGISTER');
  assert.equal(request.uri, `sip:${HOME}`);
  assert.equal(request.get('Authorization'), 'Bearer token1');
  const contact = request.address('Contact');
  assert.equal(contact?.params.get('reg-id'), '1');
  assert.equal(contact?.params.get('+sip.instance'), '<urn:uuid:00000000-0000-4000-8000-000000000001>');
  assert.equal(contact?.params.get('expires'), '600000');
  assert.match(contact?.uri.toString() ?? '', /^sip:\w+@\w+\.invalid;transport=ws$/);
  for (const option of ['path', 'outbound', 'gruu']) assert.ok(request.has('Supported', option));
  assert.equal(request.via.transport, 'WSS');
  await transport.deliver(registered(request));
  assert.equal(wic.status, 'registered');
  assert.deepEqual(wic.registration.identities, [`sip:alice@${HOME}`, 'tel:+15550100']);
});

test('the binding is refreshed at half its life, with the same Call-ID and a higher CSeq', async () => {
  const { wic, transport, clock } = await phone({ register: false, tokenLife: 100_000 });
  wic.start();
  const first = await transport.take('REGISTER');
  await transport.deliver(registered(first, { expires: 1000 }));
  await clock.advance(499_000);
  await transport.nothing();
  await clock.advance(2_000);
  const second = await transport.take('REGISTER');
  assert.equal(second.callId, first.callId);
  assert.equal(second.cseq.number, first.cseq.number + 1);
});

test('a long binding is refreshed 600 s before its end (TS 24.229 §5.1.1.4.1)', async () => {
  const { wic, transport, clock } = await phone({ register: false, tokenLife: 100_000 });
  wic.start();
  await transport.deliver(registered(await transport.take('REGISTER'), { expires: 3600 }));
  await clock.advance(2_999_000);
  await transport.nothing();
  await clock.advance(2_000);
  await transport.take('REGISTER');
});

test('a token is renewed before it expires, and the binding that it capped with it', async () => {
  const { transport, clock, tokens } = await phone();
  await clock.advance(249_000);
  assert.equal(tokens.count, 1);
  await transport.nothing();
  await clock.advance(2_000);
  assert.equal(tokens.count, 2);
  const request = await transport.take('REGISTER');
  assert.equal(request.get('Authorization'), 'Bearer token2');
});

test('a 401 with invalid_token is answered once with a new token', async () => {
  const { wic, transport } = await phone({ register: false });
  wic.start();
  const first = await transport.take('REGISTER');
  const refusal = Message.responseTo(first, 401, 'Unauthorized', 'x');
  refusal.add('WWW-Authenticate', 'Bearer realm="ims", scope="webrtc-ims-client-access-to-ims", error="invalid_token"');
  await transport.deliver(refusal);
  const second = await transport.take('REGISTER');
  assert.equal(second.get('Authorization'), 'Bearer token2');
  assert.equal(second.cseq.number, first.cseq.number + 1);
  await transport.deliver(registered(second));
  assert.equal(wic.status, 'registered');
});

test('a token that lacks the scope is not tried again', async () => {
  const { wic, transport } = await phone({ register: false });
  const failures = [];
  wic.on('failure', (failure) => failures.push(failure.code));
  wic.start();
  const refusal = Message.responseTo(await transport.take('REGISTER'), 401, 'Unauthorized', 'x');
  refusal.add('WWW-Authenticate', 'Bearer realm="ims", error="insufficient_scope"');
  await transport.deliver(refusal);
  await transport.nothing();
  assert.equal(wic.status, 'refused');
  assert.deepEqual(failures, ['signed_out']);
});

test('a session that is over ends the registration in words', async () => {
  const { wic, tokens, clock } = await phone();
  const failures = [];
  wic.on('failure', (failure) => failures.push(failure.code));
  tokens.fail = new Failure('signed_out');
  await clock.advance(260_000);
  assert.deepEqual(failures, ['signed_out']);
});

test('423 raises the expiry (RFC 3261 §10.2.8)', async () => {
  const { wic, transport } = await phone({ register: false });
  wic.start();
  const tooBrief = Message.responseTo(await transport.take('REGISTER'), 423, 'Interval Too Brief', 'x');
  tooBrief.add('Min-Expires', '700000');
  await transport.deliver(tooBrief);
  assert.equal((await transport.take('REGISTER')).address('Contact')?.params.get('expires'), '700000');
});

test('403 is final, 503 is tried again after Retry-After', async () => {
  const refused = await phone({ register: false });
  refused.wic.start();
  await refused.transport.deliver(Message.responseTo(await refused.transport.take('REGISTER'), 403, 'Forbidden', 'x'));
  await refused.clock.advance(600_000);
  assert.equal(refused.wic.status, 'refused');
  assert.equal(refused.transport.sent.filter(({ method }) => method === 'REGISTER').length, 0);

  const busy = await phone({ register: false });
  busy.wic.start();
  const later = Message.responseTo(await busy.transport.take('REGISTER'), 503, 'Service Unavailable', 'x');
  later.add('Retry-After', '20');
  await busy.transport.deliver(later);
  await busy.clock.advance(19_000);
  await busy.transport.nothing();
  await busy.clock.advance(2_000);
  await busy.transport.take('REGISTER');
});

test('a lost connection is registered anew, and what could not be sent leaves after that', async () => {
  const { wic, transport } = await phone();
  const states = [];
  wic.on('status', (status) => states.push(status));
  transport.lose();
  assert.throws(() => wic.call('bob'), { code: 'network_lost' });
  transport.restore();
  await transport.deliver(registered(await transport.take('REGISTER')));
  assert.deepEqual(states, ['reconnecting', 'registered']);
});

test('a service that cannot be reached is said so, and the first success makes it a phone', async () => {
  const { wic, transport } = await phone({ register: false });
  const failures = [];
  wic.on('failure', (failure) => failures.push(failure.message));
  wic.start();
  await transport.take('REGISTER');
  transport.lose();
  assert.deepEqual(failures, ['The service cannot be reached. Trying again…']);
  assert.equal(wic.status, 'connecting');
  transport.restore();
  await transport.deliver(registered(await transport.take('REGISTER')));
  assert.equal(wic.status, 'registered');
});

test('stopping deregisters with expires=0 and closes the connection (TS 24.371 §6A.2)', async () => {
  const { wic, transport } = await phone();
  const stopped = wic.stop();
  const request = await transport.take('REGISTER');
  assert.equal(request.address('Contact')?.params.get('expires'), '0');
  assert.equal(request.get('Expires'), '0');
  await transport.deliver(Message.responseTo(request, 200, 'OK', 'x'));
  await stopped;
  assert.equal(transport.state, 'closed');
  assert.equal(wic.status, 'stopped');
});

test('SIP Digest: the first REGISTER names the identity, the second answers the challenge (TS 24.371 §6.2.1.2)', async () => {
  const credential = new DigestCredential({ username: `alice@${HOME}`, realm: HOME, password: 'secret' });
  const { wic, transport } = await phone({ register: false, credential });
  wic.start();
  const first = await transport.take('REGISTER');
  assert.match(first.get('Authorization') ?? '', /^Digest username="alice@ims\.example\.net".*nonce="".*response=""/);
  const challenge = Message.responseTo(first, 401, 'Unauthorized', 'x');
  challenge.add('WWW-Authenticate', `Digest realm="${HOME}", nonce="abc", algorithm=MD5, qop="auth"`);
  await transport.deliver(challenge);
  const second = await transport.take('REGISTER');
  const given = parseChallenge(second.get('Authorization') ?? '').params;
  assert.equal(given.get('nonce'), 'abc');
  assert.equal(given.get('nc'), '00000001');
  assert.match(given.get('response') ?? '', /^[0-9a-f]{32}$/);
  const again = Message.responseTo(second, 401, 'Unauthorized', 'x');
  again.add('WWW-Authenticate', `Digest realm="${HOME}", nonce="abc", algorithm=MD5, qop="auth"`);
  await transport.deliver(again);
  await transport.nothing();
  assert.equal(wic.status, 'refused');
});
