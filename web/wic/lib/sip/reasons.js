/** RFC 3261 §21 and later: the reason phrases that we send. */
const REASONS = new Map([
  [100, 'Trying'], [180, 'Ringing'], [200, 'OK'], [400, 'Bad Request'], [405, 'Method Not Allowed'], [415, 'Unsupported Media Type'],
  [420, 'Bad Extension'], [422, 'Session Interval Too Small'], [469, 'Bad Info Package'], [480, 'Temporarily Unavailable'],
  [481, 'Call/Transaction Does Not Exist'], [486, 'Busy Here'], [487, 'Request Terminated'], [488, 'Not Acceptable Here'],
  [489, 'Bad Event'], [491, 'Request Pending'], [500, 'Server Internal Error'], [504, 'Server Time-out'], [603, 'Decline'],
]);

/** @param {number} status */
export const reasonOf = (status) => REASONS.get(status) ?? 'Unknown';
