// Diameter as the Cx interface needs it (RFC 6733 §3 and §4): headers and AVPs, nothing of peers.

export const VENDOR_3GPP = 10415;

/** One AVP. Numbers become Unsigned32, strings UTF-8, arrays of AVPs a Grouped AVP. */
export function avp(code, value, vendor = 0) {
  const data = payload(value);
  const header = vendor ? 12 : 8;
  const padded = (data.length + 3) & ~3;
  const bytes = Buffer.alloc(header + padded);
  bytes.writeUInt32BE(code, 0);
  bytes.writeUInt32BE(header + data.length, 4);
  bytes[4] = (vendor ? 0x80 : 0) | 0x40; // vendor-specific, mandatory
  if (vendor) bytes.writeUInt32BE(vendor, 8);
  data.copy(bytes, header);
  return bytes;
}

/** An AVP of 3GPP's. */
export const avp3gpp = (code, value) => avp(code, value, VENDOR_3GPP);

function payload(value) {
  if (Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return Buffer.concat(value);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  }
  return Buffer.from(value, 'utf8');
}

/** The AVPs in a buffer: code to values, in order. Throws on a length that cannot be. */
export function avps(bytes) {
  const found = new Map();
  for (let at = 0; at + 8 <= bytes.length; ) {
    const code = bytes.readUInt32BE(at);
    const length = bytes.readUInt32BE(at + 4) & 0xffffff;
    const header = bytes[at + 4] & 0x80 ? 12 : 8;
    if (length < header || at + length > bytes.length) throw new Error(`AVP ${code} runs over`);
    const values = found.get(code) ?? [];
    values.push(bytes.subarray(at + header, at + length));
    found.set(code, values);
    at += (length + 3) & ~3;
  }
  return found;
}

/** The first value of a code as text, or `''`. */
export const text = (found, code) => found.get(code)?.[0]?.toString('utf8') ?? '';

/** The first value of a code as a number, or `undefined`. */
export const number = (found, code) => found.get(code)?.[0]?.readUInt32BE(0);

/** The answer to a request: the same command, application and identifiers. */
export function answer(request, body) {
  const message = Buffer.alloc(20 + body.length);
  request.copy(message, 0, 0, 20);
  message.writeUInt32BE(20 + body.length, 0);
  message[0] = 1;
  message[4] = request[4] & 0x40; // no request; proxiable as it was
  body.copy(message, 20);
  return message;
}

/** Cuts a stream into messages: feed it chunks, it calls back with whole ones. */
export function framer(onMessage) {
  let pending = Buffer.alloc(0);
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 20) {
      const length = pending.readUInt32BE(0) & 0xffffff;
      if (length < 20) throw new Error('a Diameter message shorter than its header');
      if (pending.length < length) return;
      onMessage(pending.subarray(0, length));
      pending = pending.subarray(length);
    }
  };
}
