import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';

import { Emitter } from '../lib/emitter.js';
import { Failure } from '../lib/failure.js';
import { archive } from '../page/archive.js';
import { askWords, endWords, hindranceWords, listWords, openWords, providerWords } from '../page/application-words.js';
import { Applications, MOST_OPEN } from '../page/applications.js';
import { Chat } from '../page/chat.js';
import { DeveloperShelf } from '../page/developer.js';
import { attributesOf, readAttributes } from '../page/open-application.js';
import { Shelf } from '../page/shelf.js';
import { unpack } from '../runtime/frame/archive.js';
import { EarlyChannel, MOST_EARLY } from '../ts66/early-channel.js';
import { Unverified } from '../runtime/verify.js';
import { settle } from './support/clock.js';

/** A listed application. */
const listed = (id, more = {}) => ({
  id, name: id, icon: '', etag: '', autoload: false, autolaunch: false, phase: 'INCALL', worksWithoutPeer: false, qosHint: '', scenes: 3,
  version: '1.0', validUntil: null, provider: 'acme', sha256: '', size: 0, signature: '', personalData: false, personalDataUrl: '', ...more,
});

class Channel extends Emitter {
  readyState = 'connecting';
  closedHere = false;
  remoteAttributes = [];

  constructor(application) {
    super();
    this.application = application;
  }

  enter(state, detail = null) {
    this.readyState = state;
    this.emit(state === 'closed' ? 'close' : state, detail);
  }

  close() {
    this.closedHere = true;
    this.enter('closed');
  }
}

class Frame extends Emitter {
  associated = false;
  taken = [];
  take(channel) {
    this.taken.push(channel);
  }

  close(why = '') {
    this.emit('close', why);
  }
}

class Call extends Emitter {
  state = 'connected';
  hasVideo = false;
  farDataChannels = false;
  who = 'Bob';
}

/** A request of the far end for a channel of an application. */
function request(id, { endpoint = 'ue', channel = 1001, atOnce = false, attributes = [] } = {}) {
  let settle = () => {};
  const made = {
    id: channel, application: { id, endpoint }, attributes, atOnce, waits: false, decision: null,
    decided: new Promise((resolve) => { settle = resolve; }),
    wait: () => { made.waits = true; },
    accept: ({ attributes: ours = [] } = {}) => {
      made.decision ??= 'accepted';
      made.ours = ours;
      settle();
      return new Channel(made.application);
    },
    refuse: () => {
      made.decision ??= 'refused';
      settle();
    },
  };
  return made;
}

/** The applications of a call whose networks have these lists, by stream. */
function bed(lists = {}, { network = () => true, agreed = () => false, give = async () => new ArrayBuffer(8), failure = 'channels_unsupported', begins = undefined, state = 'connected', peer = true } = {}) {
  const call = Object.assign(new Call(), { state });
  const developer = new DeveloperShelf();
  const asked = [];
  const closed = [];
  const opened = [];
  const repository = (stream) => opened.push(stream) && ({
    list: async () => {
      asked.push(stream);
      if (!lists[stream]) throw new Failure(failure);
      return { applications: lists[stream], peerHasDataChannels: peer };
    },
    package: (application, progress) => give(application, progress, stream),
    close: () => closed.push(stream),
  });
  const shelf = new Shelf({ call, developer, key: null, cache: null, repository });
  const frames = [];
  const frame = (open, entry) => {
    const made = Object.assign(new Frame(), { entry });
    frames.push(made);
    return made;
  };
  const applications = new Applications({ call, shelf, network, agreed, frame, begins });
  return { call, shelf, applications, frames, asked, closed, opened, developer, entry: (id) => shelf.entries.find(({ application }) => application.id === id) };
}

