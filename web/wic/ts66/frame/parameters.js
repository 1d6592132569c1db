import { FIRST_APPLICATION_ID } from '../messages.js';
import { CHANNEL_INIT, ENDPOINTS } from '../names.js';
import { PRIORITIES } from './data-channel.js';

/** W3C WebRTC §6.1: a label or protocol has so many octets at most. */
const LONGEST_NAME = 65_535;

/**
 * Reads the arguments of createDataChannel as WebIDL and W3C WebRTC §6.1 have them, and then as IMS has.
 * @param {unknown} label
 * @param {unknown} init
 * @returns {import('../messages.js').ChannelParameters}
 */
export function channelParameters(label, init) {
  if (init !== undefined && init !== null && typeof init !== 'object' && typeof init !== 'function') throw new TypeError('RTCDataChannelInit is a dictionary');
  const given = /** @type {Record<string, unknown>} */ (init ?? {});
  const parameters = {
    label: text(label),
    protocol: text(given.protocol === undefined ? '' : given.protocol),
    ordered: given.ordered === undefined ? true : Boolean(given.ordered),
    maxRetransmits: short(given.maxRetransmits, 'maxRetransmits'),
    maxPacketLifeTime: short(given.maxPacketLifeTime, 'maxPacketLifeTime'),
    priority: PRIORITIES[member(given.priority, 'low', PRIORITIES, 'RTCPriorityType')],
    id: short(given.id, 'id'),
    negotiated: Boolean(given.negotiated),
    endpoint: ENDPOINTS[member(given[CHANNEL_INIT.endpoint], ENDPOINTS.ue, ENDPOINTS, 'RTCImsEndpoint')],
    qosHint: text(given[CHANNEL_INIT.qosHint] === undefined ? '' : given[CHANNEL_INIT.qosHint]),
  };
  for (const name of [parameters.label, parameters.protocol]) {
    if (new TextEncoder().encode(name).byteLength > LONGEST_NAME) throw new TypeError(`A label or protocol has at most ${LONGEST_NAME} octets`);
  }
  if (parameters.maxRetransmits !== null && parameters.maxPacketLifeTime !== null) throw new TypeError('maxRetransmits and maxPacketLifeTime exclude each other');
  if (parameters.negotiated && parameters.id === null) throw new TypeError('A negotiated channel needs its id');
  if (parameters.id === 65_535) throw new TypeError('An id is 65534 at most');
  // TS 26.114 §6.2.10: the ids below are not for applications.
  if (parameters.id !== null && parameters.id < FIRST_APPLICATION_ID) throw new DOMException(`An application's channels have ids from ${FIRST_APPLICATION_ID}`, 'OperationError');
  return parameters;
}

/**
 * WebIDL USVString.
 * @param {unknown} value
 */
function text(value) {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(`${/** @type {string} */ (value)}`));
}

/**
 * WebIDL `[EnforceRange] unsigned short`.
 * @param {unknown} value
 * @param {string} name
 */
function short(value, name) {
  if (value === undefined) return null;
  const number = Math.trunc(Number(value));
  if (!(number >= 0 && number <= 65_535)) throw new TypeError(`${name} is 0 to 65535`);
  return number;
}

/**
 * WebIDL: a value of an enumeration.
 * @template {object} T
 * @param {unknown} value
 * @param {keyof T} usual
 * @param {T} values
 * @param {string} name
 * @returns {keyof T}
 */
function member(value, usual, values, name) {
  if (value === undefined) return usual;
  const word = `${/** @type {string} */ (value)}`;
  if (!Object.hasOwn(values, word)) throw new TypeError(`${word} is no ${name}`);
  return /** @type {keyof T} */ (word);
}
