import { Malformed } from './malformed.js';

/**
 * Splits at a separator that stands outside quoted strings and angle brackets (RFC 3261 §7.3.1, §25.1).
 *
 * @param {string} text
 * @param {string} separator one character
 * @returns {string[]} the trimmed, non-empty pieces
 */
export function split(text, separator) {
  const pieces = [];
  let start = 0;
  let quoted = false;
  let angle = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (quoted) {
      if (c === '\\') i += 1;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '<') angle = true;
    else if (c === '>') angle = false;
    else if (c === separator && !angle) {
      pieces.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  if (quoted) throw new Malformed('quoted string');
  pieces.push(text.slice(start).trim());
  return pieces.filter((piece) => piece !== '');
}

/**
 * Reads `name=value` pieces. Names are lower-cased; a quoted value loses its quotes; a name alone has the value ''.
 * @param {string[]} pieces
 * @returns {Map<string, string>}
 */
export function params(pieces) {
  /** @type {Map<string, string>} */
  const map = new Map();
  for (const piece of pieces) {
    const equal = piece.indexOf('=');
    const name = (equal < 0 ? piece : piece.slice(0, equal)).trim().toLowerCase();
    if (name === '') throw new Malformed('parameter');
    if (!map.has(name)) map.set(name, equal < 0 ? '' : unquote(piece.slice(equal + 1).trim()));
  }
  return map;
}

/** @param {string} text */
export function unquote(text) {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  return text.slice(1, -1).replace(/\\(.)/gs, '$1');
}

/** @param {string} text */
export function quote(text) {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;

/** @param {string} text */
export function isToken(text) {
  return TOKEN.test(text);
}

/**
 * Prints parameters as they follow an address: `;lr;tag=abc`. What is not a token goes out quoted.
 * @param {Map<string, string>} map
 */
export function printParams(map) {
  let text = '';
  for (const [name, value] of map) {
    if (value === '') text += `;${name}`;
    else text += `;${name}=${isToken(value) || /^\[[0-9a-fA-F:.]+\]$/.test(value) ? value : quote(value)}`;
  }
  return text;
}
