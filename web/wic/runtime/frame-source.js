import { frameSource } from '../ts66/index.js';

/**
 * What runs in an application's frame before the application, as one script without imports: the frame may fetch nothing.
 */

/** In this order, each after what it needs. */
const FILES = ['frame/guards.js', 'frame/archive.js', 'frame/modules.js', 'frame/document.js', 'frame/services.js', 'frame/main.js'];

/** @type {Promise<string> | null} */
let made = null;

/** @returns {Promise<string>} a classic script */
export function runtimeSource() {
  made ??= make().catch((error) => {
    // Asked again, it may be had.
    made = null;
    throw error;
  });
  return made;
}

async function make() {
  const [interfaces, ...files] = await Promise.all([frameSource(), ...FILES.map(fetched)]);
  const body = files.map((text) => text.replace(/^import [^;]*;\n/gm, '').replace(/^export /gm, ''));
  return `${interfaces}(() => {\n'use strict';\n${body.join('\n')}\nvoid main();\n})();\n`;
}

/** @param {string} file */
async function fetched(file) {
  const answer = await fetch(new URL(file, import.meta.url));
  if (!answer.ok) throw new TypeError(`${file} could not be had`);
  return answer.text();
}
