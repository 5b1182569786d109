import { describe, test } from '@jest/globals';
import { originalTree } from './conformance-tree.ts';

/** Tests that run the original too. Without a checkout of it they are one skipped test, which says so. */
export const describeWithOriginal = (title: string, body: () => void): void => {
  if (originalTree() !== undefined) {
    describe(title, body);
    return;
  }
  const line = `${title}: SKIPPED, SLIPWAY_FLATCAR_TREE does not name a checkout of flatcar/scripts`;
  process.stderr.write(`${line}\n`);
  test.skip(line, () => {});
};
