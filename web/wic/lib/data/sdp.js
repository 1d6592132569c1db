import { parseDcmap } from './dcmap.js';

/**
 * The m-line of data channels in the SDP that SIP carries (RFC 8841, RFC 8864). The browser keeps its own copy without
 * the channels.
 *
 * @typedef {import('./dcmap.js').ChannelDescription} ChannelDescription
 *
 * @typedef {object} RemoteChannel
 * @property {ChannelDescription} description
 * @property {string} map the line that says so
 * @property {string[]} attributes what `a=dcsa` says of it
 *
 * @typedef {object} DataSection
 * @property {boolean} refused the m-line has port 0
 * @property {Map<number, RemoteChannel>} channels
 * @property {string[]} applications the values of `a=3gpp-req-app` (TS 26.114 §6.2.10)
 */

/** RFC 8841 §4, and the forms that it had before. */
const DATA = /^m=application (\d+)\S* (?:(?:UDP|TCP)\/DTLS\/SCTP [^\r\n]*\bwebrtc-datachannel\b|DTLS\/SCTP \d+)/i;
const REFUSED = /^m=\S+ 0[ /]/;

/**
 * The m-line of data channels, the first that is not refused: a connection of a browser has one association.
 * @param {string} sdp
 * @returns {DataSection | null}
 */
export function readData(sdp) {
  const section = pick(sections(sdp));
  if (!section) return null;
  const lines = section.split(/\r?\n/);
  /** @type {DataSection} */
  const data = { refused: REFUSED.test(section), channels: new Map(), applications: [] };
  for (const line of lines) {
    const [name, value] = attribute(line);
    if (name === '3gpp-req-app') data.applications.push(value);
    if (name !== 'dcmap') continue;
    const description = parseDcmap(value);
    // Of two channels with one id neither can be had.
    if (!description) continue;
    if (data.channels.has(description.id)) data.channels.delete(description.id);
    else data.channels.set(description.id, { description, map: value.trim(), attributes: [] });
  }
  for (const line of lines) {
    const [name, value] = attribute(line);
    const match = name === 'dcsa' ? /^\s*(\d+) (.+)$/.exec(value) : null;
    // RFC 8864 §5.2.1: without a dcmap it is ignored.
    if (match) data.channels.get(Number(match[1]))?.attributes.push(match[2]);
  }
  return data;
}

/**
 * The same with these attributes (without `a=`) in its m-line of data channels.
 * @param {string} sdp
 * @param {string[]} attributes
 */
export function withChannels(sdp, attributes) {
  const all = sections(sdp, true);
  const picked = pick(all);
  const added = attributes.map((each) => `a=${each}\r\n`).join('');
  return all.map((section) => (section === picked ? `${section.replace(/(?:\r?\n)*$/, '\r\n')}${added}` : section)).join('');
}

/**
 * The same with port 0 in each m-line of data channels.
 * @param {string} sdp
 */
export function withoutData(sdp) {
  return sections(sdp, true).map((section) => (DATA.test(section) ? refused(section) : section)).join('');
}

/** @param {string[]} all */
function pick(all) {
  const data = all.filter((each) => DATA.test(each));
  return data.find((each) => !REFUSED.test(each)) ?? data[0];
}

/** @param {string} section */
function refused(section) {
  return section.replace(/^m=application \d+/, 'm=application 0');
}

/**
 * @param {string} sdp
 * @param {boolean} [whole] with what is before the first m-line
 */
function sections(sdp, whole = false) {
  return sdp.split(/(?=^m=)/m).slice(whole ? 0 : 1);
}

/** @param {string} line */
function attribute(line) {
  const match = /^a=([^:\s]+):(.*)$/.exec(line);
  return match ? [match[1], match[2]] : ['', ''];
}
