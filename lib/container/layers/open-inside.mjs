import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';

// A pipe must not make the reader wait, and a link must not lead it away.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens files of a layer for reading, and never anything outside of its folder: the names come from the image, and so do links in it
 * that would lead to files of this machine.
 *
 * @param {string} folder absolute path
 * @returns {(name: string | Buffer, sizeBytes: number) => number} file descriptor; the file must be a regular one of that size
 * Throws what the file system throws, or an Error that says what is odd.
 */
export const openInside = (folder) => {
  /** @type {Set<string>} Folders that are folders, by their names as latin1. */
  const real = new Set(['']);

  /** @param {string[]} parts */
  const checkFolders = (parts) => {
    const name = parts.join('/');
    if (real.has(name)) return;
    checkFolders(parts.slice(0, -1));
    const path = Buffer.from(`${Buffer.from(folder).toString('latin1')}/${name}`, 'latin1');
    if (!lstatSync(path).isDirectory()) throw new Error(`${path} is not a folder`);
    real.add(name);
  };

  return (name, sizeBytes) => {
    const bytes = typeof name === 'string' ? Buffer.from(name) : name;
    const parts = bytes
      .toString('latin1')
      .split('/')
      .filter((part) => part !== '' && part !== '.');
    if (parts.length === 0 || parts.includes('..') || bytes.includes(0)) throw new Error(`file name ${bytes}`);
    checkFolders(parts.slice(0, -1));
    const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(parts.join('/'), 'latin1')]);
    const file = openSync(path, FLAGS);
    const state = fstatSync(file);
    if (state.isFile() && state.size === sizeBytes) return file;
    closeSync(file);
    throw new Error(`${path} is not the file of ${sizeBytes} bytes that was unpacked there`);
  };
};
