/**
 * Data channel applications in the page: the list and the packages that a network offers (`repository.js`), the frames that they
 * run in (`application-frame.js`, and `frame/`, which runs in them), and what they keep (`storage.js`).
 */
export { ApplicationFrame } from './application-frame.js';
export { hindrance, parseList } from './list.js';
export { PackageCache, Repository, STREAMS } from './repository.js';
export { ApplicationStorage, indexedCabinet } from './storage.js';
export { Unverified, verify } from './verify.js';
