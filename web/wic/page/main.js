import { AkaCredential, BearerCredential, Failure, Session, Wic } from '../lib/index.js';
import { ApplicationsView } from './applications-view.js';
import { CallView } from './call-view.js';
import { ChatView } from './chat-view.js';
import { DevicePicker } from './devices.js';
import { button, element } from './elements.js';
import { arrive, forget, instance, remember } from './identity.js';
import { SecondCall } from './second-call.js';
import { stopSecondTaps } from './second-tap.js';
import { SimEntry } from './sim.js';
import { callsWords, callWords, identityWords, lastWords, sentences, signInWords, statusWords } from './words.js';

/** The page: which view is shown, and what the buttons do. */

const status = element('status', HTMLElement);
const target = element('target', HTMLInputElement);
const dial = element('dial', HTMLElement);
const welcome = element('welcome', HTMLElement);

/** A call that has ended no longer ago than this when the network is lost, in milliseconds, has ended with it. */
const TOGETHER = 10_000;

/** @param {string} words */
function say(words) {
  // The same words again would be announced again.
  if (status.textContent !== words) status.textContent = words;
}

/** @type {CallView} */
const view = new CallView({
  say,
  describe: () => (view.call ? callsWords(view.call, second.call) : ''),
  answer: (call, options) => void toFront(call, (wic) => wic.answer(call, options)),
});
const second = new SecondCall({
  changed: () => view.announce(),
  // Our picture is for whom it was turned on; in another call it is turned on there.
  answer: (call) => toFront(call, (wic) => wic.answer(call, { video: false })),
  swap: (call) => toFront(call, (wic) => wic.switchTo(call)),
});
/** Beside a call there is place for one of them. */
const chats = new ChatView(say, { opened: () => applications.shut() });
const applications = new ApplicationsView({ opened: () => chats.shut() });
const devices = new DevicePicker((kind, id) => {
  const media = view.call?.media;
  if (kind === 'speaker') view.useSpeaker(id);
  const change = kind === 'microphone' ? media?.useMicrophone(id) : kind === 'camera' ? media?.useCamera(id) : undefined;
  change?.catch((error) => say(error instanceof Failure ? error.message : 'This device cannot be used.'));
});

/** Without a session it is a SIM's. @type {{ wic: Wic, session: Session | null, credential: { close(): void } } | null} */
let phone = null;

/** @param {HTMLElement | null} shown */
function show(shown) {
  for (const section of [welcome, dial]) section.hidden = section !== shown;
}

/** @param {string} words */
function showWelcome(words) {
  element('me', HTMLElement).hidden = true;
  document.body.dataset.status = 'stopped';
  document.title = 'Isthmus';
  show(welcome);
  say(words);
}

/** @param {string} words */
async function signedOut(words) {
  forget();
  const before = phone;
  phone = null;
  before?.credential.close();
  showWelcome(words);
  await before?.wic.stop();
}

async function signOut() {
  const before = phone;
  if (!before) return;
  button('sign-out').disabled = true;
  say('Signing out…');
  try {
    await Promise.race([before.wic.stop(), new Promise((resolve) => setTimeout(resolve, 3000))]);
    await before.session?.end();
  } catch {
    // The cookie stays until it expires; this page has forgotten its id.
  }
  button('sign-out').disabled = false;
  await signedOut('Signed out');
}

