/**
 * Event handler attributes (`onopen` and its kind) as HTML §8.1.8.1 has them: one that is set takes the place of the one before,
 * what is no object is no handler, and an object that is no function is kept and does nothing.
 *
 * @typedef {{ handler: object, listener: (event: Event) => void }} Held
 */

/** @type {WeakMap<EventTarget, Map<string, Held>>} */
const held = new WeakMap();

/**
 * Gives a class `on…` for each of these events.
 * @param {{ prototype: EventTarget }} target
 * @param {readonly string[]} types
 */
export function defineHandlers(target, types) {
  for (const type of types) {
    Object.defineProperty(target.prototype, `on${type}`, {
      enumerable: true,
      configurable: true,
      /** @this {EventTarget} */
      get() {
        return held.get(this)?.get(type)?.handler ?? null;
      },
      /** @this {EventTarget} @param {unknown} handler */
      set(handler) {
        const own = held.get(this) ?? new Map();
        held.set(this, own);
        const before = own.get(type);
        if (!isObject(handler)) {
          if (before) this.removeEventListener(type, before.listener);
          own.delete(type);
        } else if (before) before.handler = handler;
        else {
          /** @type {Held} */
          const entry = {
            handler,
            listener: (event) => {
              // A handler that answers false has prevented what would happen by itself.
              if (typeof entry.handler === 'function' && entry.handler.call(this, event) === false) event.preventDefault();
            },
          };
          own.set(type, entry);
          this.addEventListener(type, entry.listener);
        }
      },
    });
  }
}

/**
 * @param {unknown} value
 * @returns {value is object}
 */
function isObject(value) {
  return typeof value === 'function' || (typeof value === 'object' && value !== null);
}

/**
 * An error event as the W3C's RTCErrorEvent, where the browser has one.
 * @param {import('../messages.js').Fault} fault
 */
export function errorEvent(fault) {
  /** @type {any} */
  const { RTCErrorEvent, RTCError } = globalThis;
  if (RTCErrorEvent && RTCError) {
    return new RTCErrorEvent('error', { error: new RTCError({ errorDetail: 'data-channel-failure' }, fault.message) });
  }
  return Object.assign(new Event('error'), { error: new DOMException(fault.message, 'OperationError') });
}

/**
 * @param {import('../messages.js').Fault} fault
 * @returns {Error}
 */
export function errorOf({ name, message }) {
  return name === 'TypeError' ? new TypeError(message) : new DOMException(message, name);
}
