/**
 * The frame's half as one script without imports: for a frame that may fetch nothing, and before anything of the application.
 */

/** In this order, each after what it needs. */
const FILES = [
  'names.js', 'messages.js', 'frame/events.js', 'frame/link.js', 'frame/data-channel.js', 'frame/parameters.js', 'frame/signalling-service.js',
  'frame/stats.js', 'frame/peer-connection.js', 'frame/interfaces.js',
];

/**
 * @param {(file: string) => Promise<string>} [read] a file of this folder
 * @returns {Promise<string>} a classic script
 */
export async function frameSource(read = fetched) {
  const files = await Promise.all(FILES.map(read));
  const body = files.map((text) => text.replace(/^import [^;]*;\n/gm, '').replace(/^export /gm, ''));
  return `(() => {\n'use strict';\n${body.join('\n')}\ninstall(window);\n})();\n`;
}

/** @param {string} file */
async function fetched(file) {
  const answer = await fetch(new URL(file, import.meta.url));
  if (!answer.ok) throw new TypeError(`${file} could not be had`);
  return answer.text();
}
