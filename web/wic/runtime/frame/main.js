import { unpack } from './archive.js';
import { show } from './document.js';
import { guard } from './guards.js';
import { services } from './services.js';

/** Everything in its order: nothing of the application runs before the window is as it is to be. */
export async function main() {
  const begin = /** @type {any} */ (window).isthmusBegin;
  Reflect.deleteProperty(window, 'isthmusBegin');
  const { port, nonce, developer } = begin;
  const tell = (/** @type {object} */ message) => port.postMessage(message);
  addEventListener('error', (event) => tell({ type: 'fault', message: String(event.message), where: `${event.lineno}:${event.colno}` }));
  addEventListener('unhandledrejection', (event) => tell({ type: 'fault', message: String(event.reason), where: '' }));
  addEventListener('securitypolicyviolation', (event) => tell({ type: 'blocked', directive: event.effectiveDirective, address: event.blockedURI }));
  if (developer) listenToConsole(tell);
  Object.defineProperty(window, 'application', { value: services(port, begin.application), enumerable: true });
  tell({ type: 'ready' });
  try {
    const files = await unpack(begin.package);
    const shown = show(files, { nonce, guarded: () => guard(window) });
    tell({ type: 'running' });
    await shown;
    tell({ type: 'shown' });
  } catch (error) {
    tell({ type: 'broken', message: error instanceof Error ? error.message : String(error) });
  }
}

/** @param {(message: object) => void} tell */
function listenToConsole(tell) {
  for (const level of /** @type {const} */ (['debug', 'log', 'info', 'warn', 'error'])) {
    const original = console[level];
    console[level] = (...given) => {
      original.apply(console, given);
      tell({ type: 'console', level, words: given.map(shown).join(' ').slice(0, 4000) });
    };
  }
}

/** @param {unknown} value */
function shown(value) {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
