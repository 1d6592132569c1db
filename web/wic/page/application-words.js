/**
 * What the page says of applications; a sentence for each state, in one place.
 *
 * @typedef {import('./open-application.js').OpenApplication} OpenApplication
 * @typedef {import('./applications.js').Ask} Ask
 */

/**
 * What becomes of an application that is open.
 * @param {OpenApplication} open
 * @param {string} who the other party
 */
export function openWords(open, who) {
  if (open.hangs && open.state !== 'closed') return 'It does not answer. It can be closed.';
  switch (open.state) {
    case 'loading':
      return open.progress > 0 && open.progress < 1 ? `Loading, ${Math.round(open.progress * 100)} %` : 'Loading…';
    case 'agreeing':
      return 'It waits for you.';
    case 'starting':
      return 'Starting…';
    case 'failed':
    case 'closed':
      return endWords(open.why, who);
    case 'running':
      return [farWords(open, who), serverWords(open)].filter(Boolean).join(' ') || (open.byItself ? 'It began with the call.' : 'It is open.');
  }
}

/**
 * @param {OpenApplication} open
 * @param {string} who
 */
function farWords({ far, launchedBy, name, otherVersion, version }, who) {
  switch (far.ue) {
    case 'asked':
      return launchedBy === 'local' ? `${who} is asked whether to open it too.` : `Connecting to ${who}…`;
    case 'joined':
      return otherVersion ? `${who} uses it too, in version ${otherVersion}; yours is ${version}. It may not work as it should.` : `${who} uses it too.`;
    case 'refused':
      return `${who} did not open it.`;
    case 'unsupported':
      return `${who}’s phone cannot open applications.`;
    case 'failed':
      return `${name} lost its way to ${who}.`;
    case 'left':
      // It may be open there still: a channel that ends says no more than that.
      return `${who} is not connected to it any more.`;
    default:
      return '';
  }
}

/** @param {OpenApplication} open */
function serverWords({ far }) {
  switch (far.server) {
    case 'asked':
      return 'Connecting to its server…';
    case 'joined':
      return 'Connected to its server.';
    case 'refused':
    case 'unsupported':
      return 'There is no server for it.';
    case 'failed':
    case 'left':
      return 'Its server is not connected any more.';
    default:
      return '';
  }
}

/**
 * Why it is not there, or not any more.
 * @param {string} why
 * @param {string} who
 */
export function endWords(why, who) {
  if (why.startsWith('broken')) return 'It is broken and cannot be opened.';
  switch (why) {
    case 'not_found':
      return `It is neither among your applications nor among those that ${who}’s network offers.`;
    case 'not_given':
      return 'The network did not give it. Close it and try again.';
    case 'unverified':
      return 'It is not what the network says it is, and was not opened.';
    case 'flood':
      return 'It asked too much of this page and was closed.';
    case 'over':
      return 'Its validity has ended.';
    case 'unavailable':
      return 'It could not be started.';
    default:
      return 'It is closed.';
  }
}

/**
 * Why an application of the list cannot be opened now.
 * @param {ReturnType<import('./applications.js').Applications['hindrance']>} hindrance
 * @param {import('../runtime/list.js').ListedApplication} application
 * @param {string} who
 */
export function hindranceWords(hindrance, { phase, scenes }, who) {
  switch (hindrance) {
    case 'over':
      return 'Its validity has ended';
    case 'phase':
      return phase === 'PRECALL' ? 'Only before a call is answered' : 'Once the call is answered';
    case 'scene':
      return scenes === 2 ? 'Only in calls with video' : 'Only in calls without video';
    case 'peer':
      return `${who}’s phone cannot open applications`;
    case 'network':
      return 'Your network does not carry applications';
    case 'many':
      return 'Close another one first';
    default:
      return '';
  }
}

/**
 * Whose an application is, where another one of the list is called the same; and which of them, where that says nothing either.
 * @param {import('./shelf.js').Entry} entry
 * @param {readonly import('./shelf.js').Entry[]} entries
 */
export function providerWords({ application, developer }, entries) {
  const called = (/** @type {string} */ name) => name.trim().toLowerCase();
  const alike = entries.filter((other) => other.application.id !== application.id && !other.developer && called(other.application.name) === called(application.name));
  if (developer || alike.length === 0) return '';
  const same = alike.some((other) => other.application.provider === application.provider && other.application.version === application.version);
  return [application.provider && `From ${application.provider}`, same || !application.provider ? application.id : ''].filter(Boolean).join(', ');
}

/**
 * @param {Ask} ask
 * @param {string} who
 */
export function askWords({ name, from }, who) {
  return from === 'server' ? `A service of the network wants to open ${name} here.` : `${who} wants to use ${name} with you.`;
}

/**
 * What the list says of itself.
 * @param {'unknown' | 'looking' | 'known' | 'unavailable'} state
 * @param {number} count
 * @param {boolean} [rings] the call is not answered yet
 */
export function listWords(state, count, rings = false) {
  if (state === 'unknown' || state === 'looking') return rings ? 'Most applications are there once the call is answered.' : 'Looking for applications…';
  if (state === 'unavailable') return count > 0 ? 'Your network offers none in this call.' : 'There are no applications in this call.';
  return count > 0 ? '' : 'Your network offers no applications for this call.';
}

/**
 * What its author is told of application.toml.
 * @param {string} name
 * @param {readonly string[]} mistakes
 */
export function mistakeWords(name, mistakes) {
  return mistakes.length === 0 ? '' : `In application.toml ${mistakes.join('; ')}. ${name} runs without.`;
}
