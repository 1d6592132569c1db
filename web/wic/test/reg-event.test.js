import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DOMParser } from '@xmldom/xmldom';
import { Message } from '../lib/sip/message.js';
import { HOME, phone, registered, requestFrom } from './support/phone.js';

const parseXml = (text) => new DOMParser({ onError: () => {} }).parseFromString(text, 'application/xml');

/** A phone that is registered and whose subscription stands, if it is answered. */
async function watched({ answer = true } = {}) {
  const made = await phone({ wic: { watchRegistration: true, parseXml } });
  const failures = [];
  made.wic.on('failure', (failure) => failures.push(failure.code));
  const subscribe = await made.transport.take('SUBSCRIBE');
  if (answer) {
    const response = Message.responseTo(subscribe, 200, 'OK', 'core');
    response.add('Contact', `<sip:scscf.${HOME}>`).add('Expires', '600000');
    await made.transport.deliver(response);
  }
  let cseq = 0;
  const notify = async (body, { state = 'active', event = 'reg', tag = 'core' } = {}) => {
    cseq += 1;
    const request = requestFrom('NOTIFY', {
      cseq,
      callId: subscribe.callId,
      from: `<sip:alice@${HOME}>;tag=${tag}`,
      to: subscribe.get('From'),
      headers: [['Event', event], ['Subscription-State', state]],
    });
    request.setBody('application/reginfo+xml', body);
    await made.transport.deliver(request);
    const at = made.transport.sent.findIndex((each) => !each.isRequest && each.cseq.method === 'NOTIFY');
    assert.notEqual(at, -1, 'a NOTIFY is answered');
    return made.transport.sent.splice(at, 1)[0];
  };
  return { ...made, failures, subscribe, notify };
}

const document = (wic, { version = 0, whole = 'full', state = 'active', event = 'registered', more = '' } = {}) =>
  `<?xml version="1.0"?><reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="${version}" state="${whole}">
    <registration aor="sip:alice@${HOME}" id="a1" state="${state === 'active' ? 'active' : 'terminated'}">
      <contact id="c1" state="${state}" event="${event}" ${more}><uri>${wic.agent.contactUri}</uri></contact>
      <contact id="c2" state="active" event="registered"><uri>sip:other@192.0.2.4</uri></contact>
    </registration></reginfo>`;

test('a registered phone subscribes to its own reg event (TS 24.229 §5.1.1.3)', async () => {
  const { subscribe } = await watched();
  assert.equal(subscribe.uri, `sip:alice@${HOME}`);
  assert.equal(subscribe.get('Event'), 'reg');
  assert.equal(subscribe.get('Accept'), 'application/reginfo+xml');
  assert.equal(subscribe.get('Route'), `<sip:orig@scscf.${HOME};lr>`);
});

test('what is registered now is told, and another phone of ours changes nothing', async () => {
  const { wic, notify, failures } = await watched();
  let identities;
  wic.regEvent.on('identities', (told) => {
    identities = told;
  });
  assert.equal((await notify(document(wic))).status, 200);
  assert.deepEqual(identities, [`sip:alice@${HOME}`]);
  assert.deepEqual(failures, []);
  assert.equal(wic.status, 'registered');
});

test('a rejected phone says so and does not come back by itself (RFC 3680 §5.3.1)', async () => {
  const { wic, transport, clock, notify, failures } = await watched();
  await notify(document(wic, { state: 'terminated', event: 'rejected' }), { state: 'terminated;reason=rejected' });
  assert.deepEqual(failures, ['deregistered']);
  assert.equal(wic.status, 'refused');
  await clock.advance(3_600_000);
  await transport.nothing();
});

test('a deactivated phone registers again at once', async () => {
  const { wic, transport, notify, failures } = await watched();
  await notify(document(wic, { state: 'terminated', event: 'deactivated' }));
  await transport.deliver(registered(await transport.take('REGISTER')));
  assert.equal(wic.status, 'registered');
  assert.deepEqual(failures, []);
});

test('a phone on probation comes back when it was told to', async () => {
  const { wic, transport, clock, notify, failures } = await watched();
  await notify(document(wic, { state: 'terminated', event: 'probation', more: 'retry-after="90"' }));
  assert.deepEqual(failures, ['suspended']);
  await clock.advance(89_000);
  await transport.nothing();
  await clock.advance(2_000);
  await transport.take('REGISTER');
});

test('a registration that the network shortens is refreshed at half of what is left (TS 24.229 §5.1.1.5A)', async () => {
  const { wic, transport, clock, notify } = await watched();
  await notify(document(wic, { state: 'active', event: 'shortened', more: 'expires="60"' }));
  assert.equal(wic.status, 'registered');
  await clock.advance(29_000);
  await transport.nothing();
  await clock.advance(2_000);
  await transport.deliver(registered(await transport.take('REGISTER'), { expires: 200 }));
  // What is longer than there is anyway changes nothing.
  await notify(document(wic, { version: 2, state: 'active', event: 'shortened', more: 'expires="500"' }));
  await clock.advance(31_000);
  await transport.nothing();
});

test('a NOTIFY that overtakes the response to SUBSCRIBE is taken (RFC 6665 §4.1.2.4)', async () => {
  const { wic, notify } = await watched({ answer: false });
  assert.equal((await notify(document(wic))).status, 200);
});

test('after a gap in the versions the whole is asked for (RFC 3680 §5.1)', async () => {
  const { wic, transport, notify } = await watched();
  await notify(document(wic));
  await notify(document(wic, { version: 3, whole: 'partial' }));
  const again = await transport.take('SUBSCRIBE');
  assert.equal(again.address('To')?.tag, 'core');
});

test('another event, a stranger, and what is no document change nothing', async () => {
  const { wic, notify, failures } = await watched();
  assert.equal((await notify(document(wic), { event: 'presence' })).status, 489);
  assert.equal((await notify(document(wic, { state: 'terminated', event: 'rejected' }), { tag: 'stranger' })).status, 481);
  assert.equal((await notify('<reginfo')).status, 200);
  assert.equal((await notify('x'.repeat(1_000))).status, 200);
  assert.deepEqual(failures, []);
  assert.equal(wic.status, 'registered');
});
