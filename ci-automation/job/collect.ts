import { copyFile, glob, lstat, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PipelineDefinition } from '../../lib/pipeline/index.ts';

/** Files of one kind, from the folder of artifacts. */
export type Collected = Readonly<Record<string, readonly string[]>>;

/** Test results lie in one folder, where CIs look for them. */
const targetOf = (kind: string, path: string): string =>
  join(kind, kind === 'junit' ? path.replaceAll('/', '-') : path);

/**
 * Copies what the definition wants to keep from the tree to the folder of artifacts, as far as this job wrote it: a checkout that a CI keeps has
 * files of earlier jobs, too.
 *
 * @param root absolute path of the checkout
 * @param target absolute
 * @param sinceMs when the job began
 */
export const collectArtifacts = async (
  { collect }: PipelineDefinition['artifacts'],
  { root, target, sinceMs }: { readonly root: string; readonly target: string; readonly sinceMs: number },
): Promise<Collected> => {
  const collected: Record<string, string[]> = {};
  for (const [kind, patterns] of Object.entries(collect)) {
    const found: string[] = [];
    for await (const path of glob(patterns, { cwd: root })) {
      const stats = await lstat(join(root, path));
      // The change time, because a copy can bring the modification time along.
      if (!stats.isFile() || stats.ctimeMs < sinceMs) continue;
      const place = targetOf(kind, path);
      await mkdir(dirname(join(target, place)), { recursive: true });
      await copyFile(join(root, path), join(target, place));
      found.push(place);
    }
    collected[kind] = found.sort((a, b) => a.localeCompare(b));
  }
  return collected;
};
