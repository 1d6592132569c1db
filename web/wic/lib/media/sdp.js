/**
 * The little that a WIC itself does to SDP; everything else is the browser's.
 */

/**
 * TS 24.371 §7.2.2 c): each RTP m-line of an offer asks for end-to-access-edge protection. For the SIP copy only:
 * the browser keeps what it made.
 *
 * @param {string} sdp
 */
export function requestEdgeProtection(sdp) {
  const lines = sdp.split(/\r?\n/).filter((line) => line !== '');
  const out = [];
  let pending = false;
  for (const line of lines) {
    if (line.startsWith('m=')) {
      if (pending) out.push('a=3ge2ae:requested');
      pending = /^m=\S+ \S+ UDP\/TLS\/RTP\/SAVPF? /.test(line);
    }
    out.push(line);
  }
  if (pending) out.push('a=3ge2ae:requested');
  return `${out.join('\r\n')}\r\n`;
}

/**
 * The direction of each m-line of a kind, as its writer sees it; m-lines with port 0 are left out (RFC 3264 §5.1, §8.2).
 *
 * @param {string} sdp
 * @param {'audio' | 'video'} kind
 * @returns {('sendrecv' | 'sendonly' | 'recvonly' | 'inactive')[]}
 */
export function directions(sdp, kind) {
  const sections = sdp.split(/\r?\n(?=m=)/);
  const whole = direction(sections[0]) ?? 'sendrecv';
  return sections
    .slice(1)
    .filter((section) => section.startsWith(`m=${kind} `) && !/^m=\S+ 0[ /]/.test(section))
    .map((section) => direction(section) ?? whole);
}

/**
 * True if the writer of this wants to be seen.
 * @param {string} sdp
 */
export function showsVideo(sdp) {
  return directions(sdp, 'video').some((each) => each === 'sendrecv' || each === 'sendonly');
}

/**
 * The same with port 0 in each m-line for video.
 * @param {string} sdp
 */
export function withoutVideo(sdp) {
  return sdp.replace(/^m=video \d+/gm, 'm=video 0');
}

/** @param {string} section */
function direction(section) {
  const match = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(section);
  return match ? /** @type {'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'} */ (match[1]) : undefined;
}
