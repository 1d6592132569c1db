import { Failure } from './failure.js';
import { digits, Uri } from './sip/uri.js';

/**
 * What a person typed, as the address that is called: a URI is taken as it is, digits are a telephone number, an
 * address with '@' a SIP address, and a bare name a person at home.
 *
 * @param {string} text
 * @param {string} homeDomain
 * @returns {Uri}
 */
export function dialled(text, homeDomain) {
  const typed = text.trim();
  try {
    if (/^(sips?|tel|urn):/i.test(typed)) return withContext(Uri.parse(typed), homeDomain);
    const number = digits(typed);
    if (/^\+?[0-9*#]+$/.test(number)) return withContext(Uri.parse(`tel:${number}`), homeDomain);
    if (/^[^\s@]+@[^\s@]+$/.test(typed)) return Uri.parse(`sip:${typed}`);
    if (/^[A-Za-z0-9._~!$'*-]+$/.test(typed)) return Uri.parse(`sip:${typed.toLowerCase()}@${homeDomain}`);
  } catch {
    // Said below in words.
  }
  throw new Failure('bad_number');
}

/**
 * RFC 3966 §5.1.5, TS 24.229 §5.1.2A.1.5: a local number says where it is local.
 * @param {Uri} uri
 * @param {string} homeDomain
 */
function withContext(uri, homeDomain) {
  if (uri.scheme === 'tel' && !uri.user.startsWith('+') && !uri.params.has('phone-context')) {
    uri.params.set('phone-context', homeDomain);
  }
  return uri;
}

/**
 * An address as people say it: the name before the '@', the number, or what there is.
 * @param {Uri} uri
 */
export function spoken(uri) {
  if (uri.scheme === 'tel') return digits(uri.user);
  if (uri.scheme === 'sip' || uri.scheme === 'sips') {
    const user = uri.user.split(';')[0];
    if (user === 'anonymous' || user === '') return user === '' ? uri.host : 'Hidden number';
    try {
      return decodeURIComponent(user);
    } catch {
      return user;
    }
  }
  return uri.toString();
}
