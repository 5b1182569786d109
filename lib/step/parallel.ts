import { statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { StepContext } from './context.ts';

/** What one vendor format may need on disk while it is made: its raw form and the finished file. */
const BYTES_PER_FORMAT = 4 * 1024 ** 3;

/**
 * How many formats to make at a time: as many as VMS_PARALLEL says, else as many as the tree can, else as many as cores and free disk allow.
 *
 * @param count how many there are to make
 */
export const getParallelism = async ({ settings, tree, root }: StepContext, count: number): Promise<number> => {
  if (settings.VMS_PARALLEL > 0) return Math.min(settings.VMS_PARALLEL, count);
  if (tree.vms.atOnce !== undefined) return Math.min(tree.vms.atOnce, count);
  const { bavail, bsize } = await statfs(root);
  const byDisk = Math.floor((bavail * bsize) / BYTES_PER_FORMAT);
  return Math.max(1, Math.min(count, availableParallelism(), byDisk));
};
