// A peer of data channels over the W3C's API, whoever implements it: a browser's page, node-datachannel, werift.

/**
 * Makes one. It runs in a page too, so it knows nothing but its arguments. `tell` hears of what happens, in the words that the
 * peers in processes of their own print: open, text, binary, file, sent, closed, failed.
 *
 * A channel whose label begins with «echo» gives back what comes, at the side that did not open it.
 */
export function makeW3cPeer({ RTCPeerConnection, configuration, audio: hasAudio, tell }) {
  const MESSAGE = 16 * 1024;
  const ROOM = 1024 * 1024;
  const connection = new RTCPeerConnection(configuration);
  const channels = new Map();
  const files = new Map();
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const sha256 = async (parts) => {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return hex(new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', whole)));
  };
  // A flood is a file that nobody looks at: it is measured, not compared.
  const isFlood = (label) => label.startsWith('file flood');
  const bytesOf = (data) => new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);

  connection.ondatachannel = ({ channel }) => follow(channel, false);
  connection.onconnectionstatechange = () => {
    if (connection.connectionState === 'failed') tell({ event: 'failed', reason: 'the connection failed' });
  };

  function follow(channel, ours) {
    const { label } = channel;
    channels.set(label, channel);
    channel.binaryType = 'arraybuffer';
    const opened = () => tell({ event: 'open', label, protocol: channel.protocol });
    if (channel.readyState === 'open') opened();
    else channel.onopen = opened;
    channel.onclose = () => {
      if (channels.get(label) === channel) channels.delete(label);
      tell({ event: 'closed', label });
    };
    channel.onmessage = ({ data }) => {
      if (label.startsWith('file')) return void take(label, data);
      if (label.startsWith('echo') && !ours) return void channel.send(typeof data === 'string' ? data : bytesOf(data));
      if (typeof data === 'string') tell({ event: 'text', label, text: data });
      else tell({ event: 'binary', label, hex: hex(bytesOf(data)) });
    };
  }

  /** A file is its messages up to the word «end». */
  async function take(label, data) {
    if (!files.has(label)) files.set(label, { size: 0, parts: [], begun: performance.now() });
    const file = files.get(label);
    if (typeof data !== 'string') {
      const part = bytesOf(data);
      file.size += part.length;
      if (!isFlood(label)) file.parts.push(part.slice());
      return;
    }
    files.delete(label);
    const seconds = (performance.now() - file.begun) / 1000;
    tell({ event: 'file', label, size: file.size, sha256: await sha256(file.parts), seconds });
  }

  const description = async (made) => {
    await connection.setLocalDescription(made);
    if (connection.iceGatheringState !== 'complete') {
      // The gateway learns from checks where we are: candidates that take long are not waited for.
      await new Promise((resolve) => {
        const late = setTimeout(resolve, 500);
        connection.onicegatheringstatechange = () => {
          if (connection.iceGatheringState !== 'complete') return;
          clearTimeout(late);
          resolve();
        };
      });
    }
    return connection.localDescription.sdp;
  };

  return {
    async offer({ audio = hasAudio } = {}) {
      if (audio) connection.addTransceiver('audio', { direction: 'sendrecv' });
      return description(await connection.createOffer());
    },
    async answer({ sdp }) {
      await connection.setRemoteDescription({ type: 'offer', sdp });
      return description(await connection.createAnswer());
    },
    async answered({ sdp }) {
      await connection.setRemoteDescription({ type: 'answer', sdp });
    },
    open({ label, protocol = '', id }) {
      // A number without `negotiated` is for who takes it so.
      follow(connection.createDataChannel(label, { protocol, id }), true);
    },
    send({ label, text, hex: octets }) {
      channels.get(label).send(text ?? unhex(octets));
    },
    async file({ label, size }) {
      const channel = channels.get(label);
      const parts = [];
      let state = size;
      for (let sent = 0; sent < size; ) {
        const part = new Uint8Array(Math.min(MESSAGE, size - sent));
        for (let index = 0; index < part.length && !isFlood(label); index += 1) {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          part[index] = state >>> 24;
        }
        // Some tell no event when there is room again.
        while (channel.bufferedAmount > ROOM) await new Promise((resolve) => setTimeout(resolve, 1));
        channel.send(part);
        if (!isFlood(label)) parts.push(part);
        sent += part.length;
      }
      channel.send('end');
      tell({ event: 'sent', label, size, sha256: await sha256(parts) });
    },
    shut({ label }) {
      channels.get(label).close();
    },
    end() {
      connection.close();
    },
  };
}
