/**
 * The list of applications, as it comes over a bootstrap channel (docs/bootstrap.md). It comes from a network that need not be
 * ours: what is not of the right form is left out.
 *
 * @typedef {object} ListedApplication
 * @property {string} id
 * @property {string} name
 * @property {string} icon a URL, of the Web or with the picture in it, or nothing
 * @property {string} etag
 * @property {boolean} autoload
 * @property {boolean} autolaunch
 * @property {'PRECALL' | 'INCALL'} phase
 * @property {boolean} worksWithoutPeer
 * @property {string} qosHint
 * @property {number} scenes 1 voice, 2 video, 3 both
 * @property {string | null} version
 * @property {number | null} validUntil in milliseconds since 1970
 * @property {string} provider
 * @property {string} sha256
 * @property {number} size
 * @property {string} signature
 * @property {boolean} personalData
 * @property {string} personalDataUrl a URL of the Web, or nothing
 *
 * @typedef {{ total: number, begin: number, peerHasDataChannels: boolean, applications: ListedApplication[] }} ListPage
 */

/** TS 26.114 §6.2.7.4: what `a=3gpp-qos-hint` may say. */
export const QOS_HINT = /^[\w-]+=[\d.]+(\/local:[\d.]+)?(;[\w-]+=[\d.]+(\/local:[\d.]+)?)*$/;
const MOST_TEXT = 256;
const MOST_PICTURE = 16 * 1024;

/**
 * @param {string} text
 * @returns {ListPage} throws a TypeError if it is no list
 */
export function parseList(text) {
  /** @type {any} */
  let list;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw new TypeError('The list of applications cannot be read', { cause: error });
  }
  if (!Array.isArray(list?.applications)) throw new TypeError('The list of applications cannot be read');
  const applications = list.applications.map(application).filter((/** @type {unknown} */ one) => one !== null);
  return {
    total: Number.isSafeInteger(list.totalAppNum) ? list.totalAppNum : applications.length,
    begin: Number.isSafeInteger(list.beginIndex) ? list.beginIndex : 0,
    peerHasDataChannels: list.ifPeerSupportDC === true,
    applications,
  };
}

/**
 * @param {any} one
 * @returns {ListedApplication | null}
 */
function application(one) {
  // Half a character is none: it could not be said in SDP.
  const word = (/** @type {unknown} */ value) => (typeof value === 'string' && value.length <= MOST_TEXT ? value.replace(/\p{Cs}/gu, '\uFFFD') : '');
  const id = word(one?.appid);
  // It becomes part of SDP and of a host's name.
  if (!/^[\w.-]{1,128}$/.test(id)) return null;
  const until = Date.parse(word(one.validUntil));
  return {
    id,
    name: word(one.appName).trim() || id,
    icon: pictureUrl(one.appIcon) || webUrl(one.appIcon),
    etag: word(one.etag),
    autoload: one.autoload === true || one.autolaunch === true,
    autolaunch: one.autolaunch === true,
    phase: one.phase === 'PRECALL' ? 'PRECALL' : 'INCALL',
    worksWithoutPeer: one.ifWorkWithoutPeerDC === true,
    qosHint: QOS_HINT.test(word(one['qos-hint'])) ? one['qos-hint'] : '',
    scenes: [1, 2, 3].includes(one.supportScene) ? one.supportScene : 3,
    version: word(one.version) || null,
    validUntil: Number.isNaN(until) ? null : until,
    provider: word(one.provider),
    sha256: word(one.sha256).toLowerCase(),
    size: Number.isSafeInteger(one.size) && one.size > 0 ? one.size : 0,
    signature: word(one.signature),
    personalData: one.personalData === true,
    personalDataUrl: webUrl(one.personalDataUrl),
  };
}

/** RFC 2397: a picture that is small enough to be in a list. @param {unknown} value */
function pictureUrl(value) {
  return typeof value === 'string' && value.length <= MOST_PICTURE && /^data:image\/(png|webp|jpeg|svg\+xml);base64,[\w+/]+=*$/.test(value) ? value : '';
}

/** @param {unknown} value */
function webUrl(value) {
  if (typeof value !== 'string' || value.length > 2048) return '';
  try {
    const url = new URL(value);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : '';
  } catch {
    return '';
  }
}

/**
 * Whether an application may be used in the call as it is now, and if not why not.
 * @param {ListedApplication} application
 * @param {{ established: boolean, video: boolean, peer: boolean | null, now: number }} call
 * @returns {'' | 'over' | 'phase' | 'scene' | 'peer'}
 */
export function hindrance({ validUntil, phase, scenes, worksWithoutPeer }, { established, video, peer, now }) {
  if (validUntil !== null && validUntil <= now) return 'over';
  if (phase === 'INCALL' ? !established : established) return 'phase';
  if (scenes === (video ? 1 : 2)) return 'scene';
  return peer === false && !worksWithoutPeer ? 'peer' : '';
}
