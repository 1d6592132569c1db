/**
 * What the two sides say to each other over a MessagePort: the application's frame, and the page around it, which alone knows
 * the call. An error travels as the name and the message of a DOMException, or of a TypeError. Channels are numbered by who begins them: even by the frame, odd by the page.
 *
 * @typedef {import('../lib/data/application.js').Endpoint} Endpoint
 * @typedef {{ name: string, message: string }} Fault
 *
 * @typedef {object} Session the call, as far as an application may know it
 * @property {string} id
 * @property {string} state one of `SESSION_STATES`
 * @property {readonly string[]} media `audio`, `video`
 * @property {boolean | null} network whether the network carries data channels
 * @property {boolean | null} remote whether the other party takes data channels
 * @property {string} applicationId
 *
 * @typedef {object} ChannelParameters
 * @property {string} label
 * @property {string} protocol
 * @property {boolean} ordered
 * @property {number | null} maxRetransmits
 * @property {number | null} maxPacketLifeTime
 * @property {number} priority as RFC 8831 §6.4 has it
 * @property {number | null} id
 * @property {boolean} [negotiated] the other side's application makes the same channel
 * @property {Endpoint} endpoint
 * @property {string} [qosHint]
 *
 * @typedef {{ type: 'associate', request: number, sessionId: string | null, applicationId: string | null }
 *   | { type: 'dissociate' }
 *   | { type: 'open', channel: number, parameters: ChannelParameters }
 *   | { type: 'send', channel: number, data: string | ArrayBuffer }
 *   | { type: 'close', channel: number }
 *   | { type: 'accept', channel: number }
 *   | { type: 'refuse', channel: number }} ToPage
 *
 * @typedef {{ type: 'associated', request: number, session: Session }
 *   | { type: 'refused', request: number, fault: Fault }
 *   | { type: 'session', session: Session }
 *   | { type: 'lost' }
 *   | { type: 'requested', channel: number, parameters: ChannelParameters }
 *   | { type: 'opened', channel: number, id: number, maxMessageSize: number }
 *   | { type: 'message', channel: number, data: string | ArrayBuffer }
 *   | { type: 'left', channel: number, octets: number }
 *   | { type: 'closing', channel: number }
 *   | { type: 'closed', channel: number, fault: Fault | null }} ToFrame
 */

/** The type of the window message that brings a frame its port. */
export const HANDSHAKE = 'isthmus-ts66';

/** What an application may have waiting in one channel, in octets: beyond it `send` throws OperationError, as in browsers. */
export const MOST_WAITING = 16 * 1024 * 1024;

/** TS 26.114 §6.2.10: ids of application data channels. */
export const FIRST_APPLICATION_ID = 1000;
