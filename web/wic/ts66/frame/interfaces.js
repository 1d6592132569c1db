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
  class Service extends SignallingService {
    /** @param {unknown} [init] */
    constructor(init = undefined) {
      super(link, init);
    }
  }
  const made = {
    [INTERFACES.service]: Service,
    [INTERFACES.connection]: class extends PeerConnection {
      /** @param {unknown} [configuration] */
      constructor(configuration = undefined) {
        super(link, configuration, () => new Service());
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
    enumerate(each.prototype);
  }
  return made;
}

/**
 * WebIDL: members of an interface are enumerable, those of a class are not.
 * @param {object} prototype
 */
function enumerate(prototype) {
  for (let own = prototype; own !== EventTarget.prototype && own !== Event.prototype; own = Object.getPrototypeOf(own)) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(own))) {
      if (name !== 'constructor' && !descriptor.enumerable) Object.defineProperty(own, name, { ...descriptor, enumerable: true });
    }
  }
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
