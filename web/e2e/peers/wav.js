// As much of a WAV file as a test wants to know.

/** The root mean square of 16-bit samples, 0 to 1. A file that is still being written will do. */
export function loudness(bytes) {
  const samples = data(bytes);
  const count = samples.length >> 1;
  if (count === 0) return 0;
  let sum = 0;
  for (let at = 0; at < count; at += 1) {
    const sample = samples.readInt16LE(at * 2) / 32768;
    sum += sample * sample;
  }
  return Math.sqrt(sum / count);
}

/** A tone at half loudness: 8 kHz, one channel, 16 bits. */
export function tone({ hertz, seconds }) {
  const rate = 8000;
  const count = rate * seconds;
  const bytes = Buffer.alloc(44 + count * 2);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(36 + count * 2, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20); // PCM
  bytes.writeUInt16LE(1, 22); // channels
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(rate * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(count * 2, 40);
  for (let at = 0; at < count; at += 1) {
    bytes.writeInt16LE(Math.round(16384 * Math.sin((2 * Math.PI * hertz * at) / rate)), 44 + at * 2);
  }
  return bytes;
}

/** What the `data` chunk holds; up to the end when its length is not written yet. */
function data(bytes) {
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = bytes.toString('latin1', at, at + 4);
    const length = bytes.readUInt32LE(at + 4);
    if (name === 'data') {
      const end = length === 0 ? bytes.length : Math.min(at + 8 + length, bytes.length);
      return bytes.subarray(at + 8, end);
    }
    at += 8 + length + (length & 1);
  }
  return bytes.subarray(0, 0);
}
