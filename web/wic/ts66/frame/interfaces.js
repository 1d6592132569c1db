import { INTERFACES } from '../names.js';
import { DataChannel } from './data-channel.js';
import { awaitPort } from './link.js';
import { ChannelEvent, PeerConnection, RequestEvent } from './peer-connection.js';
import { SignallingService } from './signalling-service.js';

/**
 * The interfaces as an application has them, over one link.
 * @param {import('./link.js').Link} link
 */
export function interfaces(link) {
  const made = {
    [INTERFACES.service]: class extends SignallingService {
      /** @param {unknown} [init] */
      constructor(init) {
        super(link, init);
      }
    },
    [INTERFACES.connection]: class extends PeerConnection {
      /** @param {unknown} [configuration] */
      constructor(configuration) {
        super(link, configuration);
      }

      /** W3C WebRTC §4.9.2: nobody here needs one. */
      static generateCertificate() {
        return Promise.reject(new DOMException('The connection is the phone’s', 'NotSupportedError'));
      }
    },
    [INTERFACES.channel]: DataChannel,
    [INTERFACES.channelEvent]: ChannelEvent,
    [INTERFACES.requestEvent]: RequestEvent,
  };
  for (const [name, each] of Object.entries(made)) {
    Object.defineProperty(each, 'name', { value: name, configurable: true });
    Object.defineProperty(each.prototype, Symbol.toStringTag, { value: name, configurable: true });
  }
  return made;
}

/**
 * Puts the interfaces into an application's window, in the browser's own one's place. Their port comes from the page around it.
 * @param {Window} frame
 */
export function install(frame) {
  for (const [name, value] of Object.entries(interfaces(awaitPort(frame)))) {
    Object.defineProperty(frame, name, { value, writable: true, configurable: true });
  }
}
