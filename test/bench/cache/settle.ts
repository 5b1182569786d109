import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './shell.ts';

/** A little longer than ext4's `RECENTCY_MIN`. */
const FORGOTTEN_MS = 62_000;

/**
 * Lets the disk forget what was deleted. For a minute (and five more, if its table is not written yet) ext4 gives out no inode again whose file was deleted, and
 * looks at each of them on its way to a free one (`recently_deleted` in fs/ext4/ialloc.c): an engine that unpacks 70 000 files right after as many were
 * removed takes half as long again, whichever way they come.
 */
export const letDiskSettle = async (): Promise<void> => {
  await run('sync', []);
  await sleep(FORGOTTEN_MS);
};
