import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of files by what they are for: contents, or what one needs to find them (indexes, recipes, digests, manifests). */
export interface BytesByUse {
  readonly contentBytes: number;
  readonly indexBytes: number;
  readonly files: number;
}

/** Archives and packs hold contents. */
export const isContent = (path: string): boolean => /\.(pack|tar\.(zst|gz|bz2))$/.test(path);

export const totalBytes = ({ contentBytes, indexBytes }: BytesByUse): number => contentBytes + indexBytes;

export const NOTHING: BytesByUse = { contentBytes: 0, indexBytes: 0, files: 0 };

/** What is stored below a folder; nothing when it is not there. */
export const storedBelow = (folder: string): BytesByUse => {
  const sum = { ...NOTHING };
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return sum;
  }
  for (const name of names) {
    const stats = statSync(join(folder, name));
    if (!stats.isFile()) continue;
    sum[isContent(name) ? 'contentBytes' : 'indexBytes'] += stats.size;
    sum.files += 1;
  }
  return sum;
};

/** What came to it between two looks. */
export const difference = (before: BytesByUse, after: BytesByUse): BytesByUse => ({
  contentBytes: after.contentBytes - before.contentBytes,
  indexBytes: after.indexBytes - before.indexBytes,
  files: after.files - before.files,
});
