import { spoken } from '../lib/dial.js';
import { WORDS } from '../lib/failure.js';
import { Uri } from '../lib/sip/uri.js';

/** What the live region says; a sentence for each state, in one place. */

/** @param {import('../lib/call/call.js').Call} call */
export function callWords(call) {
  const { who } = call;
  switch (call.state) {
    case 'preparing':
    case 'calling':
      return `Calling ${who}`;
    case 'ringing':
      return `Ringing ${who}`;
    case 'incoming':
      return `${who} is calling`;
    case 'answering':
      return `Answering ${who}`;
    case 'connected':
      if (call.interrupted) return `The sound of the call with ${who} is interrupted. Trying to come back…`;
      if (call.held) return `${who} is on hold`;
      if (call.heldByRemote) return `${who} has put you on hold`;
      if (call.videoRequest) return `${who} wants to add video`;
      // The other side may have to decide first, and that takes its time.
      if (call.media.offersVideo) return `Asking ${who} for video…`;
      return `In a call with ${who}${call.hasVideo ? ', with video' : ''}${call.muted ? ', you are muted' : ''}`;
    case 'ended':
      return call.failure ? call.failure.message : `The call with ${who} has ended`;
  }
}

/**
 * The words for a call that has ended, and for the network if that was lost with it.
 * @param {string} ended
 * @param {import('../lib/wic.js').WicStatus} status
 */
export function lastWords(ended, status) {
  if (status !== 'reconnecting') return ended;
  return sentences([ended, ended === WORDS.network_gone ? 'Trying to come back…' : statusWords(status, '')]);
}

/**
 * The words for the call in front and the one beside it; what is new comes first.
 * @param {import('../lib/call/call.js').Call} front
 * @param {import('../lib/call/call.js').Call | null} second
 */
export function callsWords(front, second) {
  if (!second) return callWords(front);
  const both = [callWords(front), callWords(second)];
  if (second.state === 'incoming') both.reverse();
  return sentences(both);
}

/**
 * What the chat says of itself.
 * @param {'opening' | 'open' | 'theirs' | 'closed' | import('../lib/failure.js').FailureCode} what
 * @param {string} who
 */
export function chatWords(what, who) {
  switch (what) {
    case 'opening':
      return 'Chat opens…';
    case 'open':
      return `You can write to ${who} now.`;
    case 'theirs':
      return `${who} has opened a chat.`;
    case 'closed':
      return 'The chat is closed.';
    case 'channels_unsupported':
      return `${who}’s phone can’t chat.`;
    case 'channel_refused':
      return `${who} did not accept the chat.`;
    default:
      return 'The chat broke off.';
  }
}

/**
 * What becomes of a file.
 * @param {import('../lib/data/file-channel.js').FileTransfer} file
 * @param {boolean} ours
 */
export function fileWords({ state, size, reason }, ours) {
  if (state === 'moving') return `${ours ? 'Sending' : 'Coming'}, ${sizeWords(size)}`;
  if (state === 'done') return ours ? `Delivered, ${sizeWords(size)}` : '';
  return `Not delivered: ${reason}`;
}

/** @param {number} octets */
export function sizeWords(octets) {
  if (octets < 1_000) return `${octets} bytes`;
  const [unit, name] = octets < 1_000_000 ? [1_000, 'kB'] : octets < 1_000_000_000 ? [1_000_000, 'MB'] : [1_000_000_000, 'GB'];
  const many = octets / unit;
  return `${many < 10 ? many.toFixed(1) : Math.round(many)} ${name}`;
}

/**
 * Several sentences as one text.
 * @param {string[]} each
 */
export function sentences(each) {
  return each.map((words) => words.replace(/\.$/, '')).join('. ');
}

/**
 * @param {import('../lib/wic.js').WicStatus} status
 * @param {string} name
 */
export function statusWords(status, name) {
  switch (status) {
    case 'connecting':
      return 'Connecting…';
    case 'registering':
      return 'Registering…';
    case 'registered':
      return `Registered as ${name}`;
    case 'reconnecting':
      return 'The network was lost. Trying to come back…';
    case 'refused':
      return 'The service did not accept this account.';
    case 'stopped':
      return 'Signed out';
  }
}

/**
 * The words for what the sign-in brought back in the fragment.
 * @param {string} code
 */
export function signInWords(code) {
  if (code === 'pool_exhausted' || code === 'too_many_guests') return WORDS[code];
  if (code === 'unavailable') return 'The service is busy or down. Try again in a moment.';
  return code === 'access_denied' ? 'Signing in was refused.' : 'Signing in did not work. Try again.';
}

/**
 * An account's identities as people write them: alice@home, +1555…
 * @param {string[]} impus
 */
export function identityWords(impus) {
  return impus
    .map((impu) => {
      try {
        const uri = Uri.parse(impu);
        return uri.scheme === 'tel' ? spoken(uri) : impu.replace(/^sips?:/, '');
      } catch {
        return impu;
      }
    })
    .join(' · ');
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  const rest = String(seconds % 60).padStart(2, '0');
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}
