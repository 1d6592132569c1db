/** Bytes that are not what the grammar says. Never thrown for anything but input from the network. */
export class Malformed extends Error {
  /** @param {string} what the element that could not be read */
  constructor(what) {
    super(`malformed ${what}`);
    this.name = 'Malformed';
  }
}