/** What is said when a far end that knows data channels refuses the m-line. */
async function refusedByOneWhoKnows(failure) {
  const { applications, shelf, entry, frames, call } = bed({ 0: [listed('board')] });
  call.farDataChannels = true;
  await shelf.look();
  const open = applications.launch(entry('board'));
  await settle();
  frames[0].emit('state', 'running');
  const channel = new Channel({ id: 'board', endpoint: 'ue' });
  frames[0].emit('channel', channel);
  channel.enter('closed', failure);
  return openWords(open, 'Bob');
}

describe('the applications of a call', () => {
  it('have their channels for themselves: the chat takes its own alone', () => {
    const call = new Call();
    const chat = new Chat(call);
    const answer = (given) => {
      const asked = Object.assign(request('board'), { application: null, label: 'chat', protocol: '', ...given });
      call.emit('channelrequest', asked);
      return asked.decision;
    };
    assert.equal(answer({ application: { id: 'board', endpoint: 'server' } }), null);
    assert.equal(answer({ label: 'board' }), null);
    assert.equal(answer({ label: '' }), null);
    assert.equal(answer({ protocol: 'http' }), null);
    assert.equal(chat.state, 'none');
    assert.equal(answer({}), 'accepted');
    assert.equal(chat.state, 'opening');
  });

  it('are those of the own network; a list that fails can be asked for again', async () => {
    const lists = {};
    const { shelf, asked, closed } = bed(lists, { failure: 'channel_failed' });
    await shelf.look();
    assert.equal(shelf.state, 'unavailable');
    lists[0] = [listed('board'), listed('poll')];
    await Promise.all([shelf.look(), shelf.look()]);
    assert.equal(shelf.state, 'known');
    assert.deepEqual(shelf.entries.map(({ application }) => application.id), ['board', 'poll']);
    assert.deepEqual([asked, closed], [[0, 0], [0]]);
  });

  it('one whose package did not come can be had again, over another channel', async () => {
    let tries = 0;
    const give = async () => {
      tries += 1;
      if (tries === 1) throw new TypeError('The network does not answer');
      return new ArrayBuffer(8);
    };
    const { applications, shelf, entry, frames, opened, closed } = bed({ 0: [listed('board')] }, { give });
    await shelf.look();
    const first = applications.launch(entry('board'));
    await settle();
    assert.deepEqual([first.state, openWords(first, 'Bob')], ['failed', 'The network did not give it. Close it and try again.']);
    assert.deepEqual([opened, closed], [[0], [0]]);
    first.close();
    const second = applications.launch(entry('board'));
    await settle();
    assert.deepEqual([second.state, frames.length, opened], ['starting', 1, [0, 0]]);
    // The list is there as before.
    assert.equal(shelf.state, 'known');
  });

  it('are asked for once where the network refuses the channel to them', async () => {
    for (const failure of ['channels_unsupported', 'channel_refused']) {
      const { shelf, asked } = bed({}, { failure });
      for (let presses = 0; presses < 3; presses += 1) await shelf.look();
      assert.equal(await shelf.find('board'), null);
      assert.deepEqual([shelf.state, asked], ['unavailable', [0]]);
    }
  });

  it('one is found in the own list first, then with the other party’s network', async () => {
    const { shelf, asked } = bed({ 0: [listed('board')], 100: [listed('theirs')] });
    assert.equal((await shelf.find('board')).application.id, 'board');
    assert.deepEqual(asked, [0]);
    assert.equal((await shelf.find('theirs')).application.id, 'theirs');
    assert.deepEqual(asked, [0, 0, 10, 100, 110]);
    assert.equal(await shelf.find('nowhere'), null);
    // Where there is no channel to the own network there are none to others.
    const none = bed();
    assert.equal(await none.shelf.find('board'), null);
    assert.deepEqual(none.asked, [0]);
  });

  it('one is loaded, run and closed, and says where the other party is', async () => {
    const { applications, shelf, entry, frames, call } = bed({ 0: [listed('board')] });
    await shelf.look();
    const open = applications.launch(entry('board'));
    const said = [openWords(open, 'Bob')];
    open.on('change', () => said.push(openWords(open, 'Bob')));
    assert.equal(applications.launch(entry('board')), open, 'it is open already');
    await settle();
    const [frame] = frames;
    frame.emit('state', 'running');
    const channel = new Channel({ id: 'board', endpoint: 'ue' });
    frame.emit('channel', channel);
    channel.remoteAttributes = attributesOf({ name: 'Board', version: '1.1' });
    channel.enter('open');
    channel.enter('closed');
    assert.deepEqual([...new Set(said)], [
      'Loading…', 'Starting…', 'It is open.', 'Bob is asked whether to open it too.',
      'Bob uses it too, in version 1.1; yours is 1.0. It may not work as it should.', 'Bob is not connected to it any more.',
    ]);
    open.close();
    assert.deepEqual([open.state, applications.open], ['closed', []]);
    applications.launch(entry('board'));
    await settle();
    call.state = 'ended';
    call.emit('state', 'ended');
    assert.deepEqual(applications.open, []);
  });

  it('the other party’s answer is told in words', async () => {
    for (const [end, words] of [
      [new Failure('channel_refused'), 'Bob did not open it.'],
      [new Failure('channels_unsupported'), 'Bob’s phone cannot open applications.'],
      [new Failure('channel_failed'), 'board lost its way to Bob.'],
    ]) {
      const { applications, shelf, entry, frames } = bed({ 0: [listed('board'), listed('other')] });
      await shelf.look();
      const open = applications.launch(entry('board'));
      await settle();
      frames[0].emit('state', 'running');
      const channel = new Channel({ id: 'board', endpoint: 'ue' });
      frames[0].emit('channel', channel);
      channel.enter('closed', end);
      assert.equal(openWords(open, 'Bob'), words);
      // Who knows data channels and has no line for them has said no to this one.
      if (end.code === 'channels_unsupported') assert.equal(await refusedByOneWhoKnows(end), 'Bob did not open it.');
      assert.equal(applications.hindrance(entry('other')), end.code === 'channels_unsupported' ? 'peer' : '');
    }
  });

  it('whose one is, is said where another one is called the same', () => {
    const entries = [listed('a', { name: 'Board' }), listed('b', { name: 'board', provider: 'other' }), listed('c', { name: 'Menu' }), listed('d', { name: 'Board' })]
      .map((application) => ({ application, developer: false }));
    const own = { application: listed('e', { name: 'Menu' }), developer: true };
    const said = [...entries, own].map((entry) => providerWords(entry, [...entries, own]));
    assert.deepEqual(said, ['From acme, a', 'From other', '', 'From acme, d', '']);
  });

  it('what needs the other party’s data channels is listed with the reason, an author’s own too', async () => {
    const lists = { 0: [listed('board'), listed('menu', { worksWithoutPeer: true })] };
    const { applications, call, shelf, entry, developer } = bed(lists, { peer: false });
    await developer.add([new File([archive([{ name: 'index.html', bytes: new TextEncoder().encode('hello') }])], 'own.zip')]);
    await shelf.look();
    const hindrances = () => ['own', 'board', 'menu'].map((id) => applications.hindrance(entry(id)));
    assert.deepEqual(hindrances(), ['peer', 'peer', '']);
    assert.equal(hindranceWords('peer', entry('board').application, 'Bob'), 'Bob’s phone cannot open applications');
    // Who says so itself is believed, and of who has taken the call over nothing is known.
    call.farDataChannels = true;
    assert.deepEqual(hindrances(), ['', '', '']);
    call.farDataChannels = false;
    call.emit('party', null);
    assert.deepEqual(hindrances(), ['', '', '']);
    // Nor by a list that was asked for before.
    const looking = shelf.look();
    call.emit('party', null);
    await looking;
    assert.equal(shelf.peer, null);
    await shelf.look();
    assert.deepEqual(hindrances(), ['peer', 'peer', '']);
    // While it rings nobody has said anything.
    call.state = 'ringing';
    await shelf.look();
    assert.equal(shelf.peer, null);
  });

  it('a server that is not there is told too, and both ends may be had at once', async () => {
    const { applications, shelf, entry, frames } = bed({ 0: [listed('board')] });
    await shelf.look();
    const open = applications.launch(entry('board'));
    await settle();
    frames[0].emit('state', 'running');
    const [ue, server] = ['ue', 'server'].map((endpoint) => new Channel({ id: 'board', endpoint }));
    for (const channel of [ue, server]) {
      frames[0].emit('channel', channel);
      channel.enter('open');
    }
    assert.equal(openWords(open, 'Bob'), 'Bob uses it too. Connected to its server.');
    server.enter('closed');
    assert.equal(openWords(open, 'Bob'), 'Bob uses it too. Its server is not connected any more.');
  });

  it('what the other party opens is asked about, and then loaded with its channel', async () => {
    const { applications, call, shelf, frames } = bed({ 0: [listed('board', { name: 'Board' })] });
    const asks = [];
    applications.on('ask', (ask) => asks.push(ask));
    const wanted = request('board', { attributes: attributesOf({ name: 'Their\u202e board', version: '2' }) });
    call.emit('channelrequest', wanted);
    assert.equal(wanted.waits, true);
    assert.equal(askWords(asks[0], 'Bob'), 'Bob wants to use Their board with you.');
    // A second channel of the same is no second question.
    const second = request('board', { channel: 1003 });
    call.emit('channelrequest', second);
    assert.equal(asks.length, 1);
    const open = applications.accept(asks[0]);
    assert.deepEqual([wanted.decision, second.decision, open.launchedBy, applications.asks], ['accepted', 'accepted', 'remote', []]);
    await settle();
    assert.equal(open.name, 'Board');
    assert.equal(frames[0].taken.length, 2);
    assert.equal(shelf.state, 'known');
    // What comes while it is open needs no question: it is held until the application takes channels, and then is its own business.
    const third = request('board', { channel: 1005 });
    call.emit('channelrequest', third);
    assert.deepEqual([third.decision, frames[0].taken.length, third.ours], ['accepted', 3, attributesOf({ name: 'Board', version: '1.0' })]);
    frames[0].associated = true;
    const fourth = request('board', { channel: 1007 });
    call.emit('channelrequest', fourth);
    assert.equal(fourth.decision, null);
  });

  it('a name of the own list counts more than what the other side says', async () => {
    const { applications, call, shelf } = bed({ 0: [listed('board', { name: 'Board' })] });
    await shelf.look();
    call.emit('channelrequest', request('board', { endpoint: 'server', attributes: attributesOf({ name: 'Bank', version: null }) }));
    assert.equal(askWords(applications.asks[0], 'Bob'), 'A service of the network wants to open Board here.');
  });

  it('who says no has said no; who asks on and on is not heard', async () => {
    const { applications, call } = bed();
    for (let time = 0; time < 3; time += 1) {
      const wanted = request('board');
      call.emit('channelrequest', wanted);
      applications.refuse(applications.asks[0]);
      assert.equal(wanted.decision, 'refused');
    }
    const again = request('board');
    call.emit('channelrequest', again);
    assert.deepEqual([again.waits, applications.asks], [false, []]);
    // Nor who asks for more than a few at once, or below 1000.
    for (const id of ['a', 'b', 'c', 'd']) call.emit('channelrequest', request(id));
    assert.deepEqual(applications.asks.map(({ id }) => id), ['a', 'b', 'c']);
    const low = request('f', { channel: 999 });
    call.emit('channelrequest', low);
    assert.deepEqual([low.waits, low.decision], [false, null]);
  });

  it('who answers a call is not kept waiting: the channel is there, and goes again if the person says no', async () => {
    for (const [state, atOnce] of [['answering', false], ['connected', true]]) {
      const { applications, call, frames } = bed({ 0: [listed('menu')] });
      call.state = state;
      const [wanted, unwanted] = [request('menu', { endpoint: 'server', atOnce }), request('other', { atOnce })];
      for (const each of [wanted, unwanted]) call.emit('channelrequest', each);
      assert.deepEqual([wanted.decision, wanted.waits], ['accepted', false]);
      const [menu, other] = applications.asks;
      const [{ channel }] = menu.channels;
      channel.enter('open');
      channel.emit('message', 'what may it be?');
      call.state = 'connected';
      applications.refuse(other);
      assert.equal(other.channels.length, 0, 'closed');
      applications.accept(menu);
      await settle();
      const [early] = frames[0].taken;
      assert.equal(early.accept(), channel);
      assert.deepEqual(early.heard(), ['what may it be?']);
    }
  });

  it('what is known by its identifier alone is asked about by the name that the list has', async () => {
    const { applications, call } = bed({ 0: [listed('menu', { name: 'Menu' })] });
    const words = [];
    applications.on('ask', (ask) => words.push(askWords(ask, 'Bob')));
    call.state = 'answering';
    call.emit('channelrequest', request('menu', { endpoint: 'server' }));
    call.state = 'connected';
    call.emit('state', 'connected');
    await settle();
    assert.deepEqual(words, ['A service of the network wants to open menu here.', 'A service of the network wants to open Menu here.']);
  });

  it('who asked and has gone is asked about no more', () => {
    const { applications, call } = bed();
    call.state = 'answering';
    call.emit('channelrequest', request('menu'));
    applications.asks[0].channels[0].channel.enter('closed');
    assert.deepEqual(applications.asks, []);
  });

  it('no more is kept for an application that is not there than has its place', () => {
    const early = new EarlyChannel(new Channel({ id: 'x', endpoint: 'ue' }));
    early.channel.enter('open');
    early.channel.emit('message', new ArrayBuffer(MOST_EARLY));
    assert.equal(early.channel.closedHere, false);
    early.channel.emit('message', 'x');
    assert.equal(early.channel.closedHere, true);
    assert.deepEqual([early.accept(), early.heard()], [null, []]);
  });

  it('a question that nobody answers goes away', async () => {
    const { applications, call } = bed();
    const answered = [];
    applications.on('answered', ({ answer }) => answered.push(answer));
    const wanted = request('board');
    call.emit('channelrequest', wanted);
    wanted.refuse();
    await settle();
    assert.deepEqual([applications.asks, answered], [[], ['late']]);
  });

  it('who opens it from the list while the other side asks has answered', async () => {
    const { applications, call, shelf, entry } = bed({ 0: [listed('board')] });
    await shelf.look();
    const wanted = request('board');
    call.emit('channelrequest', wanted);
    assert.equal(applications.launch(entry('board')).launchedBy, 'remote');
    assert.equal(wanted.decision, 'accepted');
  });

  it('why one cannot be had is said plainly, and its channels close', async () => {
    const { applications, call } = bed({ 0: [] });
    call.emit('channelrequest', request('nowhere'));
    const open = applications.accept(applications.asks[0]);
    await settle();
    assert.equal(openWords(open, 'Bob'), 'It is neither among your applications nor among those that Bob’s network offers.');
    for (const [error, words] of [[new Unverified('x'), /not what the network says/], [new TypeError('x'), /did not give it/]]) {
      const other = bed({ 0: [listed('board')] }, { give: () => Promise.reject(error) });
      await other.shelf.look();
      const failed = other.applications.launch(other.entry('board'));
      const channel = new Channel({ id: 'board', endpoint: 'ue' });
      failed.take(new EarlyChannel(channel));
      await settle();
      assert.match(openWords(failed, 'Bob'), words);
      assert.equal(channel.closedHere, true);
    }
  });

  it('personal data: nothing runs before somebody agrees, and what was agreed to is not asked again', async () => {
    const { applications, shelf, entry, frames } = bed({ 0: [listed('poll', { personalData: true })] });
    await shelf.look();
    const open = applications.launch(entry('poll'));
    await settle();
    assert.deepEqual([open.state, frames.length], ['agreeing', 0]);
    open.agree();
    await settle();
    assert.equal(frames.length, 1);
    const again = bed({ 0: [listed('poll', { personalData: true })] }, { agreed: () => true });
    await again.shelf.look();
    again.applications.launch(again.entry('poll'));
    await settle();
    assert.equal(again.frames.length, 1);
    const no = bed({ 0: [listed('poll', { personalData: true })] });
    await no.shelf.look();
    const declined = no.applications.launch(no.entry('poll'));
    await settle();
    declined.close();
    await settle();
    assert.deepEqual([no.frames, declined.state], [[], 'closed']);
  });

  it('autoload fetches, autolaunch opens, once, and in the calls that they are for', async () => {
    const given = [];
    const give = async ({ id }) => (given.push(id), new ArrayBuffer(8));
    const { applications, shelf, call } = bed({
      0: [listed('kept', { autoload: true }), listed('menu', { autoload: true, autolaunch: true }), listed('film', { autoload: true, autolaunch: true, scenes: 2 }), listed('quiet')],
    }, { give });
    await shelf.look();
    await settle();
    assert.deepEqual(given, ['kept', 'menu']);
    assert.deepEqual(applications.open.map(({ id, byItself }) => [id, byItself]), [['menu', true]]);
    applications.open[0].close();
    call.emit('change', {});
    await settle();
    assert.deepEqual(applications.open, [], 'who closes it has closed it');
    call.hasVideo = true;
    call.emit('change', {});
    await settle();
    assert.deepEqual(applications.open.map(({ id }) => id), ['film']);
  });

  it('while it rings what is for then begins, and what is for the call is fetched', async () => {
    const given = [];
    const give = async ({ id }) => (given.push(id), new ArrayBuffer(8));
    const phases = [['before', 'PRECALL'], ['always', 'PRECALL'], ['within', 'INCALL']];
    const lists = { 0: phases.map(([id, phase]) => listed(id, { phase, autoload: true, autolaunch: true })) };
    const { applications, shelf, call, asked } = bed(lists, { give });
    call.state = 'calling';
    await shelf.look();
    await settle();
    assert.deepEqual(applications.open.map(({ id }) => id), ['before', 'always']);
    assert.deepEqual(given.sort(), ['always', 'before', 'within']);
    assert.equal(asked.length, 1);
    call.state = 'ringing';
    call.emit('state', 'ringing');
    await settle();
    // Once it is answered there is another list; who has something open keeps it.
    lists[0] = [listed('always', { autoload: true, autolaunch: true }), listed('within', { autoload: true, autolaunch: true })];
    call.state = 'connected';
    call.emit('state', 'connected');
    await settle();
    assert.equal(asked.length, 2);
    assert.deepEqual(applications.open.map(({ id, byItself }) => [id, byItself]), [['before', true], ['always', true], ['within', true]]);
    assert.deepEqual(given.filter((id) => id !== 'within').sort(), ['always', 'before']);
    assert.equal(listWords('looking', 0, true), 'Most applications are there once the call is answered.');
  });

  it('what cannot be opened now says why', async () => {
    const { applications, shelf, entry, call } = bed({
      0: [listed('film', { scenes: 2 }), listed('radio', { scenes: 1 }), listed('before', { phase: 'PRECALL' }), listed('old', { validUntil: 1 }), listed('board')],
    });
    await shelf.look();
    const why = (id) => hindranceWords(applications.hindrance(entry(id)), entry(id).application, 'Bob');
    assert.deepEqual(['film', 'radio', 'before', 'old', 'board'].map(why), ['Only in calls with video', '', 'Only before a call is answered', 'Its validity has ended', '']);
    call.hasVideo = true;
    assert.deepEqual(['film', 'radio'].map(why), ['', 'Only in calls without video']);
    call.state = 'ringing';
    assert.equal(why('board'), 'Once the call is answered');
    assert.equal(why('before'), '');
    const none = bed({ 0: [listed('board')] }, { network: () => false });
    await none.shelf.look();
    assert.equal(none.applications.hindrance(none.entry('board')), 'network');
  });

  it('no more are open at a time than can be seen', async () => {
    const all = Array.from({ length: MOST_OPEN + 1 }, (_, index) => listed(`a${index}`));
    const { applications, shelf, entry, call } = bed({ 0: all });
    await shelf.look();
    for (const { id } of all.slice(0, MOST_OPEN)) applications.launch(entry(id));
    assert.equal(applications.hindrance(entry(`a${MOST_OPEN}`)), 'many');
    assert.equal(applications.hindrance(entry('a0')), '');
    const wanted = request('other');
    call.emit('channelrequest', wanted);
    assert.equal(wanted.waits, false);
  });

  it('is closed when its validity ends', async () => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
    try {
      const { applications, shelf, entry, frames } = bed({ 0: [listed('board', { validUntil: 1_060_000 })] });
      await shelf.look();
      const open = applications.launch(entry('board'));
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      frames[0].emit('state', 'running');
      mock.timers.tick(59_999);
      assert.equal(open.state, 'running');
      mock.timers.tick(1);
      assert.deepEqual([open.state, endWords(open.why, 'Bob')], ['closed', 'Its validity has ended.']);
    } finally {
      mock.timers.reset();
    }
  });

  it('what the list says of itself', () => {
    assert.equal(listWords('looking', 0), 'Looking for applications…');
    assert.equal(listWords('known', 0), 'Your network offers no applications for this call.');
    assert.equal(listWords('known', 2), '');
    assert.equal(listWords('unavailable', 0), 'There are no applications in this call.');
  });
});

