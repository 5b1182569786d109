import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Reads the list of Debian packages.
 *
 * @param {string} root absolute path of the checkout
 */
export const readHostPackages = (root) =>
  JSON.parse(readFileSync(join(root, 'config/host-packages.json'), 'utf8')).packages;

/** Asks for the state of packages, in one call. @param {{name: string}[]} packages */
export const dpkgQuery = (packages) => [
  'dpkg-query',
  '--show',
  '--showformat',
  '${db:Status-Abbrev} ${Package}\\n',
  ...packages.map(({ name }) => name),
];

/**
 * The packages that are not installed.
 *
 * @param {{name: string}[]} packages
 * @param {string} output what the command of dpkgQuery printed, for example `ii  zstd`
 */
export const notInstalled = (packages, output) => {
  const installed = new Set(
    output
      .split('\n')
      .filter((line) => /^.i/.test(line))
      .map((line) => line.trim().split(/\s+/).at(-1)),
  );
  return packages.filter(({ name }) => !installed.has(name));
};

/** Where daemons are, and what a user's PATH often lacks. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * Absolute path of a program, or undefined.
 *
 * @param {string} name
 * @param {string | undefined} path the value of PATH
 */
export const findProgram = (name, path) =>
  [...(path ?? '').split(delimiter).filter(Boolean), ...SYSTEM_FOLDERS]
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
