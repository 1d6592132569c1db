// One channel to the other party: who has opened the application opens it. Values travel in JSON.

export class Peer extends EventTarget {
  #channel = null;

  constructor() {
    super();
    const connection = new RTCPeerConnection();
    connection.addEventListener('datachannel', ({ channel }) => this.#use(channel));
    if (application.launchedBy === 'local') this.#use(connection.createDataChannel('board'));
  }

  send(value) {
    if (this.#channel?.readyState === 'open') this.#channel.send(JSON.stringify(value));
  }

  #use(channel) {
    this.#channel = channel;
    let wasOpen = false;
    const opened = () => {
      wasOpen = true;
      this.dispatchEvent(new Event('open'));
    };
    channel.addEventListener('open', opened);
    channel.addEventListener('close', () => this.dispatchEvent(new CustomEvent('close', { detail: { wasOpen } })));
    channel.addEventListener('message', ({ data }) => {
      let detail;
      try {
        detail = JSON.parse(data);
      } catch {
        return;
      }
      if (typeof detail === 'object' && detail !== null) this.dispatchEvent(new CustomEvent('message', { detail }));
    });
    if (channel.readyState === 'open') opened();
  }
}