/** @param {string} id */
async function signIn(id) {
  const session = new Session(id);
  const credential = new BearerCredential((refused) => session.token(refused));
  show(null);
  say('Connecting…');
  for (let wait = 1000; session.account === null; wait = Math.min(wait * 2, 30_000)) {
    try {
      await credential.renew();
    } catch (error) {
      if (error instanceof Failure && ['signed_out', 'pool_exhausted', 'too_many_guests'].includes(error.code)) {
        await signedOut(error.message);
        return;
      }
      say(new Failure('connection_refused').message);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  const { account } = session;
  const wic = await begin(session, account, credential);
  // A guest's identity is lent: after a while without it there may be another.
  credential.on('renewed', () => {
    if (session.account?.impi === account.impi || phone?.wic !== wic) return;
    credential.close();
    phone = null;
    void wic.stop().then(() => signIn(id));
  });
}

/**
 * @param {Session | null} session
 * @param {import('../lib/session.js').Account} account
 * @param {import('../lib/credentials.js').Credential & { close(): void }} credential
 */
async function begin(session, account, credential) {
  const wic = new Wic({
    account,
    credential,
    instance: await instance(),
    maxCalls: 2,
    asksForVideo: true,
    media: () => ({ microphoneId: devices.chosen('microphone'), cameraId: devices.chosen('camera') }),
  });
  phone = { wic, session, credential };
  const name = account.displayName || account.impi.split('@')[0];
  element('me-name', HTMLElement).textContent = name;
  element('me-numbers', HTMLElement).textContent = identityWords(account.impus);
  element('me', HTMLElement).hidden = false;
  show(dial);
  listen(wic, name);
  wic.start();
  target.focus();
  return wic;
}

/**
 * @param {Wic} wic
 * @param {string} name
 */
function listen(wic, name) {
  /** What was missed while the network was away is said when it is back. */
  let missed = '';
  /** What was said last of a call that has ended, and when. */
  let last = { words: '', at: -Infinity };
  wic.on('status', (state) => {
    document.body.dataset.status = state;
    if (state === 'registered' && view.call) view.announce();
    else if (state === 'registered' && missed) say(sentences([statusWords(state, name), missed]));
    else if (state === 'reconnecting' && status.textContent === last.words && performance.now() - last.at < TOGETHER) say(lastWords(last.words, state));
    else if (state !== 'stopped') say(statusWords(state, name));
    if (state !== 'registered') return;
    missed = '';
    void applications.learn();
  });
  wic.on('failure', (failure) => {
    // A SIM that was refused is put in anew.
    const out = failure.code === 'signed_out' || (phone?.session === null && wic.status === 'refused');
    if (out) void signedOut(failure.message);
    else say(failure.message);
  });
  wic.on('call', (call) => {
    chats.add(call);
    applications.add(call, {
      person: wic.identity,
      site: wic.account.applications?.site ?? null,
      key: wic.account.applications?.key ?? null,
      network: () => wic.registration.dataChannels || null,
    });
    call.on('party', () => view.call === call && showTitle(call));
    arrange(wic, view.call ?? call);
  });
  wic.on('ended', (call) => {
    void applications.learn();
    if (phone?.wic !== wic) {
      arrange(wic, null);
      return;
    }
    const [left] = view.call === call ? wic.calls : [view.call];
    if (left) {
      arrange(wic, left);
      say(sentences([callWords(call), callWords(left)]));
      return;
    }
    arrange(wic, null);
    show(dial);
    if (call.failure?.code === 'missed' && wic.status !== 'registered') missed = callWords(call);
    last = { words: callWords(call), at: performance.now() };
    say(lastWords(last.words, wic.status));
    target.focus();
    target.select();
  });
}

/**
 * Shows the calls that there are.
 * @param {Wic} wic
 * @param {import('../lib/call/call.js').Call | null} front the one that is talked in
 */
function arrange(wic, front) {
  const other = wic.calls.find((each) => each !== front);
  if (other && front) {
    if (second.call !== other) {
      // What is behind an open dialog can be neither read nor pressed.
      for (const open of document.querySelectorAll('dialog')) open.close();
      second.show(other);
    }
  } else second.clear();
  chats.show(front);
  applications.show(front);
  if (!front) {
    view.clear();
    document.title = 'Isthmus';
    return;
  }
  show(null);
  if (view.call !== front) view.show(front, { focus: !button('swap').matches(':focus') });
  showTitle(front);
}

/** @param {import('../lib/call/call.js').Call} front */
function showTitle(front) {
  document.title = front.state === 'incoming' ? `${front.who} is calling – Isthmus` : `${front.who} – Isthmus`;
}

/**
 * Talks in this call from now on.
 * @param {import('../lib/call/call.js').Call} call
 * @param {(wic: Wic) => Promise<void>} change
 */
async function toFront(call, change) {
  if (!phone) return;
  const { wic } = phone;
  try {
    await change(wic);
    if (call.state !== 'ended' && wic.calls.includes(call)) arrange(wic, call);
  } catch (error) {
    say(error instanceof Failure ? error.message : 'That did not work.');
  }
}

/** @param {boolean} video */
function call(video) {
  if (!phone) return;
  if (target.value.trim() === '') {
    say('Type a name or number first.');
    target.focus();
    return;
  }
  try {
    const speaker = devices.chosen('speaker');
    if (speaker) view.useSpeaker(speaker);
    phone.wic.call(target.value, { video });
  } catch (error) {
    say(error instanceof Failure ? error.message : 'The call failed.');
    target.focus();
  }
}

element('dial-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  call(false);
});
button('video-call').addEventListener('click', () => call(true));
async function enterAsGuest() {
  const entry = button('guest');
  entry.disabled = true;
  say('Connecting…');
  try {
    const session = await Session.asGuest();
    remember(session.id);
    await signIn(session.id);
  } catch (error) {
    say(error instanceof Failure ? error.message : new Failure('connection_refused').message);
  }
  entry.disabled = false;
}

const simEntry = new SimEntry(async (isim, w2) => {
  show(null);
  say('Connecting…');
  const { impi, homeDomain } = isim;
  await begin(null, { impi, impus: [...isim.impus], displayName: '', homeDomain, w2 }, new AkaCredential(isim));
});

/** The guests' button is there if the network has lines for guests, the SIM's in a laboratory. */
async function offerWays() {
  const { guests, sims } = await Session.ways().catch(() => ({ guests: false, sims: null }));
  element('guest', HTMLButtonElement).hidden = !guests;
  simEntry.offer(sims);
}

button('guest').addEventListener('click', () => void enterAsGuest());
button('sign-in').addEventListener('click', () => location.assign('/signin'));
button('sign-out').addEventListener('click', () => void signOut());
for (const close of document.querySelectorAll('dialog [data-close]')) {
  close.addEventListener('click', () => close.closest('dialog')?.close());
}
// People who leave it in a call are asked whether they mean it.
window.addEventListener('beforeunload', (event) => {
  if (phone?.wic.calls.some(({ state }) => state !== 'incoming')) event.preventDefault();
});
// A page that goes takes its calls and its registration with it (TS 24.371 §6A.2): what is said now still leaves the
// browser, and nobody calls a phone that is not there. After a reload the page registers anew within a second.
window.addEventListener('pagehide', () => void phone?.wic.stop());

stopSecondTaps(document);
void offerWays();
const arrived = arrive();
if (arrived.session) void signIn(arrived.session);
else showWelcome(arrived.error ? signInWords(arrived.error) : '');
