// Runs in the browser, beside the cases: what several of them do.

export const event = (target, type) => new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What becomes of something: its value, or the name of what it throws. */
export const outcome = (run) => {
  try {
    const value = run();
    return typeof value === 'object' && value !== null ? 'an object' : value;
  } catch (error) {
    return error.name;
  }
};
export const later = (promise) => promise.then(() => 'fulfilled', (error) => error.name);
export const pick = (object, names) => Object.fromEntries(names.map((name) => [name, object[name]]));

/** What happens to a channel, in order. */
export function watch(channel, ...types) {
  const seen = [];
  for (const type of types) channel.addEventListener(type, () => seen.push(`${type} (${channel.readyState})`));
  return seen;
}

/** A channel that is open at both ends. */
export async function open({ a, z }, init, label = 'x') {
  const came = event(z, 'datachannel');
  const near = a.createDataChannel(label, init);
  const opened = event(near, 'open');
  const { channel: far } = await came;
  if (near.readyState !== 'open') await opened;
  return { near, far };
}

export async function next(channel) {
  return (await event(channel, 'message')).data;
}

/** Both answer, and not the same: what the adapted one answers, and why. */
export const differs = (adapted, why, run) => ({ run, adapted, why });

/** Only the adapted one has it: what it answers. */
export const ours = (expected, run) => ({ run, expected });

/** An attribute that cannot be written: it stays what it was. */
export const fixed = (make, member) => ({
  of: member,
  run: (pair) => {
    const object = make(pair);
    const before = object[member];
    const written = outcome(() => (object[member] = 'y'));
    return [written, object[member] === before];
  },
});

/** An event handler attribute: what it takes, and that it is called in its turn. HTML §8.1.8.1. */
export const handler = (make, member, does) => ({
  of: member,
  run: (pair) => {
    const object = make(pair);
    const type = member.slice(2);
    const keep = () => {};
    const seen = [5, 'x', null, undefined, keep, {}].map((value) => {
      object[member] = value;
      return object[member] === value && value !== null ? 'kept' : object[member];
    });
    const order = [];
    const listener = () => order.push('before');
    object.addEventListener(type, listener);
    object[member] = null;
    object[member] = function handle(told) {
      order.push(this === object, told.type === type);
    };
    object.addEventListener(type, () => order.push('after'), { once: true });
    object.dispatchEvent(new Event(type));
    object[member] = null;
    object.removeEventListener(type, listener);
    object.dispatchEvent(new Event(type));
    return [seen, order];
  },
  ...does,
});
