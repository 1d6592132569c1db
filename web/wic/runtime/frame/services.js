/**
 * What an application has besides its channels: `application`, over a MessagePort to the page around the frame.
 *
 * @typedef {{ id: string, name: string, version: string | null, launchedBy: 'local' | 'remote' }} ApplicationInfo
 */

/**
 * @param {MessagePort} port
 * @param {ApplicationInfo} info
 */
export function services(port, info) {
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: unknown) => void }>} */
  const asked = new Map();
  let requests = 0;
  port.onmessage = ({ data }) => {
    if (data?.type === 'ping') {
      port.postMessage({ type: 'pong' });
      return;
    }
    const waiting = asked.get(data?.request);
    asked.delete(data?.request);
    if (data?.fault) waiting?.reject(new DOMException(data.fault.message, data.fault.name));
    else waiting?.resolve(data?.value);
  };
  const ask = (/** @type {string} */ type, /** @type {object} */ more) => new Promise((resolve, reject) => {
    requests += 1;
    asked.set(requests, { resolve, reject });
    port.postMessage({ type, request: requests, ...more });
  });
  return Object.freeze({
    ...info,
    /** Kept for this application of this provider and this person, until its validity ends. */
    storage: Object.freeze({
      get: (/** @type {unknown} */ key) => ask('get', { key: String(key) }),
      set: (/** @type {unknown} */ key, /** @type {unknown} */ value) => ask('set', { key: String(key), value }),
      delete: (/** @type {unknown} */ key) => ask('delete', { key: String(key) }),
      keys: () => ask('keys', {}),
    }),
    /** The person is asked, and it is saved as browsers save files; resolves to whether it was. */
    saveFile: (/** @type {unknown} */ name, /** @type {Blob} */ blob) => ask('save', { name: String(name), blob }),
    /** The application is done: the page closes it. */
    close: () => port.postMessage({ type: 'close' }),
  });
}
