import { Message } from './message.js';

/** @typedef {import('./name-addr.js').NameAddr} NameAddr */

/**
 * A dialog (RFC 3261 §12): who talks with whom, by which route, and where the sequence numbers stand.
 */
export class Dialog {
  /**
   * @param {object} parts
   * @param {string} parts.callId
   * @param {NameAddr} parts.local with our tag
   * @param {NameAddr} parts.remote with theirs
   * @param {string} parts.target the far end's Contact
   * @param {string[]} parts.route
   * @param {number} parts.localCSeq
   * @param {number | null} parts.remoteCSeq
   */
  constructor(parts) {
    this.callId = parts.callId;
    this.local = parts.local;
    this.remote = parts.remote;
    this.target = parts.target;
    this.route = parts.route;
    this.localCSeq = parts.localCSeq;
    this.remoteCSeq = parts.remoteCSeq;
  }

  /**
   * RFC 3261 §12.1.2: our request, their response.
   * @param {Message} request
   * @param {Message} response
   */
  static fromResponse(request, response) {
    return new Dialog({
      callId: request.callId,
      local: required(request, 'From'),
      remote: required(response, 'To'),
      target: response.address('Contact')?.uri.toString() ?? request.uri,
      route: response.values('Record-Route').reverse(),
      localCSeq: request.cseq.number,
      remoteCSeq: null,
    });
  }

  /**
   * RFC 3261 §12.1.1: their request, our tag.
   * @param {Message} request
   * @param {string} localTag
   */
  static fromRequest(request, localTag) {
    const local = required(request, 'To');
    local.params.set('tag', localTag);
    return new Dialog({
      callId: request.callId,
      local,
      remote: required(request, 'From'),
      target: required(request, 'Contact').uri.toString(),
      route: request.values('Record-Route'),
      localCSeq: 0,
      remoteCSeq: request.cseq.number,
    });
  }

  get id() {
    return dialogId(this.callId, this.local.tag, this.remote.tag);
  }

  /**
   * RFC 3261 §12.2.1.1: a request inside the dialog. ACK and CANCEL repeat the number of their INVITE.
   * @param {string} method
   * @param {number} [cseq]
   */
  request(method, cseq) {
    const number = cseq ?? (this.localCSeq += 1);
    // A strict router as next hop (no lr) does not exist behind an eP-CSCF, which record-routes loosely.
    const request = Message.request(method, this.target);
    request.add('Max-Forwards', '70');
    for (const hop of this.route) request.add('Route', hop);
    request.add('From', this.local.toString());
    request.add('To', this.remote.toString());
    request.add('Call-ID', this.callId);
    request.add('CSeq', `${number} ${method}`);
    return request;
  }

  /**
   * RFC 3261 §12.2.2: false if the request is older than one already seen.
   * @param {Message} request
   */
  accept(request) {
    const { number } = request.cseq;
    if (this.remoteCSeq !== null && number < this.remoteCSeq) return false;
    if (request.method !== 'ACK') this.remoteCSeq = number;
    return true;
  }

  /**
   * RFC 3261 §12.2.1.2, §12.2.2: INVITE and UPDATE and their 2xx may move the far end's Contact.
   * @param {Message} message
   */
  refreshTarget(message) {
    const contact = message.address('Contact');
    if (contact) this.target = contact.uri.toString();
  }

  /** RFC 3261 §13.2.2.4: the 2xx decides the route set anew. @param {Message} response */
  confirm(response) {
    this.route = response.values('Record-Route').reverse();
    this.refreshTarget(response);
  }
}

/**
 * @param {string} callId
 * @param {string} localTag
 * @param {string} remoteTag
 */
export function dialogId(callId, localTag, remoteTag) {
  return `${callId} ${localTag} ${remoteTag}`;
}

/**
 * @param {Message} message
 * @param {string} name
 * @returns {NameAddr}
 */
function required(message, name) {
  const address = message.address(name);
  if (!address) throw new TypeError(`a dialog needs ${name}`);
  return address;
}
