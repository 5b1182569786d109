import { statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { StepContext } from './context.ts';

/** What one vendor format may need on disk while it is made: its raw form and the finished file. */
const BYTES_PER_FORMAT = 4 * 1024 ** 3;

/**
 * How many formats to make at a time: as many as VMS_PARALLEL says, else as many as cores and free disk allow.
 *
 * @param count how many there are to make
 */
export const getParallelism = async ({ settings, root }: StepContext, count: number): Promise<number> => {
  if (settings.VMS_PARALLEL > 0) return Math.min(settings.VMS_PARALLEL, count);
  const { bavail, bsize } = await statfs(root);
  const byDisk = Math.floor((bavail * bsize) / BYTES_PER_FORMAT);
  return Math.max(1, Math.min(count, availableParallelism(), byDisk));
};

/** Calls `work` for each item, at most `atOnce` at a time; results in the order of the items. */
export const mapInParallel = async <Item, Value>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Value>,
): Promise<Value[]> => {
  const results: Value[] = new Array(items.length);
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
};