describe('the list of a call that begins with applications', () => {
  const lists = { 0: [listed('menu')] };
  const enter = async (call, state) => {
    call.state = state;
    call.emit('state', state);
    await settle();
  };
  const begins = (early, answered) => ({ early, answered: async () => answered });

  it('is asked for with the call, and again as it is answered', async () => {
    const { call, asked, shelf } = bed(lists, { state: 'preparing', begins: begins(true, true) });
    await settle();
    assert.deepEqual([asked, shelf.state], [[0], 'known']);
    await enter(call, 'ringing');
    assert.deepEqual(asked, [0]);
    await enter(call, 'connected');
    assert.deepEqual(asked, [0, 0]);
  });

  it('or once it is answered, if calls begin so, and not by both ways', async () => {
    for (const [answered, expected] of [[true, [0]], [false, []]]) {
      const { call, asked } = bed(lists, { state: 'ringing', begins: begins(false, answered) });
      await enter(call, 'connected');
      assert.deepEqual(asked, expected);
    }
    let turn = () => {};
    const { call, asked, shelf } = bed(lists, { state: 'ringing', begins: { early: false, answered: () => new Promise((resolve) => { turn = () => resolve(true); }) } });
    await enter(call, 'connected');
    await shelf.look();
    turn();
    await settle();
    assert.deepEqual(asked, [0]);
  });

  it('is not asked for where the network has none, nor of a call that has ended', async () => {
    const without = bed(lists, { state: 'preparing', network: () => false, begins: begins(true, true) });
    await enter(without.call, 'connected');
    const ended = bed(lists, { state: 'ringing', begins: { early: false, answered: async () => { ended.call.state = 'ended'; return true; } } });
    await enter(ended.call, 'connected');
    assert.deepEqual([without.asked, ended.asked], [[], []]);
  });
});

