/**
 * What a data channel is, as SDP says it: `a=dcmap` and `a=dcsa` (RFC 8864 §5). No browser writes or reads them.
 *
 * @typedef {object} ChannelDescription
 * @property {number} id its SCTP stream
 * @property {string} label
 * @property {string} protocol
 * @property {boolean} ordered
 * @property {number | null} maxRetransmits how often a message is sent again; null: until it is there
 * @property {number | null} maxPacketLifeTime milliseconds for which a message is tried; null: until it is there
 * @property {number} priority 0 to 65535; 256 is the usual one
 */

/** RFC 8832 §5.1: the highest stream that a channel may have. */
export const LAST_ID = 65_534;
const USUAL_PRIORITY = 256;

/** RFC 8864 §5.1: what a quoted string may hold as it is. */
const VISIBLE = /^[ !#$&-~]$/;

/**
 * The value of `a=dcmap`; what is usual is left out.
 * @param {ChannelDescription} channel
 */
export function formatDcmap(channel) {
  const options = [];
  if (channel.protocol !== '') options.push(`subprotocol="${escape(channel.protocol)}"`);
  if (channel.label !== '') options.push(`label="${escape(channel.label)}"`);
  if (!channel.ordered) options.push('ordered=false');
  if (channel.maxRetransmits !== null) options.push(`max-retr=${channel.maxRetransmits}`);
  if (channel.maxPacketLifeTime !== null) options.push(`max-time=${channel.maxPacketLifeTime}`);
  if (channel.priority !== USUAL_PRIORITY) options.push(`priority=${channel.priority}`);
  return options.length === 0 ? String(channel.id) : `${channel.id} ${options.join(';')}`;
}

/**
 * RFC 8864 §5.1: reads the value of `a=dcmap`; null if it describes no channel that there can be.
 * @param {string} value
 * @returns {ChannelDescription | null}
 */
export function parseDcmap(value) {
  const match = /^\s*(\d{1,5})(?:\s+(.*))?$/.exec(value);
  if (!match || Number(match[1]) > LAST_ID) return null;
  const options = parseOptions(match[2] ?? '');
  const [label, protocol] = [unescape(options?.get('label') ?? ''), unescape(options?.get('subprotocol') ?? '')];
  const order = options?.get('ordered') ?? 'true';
  const maxRetransmits = number(options?.get('max-retr'), 0xffff_ffff);
  const maxPacketLifeTime = number(options?.get('max-time'), 0xffff_ffff);
  const priority = number(options?.get('priority') ?? String(USUAL_PRIORITY), 0xffff);
  if (options === null || label === null || protocol === null || (order !== 'true' && order !== 'false')) return null;
  if (maxRetransmits === undefined || maxPacketLifeTime === undefined || priority === undefined || priority === null) return null;
  // RFC 8864 §5.1.5: one of them at most.
  if (maxRetransmits !== null && maxPacketLifeTime !== null) return null;
  return { id: Number(match[1]), label, protocol, ordered: order === 'true', maxRetransmits, maxPacketLifeTime, priority };
}

/**
 * `name=value` or `name="value"`, with `;` between them; null if it is something else.
 * @param {string} text
 * @returns {Map<string, string> | null}
 */
function parseOptions(text) {
  /** @type {Map<string, string>} */
  const options = new Map();
  const option = /\s*([\w-]+)=(?:"([^"]*)"|([^";\s]*))\s*(?:;|$)/y;
  const end = text.trimEnd().length;
  while (option.lastIndex < end) {
    const match = option.exec(text);
    if (!match) return null;
    options.set(match[1].toLowerCase(), match[2] ?? match[3]);
  }
  return options;
}

/**
 * @param {string | undefined} text
 * @param {number} most
 * @returns {number | null | undefined} null if there is none, undefined if it is no number
 */
function number(text, most) {
  if (text === undefined) return null;
  return /^\d{1,10}$/.test(text) && Number(text) <= most ? Number(text) : undefined;
}

/** RFC 8864 §5.1: `%` and two digits stand for an octet of UTF-8. @param {string} text */
function escape(text) {
  let out = '';
  for (const letter of text) {
    if (VISIBLE.test(letter)) out += letter;
    else for (const octet of new TextEncoder().encode(letter)) out += `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

/** @param {string} text */
function unescape(text) {
  const octets = [];
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] !== '%') {
      octets.push(...new TextEncoder().encode(text[at]));
      continue;
    }
    const digits = text.slice(at + 1, at + 3);
    if (!/^[0-9a-f]{2}$/i.test(digits)) return null;
    octets.push(Number.parseInt(digits, 16));
    at += 2;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(new Uint8Array(octets));
  } catch {
    return null;
  }
}
