/**
 * The library of the WIC. One concept a file:
 *
 * - `wic.js` the whole: one account, its registration, its calls
 * - `session.js` W1, `credentials.js` tokens and SIP Digest, `registration.js`, `reg-event.js`, `transport.js` SIP over WebSocket
 * - `aka/` IMS-AKA: what a card is asked, and one in software for the laboratory
 * - `call/` a call from INVITE to BYE; `media/` what it does with WebRTC
 * - `data/` data channels: ImsDataChannel, and what SDP says of it
 * - `sip/` messages, transactions, dialogs: RFC 3261 and its family, nothing of browsers in it
 * - `failure.js` every failure as a code and as words
 */
export { Wic } from './wic.js';
export { Session } from './session.js';
export { Registration } from './registration.js';
export { RegEvent } from './reg-event.js';
export { BearerCredential, DigestCredential } from './credentials.js';
export { AkaCredential } from './aka/aka-credential.js';
export { SoftwareIsim } from './aka/software-isim.js';
export { Milenage } from './aka/milenage.js';
export { WebSocketTransport } from './transport.js';
export { Call } from './call/call.js';
export { OutgoingCall } from './call/outgoing-call.js';
export { IncomingCall } from './call/incoming-call.js';
export { VideoRequest } from './call/video-request.js';
export { ImsDataChannel } from './data/ims-data-channel.js';
export { DataChannels, FIRST_ID } from './data/channels.js';
export { FILE_PROTOCOL, FileChannel, FileTransfer } from './data/file-channel.js';
export { APPLICATION_ID } from './data/application.js';
export { ChannelRequest } from './data/channel-request.js';
export { Failure, WORDS } from './failure.js';
export { dialled, spoken } from './dial.js';
export { isEmergency, EMERGENCY_NUMBERS } from './emergency.js';
