import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../lib/log/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { CLEANUP_FILE } from '../../lib/step/index.ts';

/**
 * Runs the tree's `ci-cleanup.sh` and removes it. What is gone already is no trouble: lines may fail, and each job must end with the exit code of
 * its step.
 *
 * @param cwd absolute path of the checkout
 */
export const runCleanup = async (
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<void> => {
  const file = join(cwd, CLEANUP_FILE);
  try {
    await access(file);
  } catch {
    return;
  }
  try {
    const runner = createRunner({ cwd, env, log });
    await log.phase('free containers and images', () => runner.run(['bash', CLEANUP_FILE]));
  } catch (error) {
    log.warn(`${CLEANUP_FILE}: ${(error as Error).message}`);
  }
  await rm(file, { force: true });
};
