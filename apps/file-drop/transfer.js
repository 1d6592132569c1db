// One file over one channel: what it is, whether it is wanted, its bytes, and that they are there.
//
//   sender                                   receiver
//     { type: 'file', name, size, kind } ──────▶
//     ◀────────────────────── { type: 'take' }, or the channel is closed
//     bytes, bytes, bytes ─────────────────────▶
//     ◀────────────────────── { type: 'done' }

const PIECE = 16 * 1024;
const MOST_WAITING = 256 * 1024;
/** It is held in memory until it is saved. */
const LARGEST = 256 * 1024 * 1024;

export async function send(channel, file, row) {
  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = MOST_WAITING / 2;
  row.says(`to the other party, ${bytes(file.size)}: waiting`);
  row.offer({ Cancel: () => channel.close() });
  let done = false;
  channel.addEventListener('close', () => {
    row.offer({});
    if (!done) row.says('was not taken, or not to its end');
  });
  if (file.size > LARGEST) {
    row.says(`is too large: ${bytes(LARGEST)} at most`);
    done = true;
    channel.close();
    return;
  }
  channel.addEventListener('message', async ({ data }) => {
    const { type } = parsed(data);
    if (type === 'done') {
      done = true;
      row.progress(file.size, file.size);
      row.says(`is there, ${bytes(file.size)}`);
      channel.close();
    } else if (type === 'take') {
      row.says(`to the other party, ${bytes(file.size)}`);
      await pump(channel, file, row);
    }
  });
  if (channel.readyState !== 'open') await new Promise((resolve) => channel.addEventListener('open', resolve, { once: true }));
  channel.send(JSON.stringify({ type: 'file', name: file.name, size: file.size, kind: file.type }));
}

async function pump(channel, file, row) {
  for (let at = 0; at < file.size && channel.readyState === 'open'; at += PIECE) {
    const piece = await file.slice(at, at + PIECE).arrayBuffer();
    if (channel.bufferedAmount > MOST_WAITING) {
      await new Promise((resolve) => {
        channel.addEventListener('bufferedamountlow', resolve, { once: true });
        channel.addEventListener('close', resolve, { once: true });
      });
    }
    if (channel.readyState !== 'open') return;
    channel.send(piece);
    row.progress(Math.min(at + PIECE, file.size) - channel.bufferedAmount, file.size);
  }
}

export function receive(channel, row) {
  channel.binaryType = 'arraybuffer';
  let file = null;
  let taken = false;
  let received = 0;
  let pieces = [];
  channel.addEventListener('close', () => {
    if (file && received < file.size) {
      row.says('did not come to its end');
      row.offer({});
    }
  });
  channel.addEventListener('message', ({ data }) => {
    if (file === null) {
      const { type, name, size, kind } = parsed(data);
      if (type !== 'file' || typeof name !== 'string' || !Number.isSafeInteger(size) || size < 0 || size > LARGEST) {
        channel.close();
        return;
      }
      file = { name, size, kind: String(kind) };
      row.named(name);
      row.says(`from the other party, ${bytes(size)}`);
      row.offer({
        Take: () => {
          taken = true;
          row.offer({ Cancel: () => channel.close() });
          channel.send(JSON.stringify({ type: 'take' }));
          if (size === 0) over();
        },
        Decline: () => {
          row.says('was declined');
          channel.close();
          row.offer({});
          file = null;
        },
      });
      return;
    }
    if (!taken || !(data instanceof ArrayBuffer) || received + data.byteLength > file.size) {
      channel.close();
      return;
    }
    pieces.push(data);
    received += data.byteLength;
    row.progress(received, file.size);
    if (received === file.size) over();
  });

  function over() {
    channel.send(JSON.stringify({ type: 'done' }));
    const blob = new Blob(pieces, { type: file.kind });
    pieces = [];
    row.says(`is here, ${bytes(file.size)}`);
    row.offer({
      Save: async () => {
        if (await application.saveFile(file.name, blob)) row.says(`was saved, ${bytes(file.size)}`);
      },
    });
  }
}

function parsed(data) {
  try {
    return Object(JSON.parse(data));
  } catch {
    return {};
  }
}

export function bytes(count) {
  const units = ['bytes', 'kB', 'MB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
