import { instanceUrn } from '../lib/sip/ids.js';

/**
 * What this tab remembers: which session is its own, and which phone it is. Two tabs are two people.
 */

const SESSION = 'session';
const INSTANCE = 'instance';

/**
 * Takes over what the sign-in left in the fragment, and clears it from the address.
 * @returns {{ session: string | null, error: string | null }}
 */
export function arrive() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const session = fragment.get('session');
  const error = fragment.get('error');
  if (session !== null || error !== null) history.replaceState(null, '', location.pathname + location.search);
  if (session !== null) remember(session);
  return { session: sessionStorage.getItem(SESSION), error };
}

/**
 * A session that begins is another phone.
 * @param {string} session
 */
export function remember(session) {
  sessionStorage.setItem(SESSION, session);
  sessionStorage.removeItem(INSTANCE);
}

export function forget() {
  sessionStorage.removeItem(SESSION);
  sessionStorage.removeItem(INSTANCE);
}

/**
 * RFC 5626 §4.1: the instance outlives a reload. A duplicated tab copies sessionStorage and would be the same phone
 * twice, so whoever holds the lock keeps the instance, and the other makes a new one.
 *
 * @returns {Promise<string>}
 */
export async function instance() {
  const kept = sessionStorage.getItem(INSTANCE);
  if (kept && (await hold(kept))) return kept;
  const made = instanceUrn();
  sessionStorage.setItem(INSTANCE, made);
  await hold(made);
  return made;
}

/**
 * @param {string} urn
 * @returns {Promise<boolean>} false if another tab is this instance
 */
function hold(urn) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks
      .request(urn, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        // Held until the tab closes.
        return lock === null ? undefined : new Promise(() => {});
      })
      .catch(() => resolve(true));
  });
}
