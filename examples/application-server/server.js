#!/usr/bin/env node
// A small application server: it calls subscribers, shows a choice through the data channel of the call, and
// prints the answer. `node server.js --help` says how; README.md says what happens. Nothing but Node is needed.

import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const HELP = `Usage: node server.js --call URI... --application ID [--poll] [--enabler URL] [--listen PORT] [--token TOKEN]

  --call URI         who is called: sip:bob@ims.mnc001.mcc001.3gppnetwork.org; more of them may be given
  --application ID   the appId that \`isthmus app upload apps/menu\` printed
  --poll             the application is apps/poll, which opens its channel itself, not apps/menu
  --enabler URL      where the MMTel Enabler Server is [default: http://localhost:8080]
  --listen PORT      where it tells us what happens, on loopback [default: a free one]
  --token TOKEN      an access token, where the enabler wants one`;

const CHOICES = ['Call me back', 'Leave a message', 'Nothing, thank you'];
/** What is shown first, and what follows when `message` came from the subscriber: the answer, and what is shown then. */
const MENU = {
  direction: 'A2P',
  first: { type: 'menu', title: 'Isthmus', text: 'What may we do for you?', choices: CHOICES.map((text, at) => ({ id: String(at + 1), text })) },
  heard: (message) => message.type === 'choice' && { answer: CHOICES[Number(message.id) - 1], next: { type: 'end', text: 'Thank you.' } },
};
const votes = CHOICES.map(() => 0);
const POLL = {
  direction: 'P2A',
  first: { type: 'question', question: 'What may we do for you?', answers: CHOICES, voted: false },
  heard(message, session) {
    if (message.type !== 'vote' || !(message.answer in votes) || session.voted) return false;
    session.voted = true;
    votes[message.answer] += 1;
    return { answer: CHOICES[message.answer], next: { type: 'votes', votes }, toAll: true };
  },
};

const { values: options } = parseArgs({
  options: {
    call: { type: 'string', multiple: true },
    application: { type: 'string' },
    poll: { type: 'boolean', default: false },
    enabler: { type: 'string', default: 'http://localhost:8080' },
    listen: { type: 'string', default: '0' },
    token: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help || !options.call || !options.application) {
  console.log(HELP);
  process.exit(options.help ? 0 : 2);
}
const dialogue = options.poll ? POLL : MENU;
/** Those that we are in a call with, by session: whether their channel is open, and whether they have voted. */
const sessions = new Map();
let calling = options.call.length;

/** A call is told of as soon as it stands, and that may be before we have its answer. */
function meet(sessionId) {
  if (!sessions.has(sessionId)) sessions.set(sessionId, { open: false, voted: false, begins: false });
  return sessions.get(sessionId);
}

/** Asks the enabler (TS 29.392 §5.3.2). What it refuses, it refuses with ProblemDetails. */
async function ask(operation, body, tries = 10) {
  const headers = { 'Content-Type': 'application/json', ...(options.token && { Authorization: `Bearer ${options.token}` }) };
  const answer = await fetch(`${options.enabler}/mmtel-dcappcall/v1/${operation}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const said = await answer.json();
  if (answer.ok) return said;
  // It says when it has room, or a way to the core, again (RFC 9110 §10.2.3).
  const later = Number(answer.headers.get('retry-after'));
  if ([429, 503].includes(answer.status) && later > 0 && tries > 0) {
    await sleep(later * 1000);
    return ask(operation, body, tries - 1);
  }
  const faults = (said.invalidParams ?? []).map(({ param, reason }) => `\n  ${param} ${reason}`);
  throw Object.assign(new Error(`${operation}: ${answer.status} ${said.detail ?? said.title}${faults.join('')}`), { status: answer.status });
}

/** Shows something to a subscriber. It is answered when the channel is open and the message on its way, or will not be. */
async function show(sessionId, message) {
  const said = await ask('update-dc-media', {
    sessionId,
    dcAppId: options.application,
    mediaResourceInfo: message,
    mediaDirection: dialogue.direction,
    notificationInfo,
  }).catch((error) => {
    // The call is over, and we are about to be told.
    if (error.status !== 404) throw error;
    sessions.delete(sessionId);
    return { result: 'FAILED' };
  });
  if (said.result !== 'SUCCESS' && sessions.has(sessionId)) console.log(`not shown: ${said.cause}`);
  return said.result === 'SUCCESS';
}

/** Shows what is first. A poll is opened when the subscriber likes, and as often: it is waited for until then. */
async function begin(sessionId) {
  const session = meet(sessionId);
  if (session.begins) return;
  session.begins = true;
  let shown = false;
  while (sessions.has(sessionId) && !shown) {
    shown = await show(sessionId, { ...dialogue.first, ...(session.voted && { voted: true, votes }) });
    if (dialogue !== POLL) break;
    if (!shown) await sleep(500);
  }
  session.begins = false;
}

/** What the enabler tells of a call: messages of the subscriber have a direction, what becomes of channel and call has none. */
async function told({ sessionId, mediaDirection, mediaResourceInfo }) {
  const session = meet(sessionId);
  if (mediaDirection === 'P2A') {
    const heard = dialogue.heard(mediaResourceInfo, session);
    console.log(heard ? `answer: ${heard.answer}` : `not understood: ${JSON.stringify(mediaResourceInfo)}`);
    const seen = heard?.toAll ? [...sessions].filter(([, { open }]) => open).map(([id]) => id) : [sessionId];
    if (heard) await Promise.all(seen.map((each) => show(each, heard.next)));
  } else if (mediaResourceInfo.channel) {
    console.log(`channel: ${mediaResourceInfo.channel}`);
    session.open = mediaResourceInfo.channel === 'OPENED';
    if (mediaResourceInfo.channel === 'CLOSED' && dialogue === POLL) await begin(sessionId);
  } else if (mediaResourceInfo.call === 'ENDED') {
    console.log(`call: ENDED (${mediaResourceInfo.reason})`);
    sessions.delete(sessionId);
    closeWhenDone();
  }
}

/** Nobody is in a call with us, and nobody is called. */
function closeWhenDone() {
  if (sessions.size > 0 || calling > 0) return;
  server.close();
  server.closeIdleConnections();
}

const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const part of request.setEncoding('utf8')) body += part;
  let notification;
  try {
    notification = JSON.parse(body);
  } catch {
    response.writeHead(400).end();
    return;
  }
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ sessionId: notification.sessionId, result: 'SUCCESS' }));
  await told(notification).catch(({ message }) => console.log(message));
});
await new Promise((listening) => server.listen(Number(options.listen), '127.0.0.1', listening));
const notificationInfo = `http://127.0.0.1:${server.address().port}/`;

async function call(terminatingId) {
  const said = await ask('dccall', {
    callType: 'A2P',
    terminatingId,
    mediaInfo: ['audio'],
    dcMediaInfo: true,
    // With the application's profile its channel is part of the first offer; a channel that the UE opens is not.
    ...(!options.poll && { appProfileRequested: { appId: options.application } }),
    notificationInfo,
  });
  if (said.callResult !== 'SUCCESS') throw new Error(`nobody answers: ${said.failureCause}`);
  console.log(`call: ANSWERED (session ${said.sessionId})`);
  await begin(said.sessionId);
}

await Promise.all(options.call.map(async (terminatingId) => {
  try {
    await call(terminatingId);
  } catch ({ message }) {
    // The others have their calls all the same.
    console.error(message);
    process.exitCode = 1;
  }
  calling -= 1;
  closeWhenDone();
}));
