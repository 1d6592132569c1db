// Scenarios of SIPp that change a call, put together from acts: what a file a scenario would say over and over.

/**
 * @typedef {object} Act
 * @property {'INVITE'|'UPDATE'} method
 * @property {string[]} [media]  the m-lines with their attributes; without them there is no offer
 * @property {string[]} [expect] what the answer (of a re-INVITE without offer: the offer) must match
 * @property {string[]} [answer] the m-lines in the ACK, where the offer came in the 200
 * @property {number} [after]    so long after the act before, in milliseconds
 */

/** G.711 and telephone events from SIPp's own stream; `more` are attributes. */
export const audio = (direction = 'sendrecv', port = '[rtpstream_audio_port]') => [
  `m=audio ${port} RTP/AVP 8 101`,
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  `a=${direction}`,
];

/** VP8 at a port where somebody listens; 0 drops it. */
export const video = (port) => [`m=video ${port} RTP/AVPF 97`, 'a=rtpmap:97 VP8/90000', 'a=rtcp-fb:97 nack pli'];

/** Data channels at a port where nobody answers; 0 drops them. */
export const channels = (port, more = []) => [
  `m=application ${port} UDP/DTLS/SCTP webrtc-datachannel`,
  'a=sctp-port:5000',
  'a=max-message-size:65536',
  'a=setup:actpass',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`,
  ...more,
];

/**
 * Calls, sends a tone, does each act in order, and waits to be hung up.
 * @param {Act[]} acts
 */
export function changes(acts) {
  const lines = [
    '<?xml version="1.0" encoding="UTF-8" ?>',
    '<scenario name="changes">',
    request('INVITE', 1, { description: description(1, audio()), first: true }),
    '<recv response="100" optional="true" />',
    '<recv response="180" optional="true" timeout="15000" />',
    '<recv response="200" rrs="true" timeout="15000"><action>',
    '<ereg regexp=".*" search_in="hdr" header="To:" check_it="true" assign_to="remote" />',
    '</action></recv>',
    ack(1),
    '<nop><action><exec rtp_stream="tone.alaw,-1,8,PCMA/8000" /></action></nop>',
  ];
  acts.forEach((act, index) => {
    const number = index + 2;
    const offer = act.media && description(number, act.media);
    lines.push(`<pause milliseconds="${act.after ?? 2_500}" />`);
    lines.push(request(act.method, number, { description: offer }));
    lines.push('<recv response="100" optional="true" />');
    const checks = (act.expect ?? []).map(
      (regexp, at) =>
        `<ereg regexp="${regexp}" search_in="body" check_it="true" assign_to="seen${number}x${at}" />`,
    );
    lines.push(`<recv response="200"><action>${checks.join('')}</action></recv>`);
    const names = checks.map((_, at) => `seen${number}x${at}`);
    if (names.length) lines.push(`<Reference variables="${names.join(',')}" />`);
    if (act.method === 'INVITE') lines.push(ack(number, act.answer && description(number, act.answer)));
  });
  lines.push('<recv request="BYE" timeout="30000" />', OK, '</scenario>');
  return lines.join('\n');
}

/**
 * Is called, and answers the call and each change of it in order: what it is offered is looked at first. Then it waits to be hung up.
 * @param {{expect: string[], media: string[]}[]} acts
 * @param {string[]} [asserted] who is there after that, one after the other, as a network asserts it that hands calls over (RFC 3325 §9.1)
 */
export function answers(acts, asserted = []) {
  const lines = ['<?xml version="1.0" encoding="UTF-8" ?>', '<scenario name="answers">'];
  acts.forEach(({ expect, media }, index) => {
    const names = expect.map((_, at) => `seen${index}x${at}`);
    const checks = expect.map(
      (regexp, at) => `<ereg regexp="${regexp}" search_in="body" check_it="true" assign_to="${names[at]}" />`,
    );
    if (asserted.length > 0 && index === 0) checks.push('<ereg regexp=".*" search_in="hdr" header="From:" check_it="true" assign_to="remote" />');
    lines.push(`<recv request="INVITE" crlf="true" timeout="40000"${index ? '' : ' rrs="true"'}><action>${checks.join('')}</action></recv>`);
    lines.push(`<Reference variables="${names.join(',')}" />`);
    lines.push(
      send(
        [
          'SIP/2.0 200 OK',
          ...['[last_Via:]', '[last_From:]', index ? '[last_To:]' : '[last_To:];tag=sipp[call_number]'],
          ...['[last_Call-ID:]', '[last_CSeq:]', '[last_Record-Route:]', CONTACT],
        ],
        description(index + 1, media),
        ' retrans="500"',
      ),
    );
    lines.push('<recv request="ACK" crlf="true" />');
  });
  asserted.forEach((each, index) => {
    lines.push(request('UPDATE', index + 1, { more: [`P-Asserted-Identity: ${each}`] }), '<recv response="200" />');
  });
  lines.push('<recv request="BYE" timeout="30000" />', OK, '</scenario>');
  return lines.join('\n');
}

const description = (version, media) =>
  ['v=0', `o=sipp 1 ${version} IN IP4 [local_ip]`, 's=-', 'c=IN IP4 [media_ip]', 't=0 0', ...media].join('\n');

const CONTACT = 'Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>';

function request(method, number, { description: body, first = false, more = [] }) {
  return send(
    [
      `${method} ${first ? '[target]' : '[next_url]'} SIP/2.0`,
      'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport',
      'Max-Forwards: 70',
      first ? 'Route: <sip:[remote_ip]:[remote_port];lr>' : '[routes]',
      'From: <[aor]>;tag=sipp[call_number]',
      first ? 'To: <[target]>' : 'To: [$remote]',
      'Call-ID: [call_id]',
      `CSeq: ${number} ${method}`,
      CONTACT,
      'Allow: INVITE, ACK, CANCEL, BYE, UPDATE',
      ...more,
    ],
    body,
    method === 'ACK' ? '' : ' retrans="500"',
  );
}

function ack(number, body) {
  return send(
    [
      'ACK [next_url] SIP/2.0',
      'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport',
      'Max-Forwards: 70',
      '[routes]',
      'From: <[aor]>;tag=sipp[call_number]',
      'To: [$remote]',
      'Call-ID: [call_id]',
      `CSeq: ${number} ACK`,
    ],
    body,
    '',
  );
}

function send(header, body, attributes) {
  const length = body ? ['Content-Type: application/sdp', 'Content-Length: [len]'] : ['Content-Length: 0'];
  const text = [...header, ...length, '', body ?? ''].join('\n');
  return `<send${attributes}><![CDATA[\n${text}\n]]></send>`;
}

const OK = send(
  ['SIP/2.0 200 OK', '[last_Via:]', '[last_From:]', '[last_To:]', '[last_Call-ID:]', '[last_CSeq:]', CONTACT],
  undefined,
  '',
);
