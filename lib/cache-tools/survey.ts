import type { CacheStore } from '../cache/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import type { SurveyedFile } from './types.ts';

const FOLDERS_AT_ONCE = 8;

/** Links have a size of their own, which is nobody's business. */
const fileOf = (
  folder: string,
  entry: { name: string; kind: string; sizeBytes: number; modifiedMs: number },
): SurveyedFile => {
  const isLink = entry.kind === 'other';
  return {
    path: folder === '' ? entry.name : `${folder}/${entry.name}`,
    sizeBytes: isLink ? 0 : entry.sizeBytes,
    modifiedMs: entry.modifiedMs,
    isLink,
  };
};

/**
 * All files below a folder, sorted by path.
 *
 * @param leaveOut names of folders directly in `folder` that are not looked into
 */
export const surveyFolder = async (
  store: CacheStore,
  folder: string,
  signal?: AbortSignal,
  leaveOut: readonly string[] = [],
): Promise<SurveyedFile[]> => {
  const files: SurveyedFile[] = [];
  let folders = [folder];
  while (folders.length > 0) {
    const next: string[] = [];
    await inParallel(folders, FOLDERS_AT_ONCE, async (one) => {
      signal?.throwIfAborted();
      for (const entry of await store.entries(one)) {
        const isLeftOut = one === folder && leaveOut.includes(entry.name);
        if (entry.kind !== 'folder') files.push(fileOf(one, entry));
        else if (!isLeftOut) next.push(one === '' ? entry.name : `${one}/${entry.name}`);
      }
    });
    folders = next;
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
};
