import { copyFile, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ArtifactCache } from '../../../lib/cache/types.ts';
import { slipwayError } from '../../../lib/errors/index.ts';

/** An artifact cache in a folder, without digests and signatures; it keeps what was asked of it. */
export const fakeCache = (folder: string): ArtifactCache & { readonly asked: string[] } => {
  const asked: string[] = [];
  const sizeOf = (path: string): Promise<number | undefined> =>
    stat(join(folder, path)).then(
      ({ size }) => size,
      () => undefined,
    );
  return {
    asked,
    store: {
      location: folder,
      size: sizeOf,
      list: (path) => readdir(join(folder, path)),
      entries: async () => [],
      readText: (path) => readFile(join(folder, path), 'utf8').catch(() => undefined),
      readBytes: (path) => readFile(join(folder, path)).catch(() => undefined),
      readRange: async (path, offset, length) => (await readFile(join(folder, path))).subarray(offset, offset + length),
      download: async () => undefined,
      publish: async () => undefined,
      rename: async () => false,
      remove: (path) => rm(join(folder, path), { recursive: true, force: true }),
      close: async () => undefined,
    },
    async publish({ folder: to, files, last = [] }) {
      const names = files.map((file) => basename(file));
      asked.push(`publish ${to} ${names.join(' ')} last ${last.join(' ')}`);
      await mkdir(join(folder, to), { recursive: true });
      const records = [];
      for (const file of files) {
        const path = `${to}/${basename(file)}`;
        await copyFile(file, join(folder, path));
        records.push({ path, sizeBytes: (await stat(file)).size, sha256: '0'.repeat(64) });
      }
      return records;
    },
    async fetch(path, toFolder) {
      asked.push(`fetch ${path}`);
      const sizeBytes = await sizeOf(path);
      if (sizeBytes === undefined) throw slipwayError('CACHE_ARTIFACT_MISSING', { path, location: folder });
      const file = join(toFolder, basename(path));
      await mkdir(dirname(file), { recursive: true });
      await copyFile(join(folder, path), file);
      return { path, sizeBytes, sha256: '0'.repeat(64), file };
    },
    hasAll: async (paths) => (await Promise.all(paths.map(sizeOf))).every((size) => size !== undefined),
  };
};
