import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string} file */
const readPackages = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
  } catch {
    // Not there, or cut off by an installation that was killed: either way nothing in it can be relied on.
    return {};
  }
};

/** The pinned Node, which the npm package `node` brings. @param {string} root absolute path of the checkout */
export const pinnedNode = (root) => join(root, 'node_modules/node/bin/node');

/**
 * What `npm ci` would change: each entry is the place of a package below the checkout, its version and what is wrong.
 *
 * Compares the lockfile with the one that npm leaves in node_modules at the end of an installation, so that it costs two small
 * files and not a walk through node_modules. Optional packages may be absent: most are for other machines.
 *
 * @param {string} root absolute path of the checkout
 */
export const missingNpmPackages = (root) => {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(root, 'node_modules/.package-lock.json'));
  const missing = [];
  for (const [place, { version, integrity, optional }] of Object.entries(wanted)) {
    if (place === '') continue;
    const found = present[place];
    if (!found && !optional) missing.push({ place, version, reason: 'missing' });
    if (found && (found.version !== version || found.integrity !== integrity)) {
      missing.push({ place, version, reason: `version ${found.version} is installed` });
    }
  }
  for (const [place, { version }] of Object.entries(present)) {
    if (!wanted[place]) missing.push({ place, version, reason: 'not in package-lock.json' });
  }
  const node = 'node_modules/node';
  if (wanted[node] && !existsSync(pinnedNode(root)) && !missing.some(({ place }) => place === node)) {
    missing.push({ place: node, version: wanted[node].version, reason: 'its program is missing' });
  }
  return missing;
};
