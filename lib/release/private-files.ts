import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeOwnName } from '../process/process-identity.ts';
import type { Credential } from './credentials.ts';
import type { ReleaseContext } from './types.ts';

/**
 * Lends credentials to a container as files that only this user can read; they are gone when `work` has ended, and when the step was interrupted.
 * With `--plan` no file is written.
 *
 * @param work gets the absolute path of the folder; a file has its credential's name
 */
export const withPrivateFiles = async <T>(
  { temp, cleanup, plan }: Pick<ReleaseContext, 'temp' | 'cleanup' | 'plan'>,
  credentials: readonly Credential[],
  work: (folder: string) => Promise<T>,
): Promise<T> => {
  if (plan) return work(join(temp, 'credentials'));
  const folder = join(temp, `credentials-${makeOwnName()}`);
  const free = cleanup.add('the credentials', () => rm(folder, { recursive: true, force: true }));
  try {
    await mkdir(folder, { mode: 0o700 });
    for (const { name, content } of credentials)
      await writeFile(join(folder, name), content, { mode: 0o600, flag: 'wx' });
    return await work(folder);
  } finally {
    await free();
  }
};
