/**
 * Which application a channel belongs to, and who is at its other end: `a=3gpp-req-app` (TS 26.114 §6.2.10).
 *
 * @typedef {'ue' | 'server'} Endpoint the other party's UE, or a data channel application server
 * @typedef {{ id: string, endpoint: Endpoint }} ChannelApplication
 */

/** What an application may be called: a token (RFC 8866 §9) of a length that fits into SDP. */
export const APPLICATION_ID = /^[\w!#$%&'*+.^`{|}~-]{1,128}$/;

// Deviates: the grammar of this attribute could not be had; `<id>:` before an endpoint says which channel it is, since all of
// a browser's channels share one m-line. An endpoint without it is that of each channel.
/**
 * The values for these channels, one an application: `menu;adc-stream-id-endpoint=1000:Server,1002:UE`.
 * @param {{ id: number, application: ChannelApplication | null }[]} channels
 * @returns {string[]}
 */
export function formatReqApp(channels) {
  /** @type {Map<string, string[]>} */
  const applications = new Map();
  for (const { id, application } of channels) {
    if (!application) continue;
    const endpoints = applications.get(application.id) ?? [];
    endpoints.push(`${id}:${application.endpoint === 'server' ? 'Server' : 'UE'}`);
    applications.set(application.id, endpoints);
  }
  return [...applications].map(([id, endpoints]) => `${id};adc-stream-id-endpoint=${endpoints.join(',')}`);
}

/**
 * The application of one channel, as these values say.
 * @param {readonly string[]} values
 * @param {number} channel
 * @returns {ChannelApplication | null}
 */
export function applicationOf(values, channel) {
  /** @type {ChannelApplication | null} */
  let whole = null;
  for (const value of values) {
    const [name, ...parameters] = value.trim().split(/[; ]+/);
    const id = name.replace(/^"(.*)"$/, '$1');
    if (!APPLICATION_ID.test(id)) continue;
    const list = parameters.map((each) => /^adc-stream-id-endpoint=(.*)$/i.exec(each)?.[1]).find((each) => each !== undefined);
    if (list === undefined) whole ??= { id, endpoint: 'ue' };
    for (const each of list?.split(',') ?? []) {
      const [, stream, word] = /^(?:(\d{1,5}):)?(\w+)$/.exec(each.trim()) ?? [];
      const endpoint = /^server$/i.test(word) ? /** @type {const} */ ('server') : /** @type {const} */ ('ue');
      if (stream !== undefined && Number(stream) === channel) return { id, endpoint };
      if (stream === undefined && word !== undefined) whole ??= { id, endpoint };
    }
  }
  return whole;
}
