/**
 * Every way in which something can fail, as a code for programs and words for people.
 *
 * @typedef {keyof typeof WORDS} FailureCode
 */

/** The words of each code. `{who}` is the other party, where there is one. */
export const WORDS = Object.freeze({
  // This device.
  no_microphone: 'No microphone was found. Connect one and try again.',
  microphone_refused: 'The microphone is blocked. Allow it for this page and try again.',
  microphone_in_use: 'The microphone is in use by another program.',
  no_camera: 'No camera was found. The call goes on without your picture.',
  camera_refused: 'The camera is blocked. Allow it for this page to be seen.',
  not_supported: 'This browser cannot make calls. Use a current version of Chrome, Edge, Firefox or Safari.',
  insecure_page: 'Calls need a secure page. Open this address with https.',
  // The way to the network.
  network_lost: 'The network was lost. Trying to come back…',
  network_gone: 'The network was lost and the call ended.',
  connection_refused: 'The service cannot be reached. Trying again…',
  not_registered: 'You are not connected to the service yet.',
  signed_out: 'You have been signed out. Sign in again.',
  pool_exhausted: 'All guest lines are in use. Try again in a moment.',
  too_many_guests: 'There are many guests in your network already. Try again in a moment.',
  registration_refused: 'The service did not accept this account.',
  network_unproven: 'The network did not prove that it is the home network of this SIM.',
  sim_failed: 'The SIM did not answer. Check that it is there, and try again.',
  deregistered: 'The network has signed this phone off.',
  suspended: 'The network has signed this phone off for a while. It comes back by itself.',
  registration_failed: 'Connecting to the service failed. Trying again…',
  // The other party.
  busy: '{who} is busy.',
  declined: '{who} declined the call.',
  unknown_number: 'There is no such name or number.',
  bad_number: 'This is not a name or number that can be called.',
  yourself: 'This is your own name or number: you cannot call yourself.',
  unreachable: '{who} cannot be reached right now.',
  no_answer: '{who} did not answer.',
  not_allowed: 'This call is not allowed.',
  incompatible: '{who} has no audio or video format in common with this phone.',
  anonymous_refused: '{who} does not take calls from hidden numbers.',
  moved: '{who} has moved to another number.',
  // The call.
  cancelled: 'The call was cancelled.',
  missed: 'You missed a call from {who}.',
  answered_elsewhere: 'The call was answered on another phone.',
  service_down: 'The service is busy or down. Try again in a moment.',
  call_failed: 'The call failed.',
  media_failed: 'The sound connection was lost and the call ended.',
  service_ended: 'The call with {who} has ended: the service could not keep it.',
  session_expired: 'The other side no longer answers; the call ended.',
  change_refused: 'The other side did not accept the change.',
  video_refused: 'There is no video with {who} now. The call goes on without it.',
  // Data channels.
  channels_unsupported: '{who}’s phone cannot exchange data in this call.',
  channel_refused: '{who} did not accept the data channel.',
  channel_failed: 'The data channel broke off.',
  emergency: 'This phone cannot call emergency services. Use another phone.',
});

/** An error that a person can be told about. */
export class Failure extends Error {
  /**
   * @param {FailureCode} code
   * @param {{ who?: string, status?: number, cause?: unknown }} [more]
   */
  constructor(code, more = {}) {
    super(capital(WORDS[code].replace('{who}', more.who || 'The other side')), { cause: more.cause });
    this.name = 'Failure';
    /** @type {FailureCode} */
    this.code = code;
    /** The SIP status that said so, if one did. */
    this.status = more.status;
  }
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * What the final response to an INVITE means to the caller (RFC 3261 §21).
 * @param {number} status
 * @returns {FailureCode}
 */
export function codeOfStatus(status) {
  switch (status) {
    case 380:
      return 'emergency';
    case 401:
    case 407:
      return 'signed_out';
    case 403:
      return 'not_allowed';
    case 404:
    case 410:
    case 604:
      return 'unknown_number';
    case 400:
    case 414:
    case 416:
    case 484:
    case 485:
      return 'bad_number';
    case 408:
      return 'no_answer';
    case 415:
    case 488:
    case 606:
      return 'incompatible';
    case 433:
      return 'anonymous_refused';
    case 430:
    case 480:
      return 'unreachable';
    case 486:
    case 600:
      return 'busy';
    case 487:
      return 'cancelled';
    case 603:
    case 607:
      return 'declined';
    case 500:
    case 502:
    case 503:
    case 504:
    case 580:
      return 'service_down';
    default:
      return status >= 300 && status < 400 ? 'moved' : 'call_failed';
  }
}
