/**
 * Writes a ZIP archive (PKWARE's APPNOTE 6.3) whose entries are stored as they are.
 *
 * @param {{ name: string, bytes: Uint8Array<ArrayBuffer> }[]} entries
 * @returns {ArrayBuffer}
 */
export function archive(entries) {
  const named = entries.map(({ name, bytes }) => ({ name: new TextEncoder().encode(name), bytes, sum: crc32(bytes) }));
  const local = named.reduce((size, { name, bytes }) => size + 30 + name.byteLength + bytes.byteLength, 0);
  const central = named.reduce((size, { name }) => size + 46 + name.byteLength, 0);
  const whole = new Uint8Array(local + central + 22);
  const view = new DataView(whole.buffer);
  let at = 0;
  let entry = local;
  for (const { name, bytes, sum } of named) {
    // APPNOTE 4.3.7, 4.3.12: the same fields in both, names in UTF-8, at the beginning of DOS's time.
    const fields = (/** @type {number} */ to) => {
      view.setUint16(to, 20, true);
      view.setUint16(to + 2, 0x0800, true);
      view.setUint16(to + 8, 0x21, true);
      view.setUint32(to + 10, sum, true);
      view.setUint32(to + 14, bytes.byteLength, true);
      view.setUint32(to + 18, bytes.byteLength, true);
      view.setUint16(to + 22, name.byteLength, true);
    };
    view.setUint32(entry, 0x02014b50, true);
    view.setUint16(entry + 4, 20, true);
    fields(entry + 6);
    view.setUint32(entry + 42, at, true);
    whole.set(name, entry + 46);
    entry += 46 + name.byteLength;
    view.setUint32(at, 0x04034b50, true);
    fields(at + 4);
    whole.set(name, at + 30);
    whole.set(bytes, at + 30 + name.byteLength);
    at += 30 + name.byteLength + bytes.byteLength;
  }
  view.setUint32(entry, 0x06054b50, true);
  view.setUint16(entry + 8, named.length, true);
  view.setUint16(entry + 10, named.length, true);
  view.setUint32(entry + 12, central, true);
  view.setUint32(entry + 16, local, true);
  return whole.buffer;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ TABLE[(sum ^ byte) & 0xff];
  return (sum ^ 0xffffffff) >>> 0;
}
