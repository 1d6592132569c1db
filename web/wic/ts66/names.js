/**
 * Every name that TS.66 gives, or may give, to what the W3C does not have. GSMA's own WebIDL is not public: these names are
 * proposed, and this file is the only one that knows them. docs/ts66.md says where each comes from.
 */

/** The interfaces, as an application finds them. */
export const INTERFACES = /** @type {const} */ ({
  // GSMA's page on TS.66 has this name.
  service: 'RTCPeerSignallingService',
  // The W3C's.
  connection: 'RTCPeerConnection',
  channel: 'RTCDataChannel',
  channelEvent: 'RTCDataChannelEvent',
  // Proposed.
  requestEvent: 'RTCDataChannelRequestEvent',
});

/** Members of RTCPeerSignallingService, and of what its constructor takes. */
export const SERVICE = /** @type {const} */ ({
  sessionId: 'sessionId',
  applicationId: 'appId',
  state: 'state',
  sessionState: 'sessionState',
  sessionMedia: 'sessionMedia',
  networkSupports: 'networkSupportsDataChannel',
  remoteSupports: 'remoteSupportsDataChannel',
  associate: 'associate',
  close: 'close',
});

/** Events of RTCPeerSignallingService. */
export const SERVICE_EVENTS = /** @type {const} */ ({
  state: 'statechange',
  session: 'sessionchange',
  lost: 'associationlost',
});

/** Values of RTCPeerSignallingService's state. */
export const STATES = /** @type {const} */ ({
  fresh: 'new',
  associating: 'associating',
  associated: 'associated',
  closed: 'closed',
  failed: 'failed',
});

/** Values of its sessionState: what the call is doing. */
export const SESSION_STATES = /** @type {const} */ ({
  early: 'early',
  active: 'active',
  held: 'held',
  interrupted: 'interrupted',
  ended: 'ended',
});

/** What RTCConfiguration and RTCDataChannelInit have more than the W3C's. */
export const CONFIGURATION = /** @type {const} */ ({ service: 'signallingService' });
export const CHANNEL_INIT = /** @type {const} */ ({ endpoint: 'endpoint', qosHint: 'qosHint' });

/** What RTCDataChannel has more than the W3C's. */
export const CHANNEL = /** @type {const} */ ({ endpoint: 'endpoint', applicationId: 'appId' });

/** Values of endpoint: who is at the other end of a channel. */
export const ENDPOINTS = /** @type {const} */ ({ ue: 'ue', server: 'server' });

/** The event by which RTCPeerConnection tells that a channel is offered, and what can be done about it. */
export const REQUEST = /** @type {const} */ ({ event: 'channelrequest', accept: 'accept', refuse: 'refuse' });
