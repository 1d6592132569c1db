import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Emitter } from '../lib/emitter.js';
import { Chat } from '../page/chat.js';

/** A channel as the chat uses one. */
class Channel extends Emitter {
  readyState = 'open';
  sent = [];
  send(text) {
    this.sent.push(text);
  }
}

test('what was said stays whose it was when the call is handed over', () => {
  const channel = new Channel();
  const call = Object.assign(new Emitter(), { state: 'connected', who: 'Dave', openChannel: () => channel });
  const chat = new Chat(call);
  chat.open();
  channel.emit('open', null);
  channel.emit('message', 'from Dave');
  assert.equal(chat.send('to Dave'), true);
  call.who = 'Carol';
  channel.emit('message', 'from Carol');
  const said = chat.lines.filter(({ from }) => from !== 'phone').map(({ from, who, text }) => [from, who, text]);
  assert.deepEqual(said, [['them', 'Dave', 'from Dave'], ['us', 'Dave', 'to Dave'], ['them', 'Carol', 'from Carol']]);
  assert.deepEqual(channel.sent, ['to Dave']);
});
