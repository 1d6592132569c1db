import { fileWords, sizeWords } from './words.js';

/** Where each file that has come can be saved from. @type {Map<import('../lib/data/file-channel.js').FileTransfer, string>} */
const addresses = new Map();

/**
 * It cannot be saved any more, and takes no memory.
 * @param {import('../lib/data/file-channel.js').FileTransfer} file
 */
export function forgetFile(file) {
  const address = addresses.get(file);
  if (address) URL.revokeObjectURL(address);
  addresses.delete(file);
}

/**
 * A file in the chat's log: how far it is, and where it is saved from once it is there.
 *
 * @param {import('../lib/data/file-channel.js').FileTransfer} file
 * @param {boolean} ours
 */
export function fileEntry(file, ours) {
  const entry = document.createElement('span');
  entry.className = 'file';
  const name = document.createElement('span');
  name.className = 'file-name';
  name.textContent = file.name;
  const bar = document.createElement('progress');
  bar.max = Math.max(1, file.size);
  bar.setAttribute('aria-label', file.name);
  const words = document.createElement('span');
  words.className = 'file-words';
  entry.append(name, ' ', bar, words);
  const update = () => {
    bar.value = file.moved;
    bar.hidden = file.state !== 'moving';
    const said = fileWords(file, ours);
    // The same words again would be heard again.
    if (words.textContent !== said) words.textContent = said;
    if (!file.blob || entry.querySelector('a')) return;
    const link = document.createElement('a');
    link.href = addresses.get(file) ?? URL.createObjectURL(file.blob);
    addresses.set(file, link.href);
    link.download = file.name;
    link.textContent = `Save ${file.name}, ${sizeWords(file.size)}`;
    name.replaceWith(link);
  };
  file.on('change', update);
  update();
  return entry;
}
