/**
 * Unpacks a package: a ZIP archive (PKWARE's APPNOTE 6.3) whose entries are stored or deflated. The enabler has looked into it;
 * what comes here is looked into again, since a list need not be the enabler's.
 */

/** The same as the enabler's. */
export const ARCHIVE_LIMITS = { packed: 16 * 1024 * 1024, unpacked: 64 * 1024 * 1024, entries: 2048 };

const BROKEN = 'is no whole ZIP archive';

/**
 * @param {ArrayBuffer} buffer
 * @param {typeof ARCHIVE_LIMITS} [limits]
 * @returns {Promise<Map<string, Uint8Array<ArrayBuffer>>>} rejects with an Error whose message is the end of a sentence that begins with "the package"
 */
export async function unpack(buffer, limits = ARCHIVE_LIMITS) {
  if (buffer.byteLength > limits.packed) throw new Error('is larger than a package may be');
  const view = new DataView(buffer);
  const entries = readDirectory(view, limits);
  /** @type {Map<string, Uint8Array<ArrayBuffer>>} */
  const files = new Map();
  for (const { name, method, packed, size } of entries) {
    if (name.endsWith('/')) continue;
    if (files.has(name)) throw new Error('has two entries of one name');
    files.set(name, method === 0 ? packed.slice() : await inflate(packed, size));
    if (files.get(name)?.byteLength !== size) throw new Error('has an entry that is not as long as it says');
  }
  if (!files.has('index.html')) throw new Error('has no index.html');
  return files;
}

/**
 * APPNOTE 4.3.12, 4.3.16
 * @param {DataView<ArrayBuffer>} view
 * @param {typeof ARCHIVE_LIMITS} limits
 */
function readDirectory(view, limits) {
  const END = 22;
  let at = view.byteLength - END;
  while (at >= 0 && !(view.getUint32(at, true) === 0x06054b50 && at + END + view.getUint16(at + 20, true) === view.byteLength)) at -= 1;
  if (at < 0) throw new Error(BROKEN);
  const count = view.getUint16(at + 10, true);
  if (count > limits.entries) throw new Error('has more entries than a package may have');
  let room = limits.unpacked;
  let entry = view.getUint32(at + 16, true);
  const entries = [];
  try {
    for (let index = 0; index < count; index += 1) {
      if (view.getUint32(entry, true) !== 0x02014b50) throw new RangeError();
      if ((view.getUint16(entry + 8, true) & 0x2041) !== 0) throw new Error('has encrypted entries');
      const method = view.getUint16(entry + 10, true);
      if (method !== 0 && method !== 8) throw new Error('is packed by a method other than deflate');
      const length = view.getUint32(entry + 20, true);
      const size = view.getUint32(entry + 24, true);
      room -= size;
      if (room < 0) throw new Error('unpacks to more than a package may be');
      const nameLength = view.getUint16(entry + 28, true);
      const header = view.getUint32(entry + 42, true);
      const name = new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(view.buffer, entry + 46, nameLength));
      if (!isSafe(name)) throw new Error('has a name that leads out of its folder, or could');
      entry += 46 + nameLength + view.getUint16(entry + 30, true) + view.getUint16(entry + 32, true);
      if (view.getUint32(header, true) !== 0x04034b50) throw new RangeError();
      const begin = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
      entries.push({ name, method, size, packed: new Uint8Array(view.buffer, begin, length) });
    }
  } catch (error) {
    throw error instanceof RangeError || error instanceof TypeError ? new Error(BROKEN, { cause: error }) : error;
  }
  return entries;
}

/** @param {string} name */
function isSafe(name) {
  const parts = name.replace(/\/$/, '').split('/');
  // eslint-disable-next-line no-control-regex
  return name.length <= 255 && !/[\\:\u0000-\u001f\u007f]/.test(name) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
}

/**
 * @param {Uint8Array<ArrayBuffer>} packed
 * @param {number} size what it says that it unpacks to; more is not taken
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function inflate(packed, size) {
  const unpacked = new Uint8Array(size);
  let at = 0;
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (at + value.byteLength > size) throw new Error('has an entry that is not as long as it says');
      unpacked.set(value, at);
      at += value.byteLength;
    }
  } catch (error) {
    void reader.cancel().catch(() => {});
    throw error instanceof TypeError ? new Error(BROKEN, { cause: error }) : error;
  }
  if (at !== size) throw new Error('has an entry that is not as long as it says');
  return unpacked;
}
