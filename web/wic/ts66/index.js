/**
 * GSMA TS.66: data channel applications in a call. `host.js` is the page's half; `frame/` is what an application sees, and runs
 * in its frame; `names.js` has every name that is not the W3C's.
 */
export { EarlyChannel } from './early-channel.js';
export { ApplicationHost } from './host.js';
export { frameSource } from './frame-source.js';
export { interfaces } from './frame/interfaces.js';
export { Link } from './frame/link.js';
