import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string} folder */
const namesIn = (folder) => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/**
 * Whether there are no bundles of the steps, or a source has changed since they were made: run-step.sh judges each by the same rule. They are
 * made all at once, so that one stands for the others.
 *
 * @param {string} root absolute path of the checkout
 */
export const areBundlesStale = (root) => {
  const folder = join(root, 'node_modules/.slipway');
  const [bundle] = namesIn(folder);
  if (bundle === undefined) return true;
  const sources = ['lib', 'ci-automation', 'package-lock.json'].map((path) => join(root, path));
  const { stdout } = spawnSync('find', [...sources, '-cnewer', join(folder, bundle), '-print', '-quit']);
  // Without an answer of find, run-step.sh would not take them either.
  return stdout?.length !== 0;
};