describe('an author’s own applications', () => {
  const file = (path, text) => Object.defineProperty(new File([text], path.split('/').pop()), 'webkitRelativePath', { value: path });

  it('come from a folder, as isthmus app pack packs it', async () => {
    const { developer, shelf } = bed();
    const toml = 'id = "board-7"\nname = "Board" # mine\nversion = "0.1"\npersonal_data = true\nscenes = "video"\nvalid_until = "2030-01-01T00:00:00Z"\n';
    const application = await developer.add([
      file('board/index.html', '<title>B</title>'), file('board/application.toml', toml), file('board/js/a.js', 'x'), file('board/.git/x', 'x'),
      file('board/README.md', 'x'), file('board/test/a.test.js', 'x'), file('board/node_modules/y/index.js', 'x'),
    ]);
    assert.deepEqual([application.id, application.name, application.version, application.personalData, application.scenes], ['board-7', 'Board', '0.1', true, 2]);
    assert.equal(application.validUntil, Date.parse('2030-01-01'));
    assert.deepEqual([...(await unpack(developer.bytes('board-7'))).keys()].sort(), ['index.html', 'js/a.js']);
    assert.deepEqual(shelf.entries.map(({ developer: own }) => own), [true]);
    assert.equal((await shelf.find('board-7')).developer, true);
  });

  it('or from a package; a folder without a page is none', async () => {
    const developer = new DeveloperShelf();
    const bytes = archive([{ name: 'index.html', bytes: new TextEncoder().encode('hello') }]);
    const { id, name } = await developer.add([new File([bytes], 'my app.zip')]);
    assert.deepEqual([id, name], ['my-app', 'my-app']);
    assert.equal(new TextDecoder().decode((await unpack(developer.bytes(id))).get('index.html')), 'hello');
    await assert.rejects(developer.add([file('x/main.js', '')]), TypeError);
  });

  it('are said what of their profile is not as it has to be, and run without it', async () => {
    const developer = new DeveloperShelf();
    const add = (toml) => developer.add([file('board/index.html', ''), file('board/application.toml', toml)]);
    const wrong = await add('# qos = "none"\nname = "Board"\nqos = "fast"\nscenes = \'video\'\nvalid_until = "soon"\npersonal_data = "yes"\nautostart = true\n');
    assert.deepEqual([wrong.name, wrong.qosHint, wrong.scenes, wrong.validUntil, wrong.personalData], ['Board', '', 3, null, false]);
    assert.deepEqual(developer.mistakes('board'), [
      'qos must be as in «"loss=0.0002;latency=600"»',
      'scenes must be «"voice"», «"video"» or «"all"»',
      'valid_until must be as in «"2030-01-01T00:00:00Z"»',
      'personal_data must be «true» or «false»',
      'autostart is not known',
    ]);
    const { qosHint } = await add('name = "Board"\nphase = "always"\nqos = "loss=0.0002;latency=600" # what it needs\nautoload = false\nicon = "https://example.com/i.svg"\n');
    assert.equal(qosHint, 'loss=0.0002;latency=600');
    assert.deepEqual(developer.mistakes('board'), []);
    assert.deepEqual(developer.mistakes('nothing'), []);
  });

  it('take the place of the network’s', async () => {
    const { developer, shelf } = bed({ 0: [listed('board', { version: '1.0' })] });
    await developer.add([file('board/index.html', '')]);
    await shelf.look();
    assert.deepEqual(shelf.entries.map(({ application, developer: own }) => [application.id, own]), [['board', true]]);
  });
});

describe('what a channel says of its application', () => {
  it('is read back, and nothing else is', () => {
    const said = attributesOf({ name: 'Tafel; "ß"', version: '1.0' });
    assert.deepEqual(readAttributes(said), { name: 'Tafel; "ß"', version: '1.0' });
    assert.deepEqual(readAttributes(['fmtp:x']), { name: '', version: '' });
    assert.deepEqual(readAttributes(['isthmus-application:name=%zz;version=']), { name: '', version: '' });
    assert.equal(readAttributes([`isthmus-application:name=${'x'.repeat(500)}`]).name.length, 64);
    assert.equal(readAttributes(['isthmus-application:name=a%0Ab%E2%80%AEc']).name, 'a b c');
  });
});
