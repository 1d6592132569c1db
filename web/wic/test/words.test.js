import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Failure } from '../lib/failure.js';
import { lastWords } from '../page/words.js';
import { connected } from './support/phone.js';

test('a call that ends with the connection is said to have ended, and then what becomes of the connection', () => {
  const lost = 'The network was lost. Trying to come back…';
  assert.equal(lastWords('The call with Bob has ended', 'registered'), 'The call with Bob has ended');
  assert.equal(lastWords('The call with Bob has ended', 'reconnecting'), `The call with Bob has ended. ${lost}`);
  assert.equal(lastWords(new Failure('network_gone').message, 'reconnecting'), 'The network was lost and the call ended. Trying to come back…');
});

test('a BYE with 503 says that the call has ended, and why (RFC 3326)', async () => {
  const { call, far, transport } = await connected();
  await transport.deliver(far('BYE', { cseq: 2, headers: [['Reason', 'SIP;cause=503;text="the edge is going down"']] }));
  assert.equal(call.state, 'ended');
  assert.equal(call.failure?.message, 'The call with Bob has ended: the service could not keep it.');
});
