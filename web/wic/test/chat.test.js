import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Emitter } from '../lib/emitter.js';
import { Failure } from '../lib/failure.js';
import { Chat } from '../page/chat.js';

/** A channel as the chat uses one. */
class Channel extends Emitter {
  readyState = 'open';
  sent = [];
  send(text) {
    this.sent.push(text);
  }
}

test('a phone that has never said that it knows data channels is not said to have refused the chat', () => {
  for (const [farDataChannels, code, words] of [
    [false, 'channel_refused', 'Bob’s phone can’t chat.'],
    [false, 'channels_unsupported', 'Bob’s phone can’t chat.'],
    [true, 'channel_refused', 'Bob did not accept the chat.'],
  ]) {
    const channel = new Channel();
    const chat = new Chat(Object.assign(new Emitter(), { state: 'connected', who: 'Bob', farDataChannels, openChannel: () => channel }));
    chat.open();
    channel.emit('close', new Failure(code));
    assert.equal(chat.lines.at(-1).text, words);
  }
});

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
