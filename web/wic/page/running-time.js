import { duration } from './words.js';

/**
 * Shows how long a call has lasted, second by second; nothing while it is not connected.
 *
 * @param {HTMLElement} shown
 * @param {import('../lib/call/call.js').Call} call
 * @returns {() => void} stops it
 */
export function showRunning(shown, call) {
  shown.hidden = call.state !== 'connected';
  if (shown.hidden) return () => {};
  const tick = () => {
    shown.textContent = duration(Date.now() - call.connectedAt);
  };
  tick();
  const clock = setInterval(tick, 1000);
  return () => clearInterval(clock);
}
