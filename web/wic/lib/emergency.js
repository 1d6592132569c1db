import { digits } from './sip/uri.js';

/**
 * TS 22.101 §10.1.1: the numbers that a phone without a SIM takes as emergency numbers, which is what a WIC is.
 */
export const EMERGENCY_NUMBERS = Object.freeze(['000', '08', '110', '112', '118', '119', '911', '999']);

/**
 * TS 24.371 §7.2.4: a WIC shall not attempt a call that it can tell is an emergency call.
 *
 * @param {import('./sip/uri.js').Uri} uri
 * @param {readonly string[]} [numbers]
 */
export function isEmergency(uri, numbers = EMERGENCY_NUMBERS) {
  // RFC 5031 §4.2: the sos service and all below it.
  if (uri.scheme === 'urn') return /^service:sos(\.|$)/i.test(uri.user);
  const dialled = digits(uri.scheme === 'tel' ? uri.user : uri.user.split(';')[0]);
  return numbers.includes(dialled);
}
