import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Log, silentLog } from '../log/index.ts';
import { isOwnerDead, makeOwnName } from '../process/process-identity.ts';
import { sha256Of } from './digest.ts';
import type { BlockPlace } from './types.ts';

/**
 * What a worker keeps of the store, so that it fetches only what it did not have yesterday. Several processes may use it at once. Nothing
 * depends on it: when its disk is full or cannot be written to, that is said once and things are not kept.
 */
export interface ChunkStore {
  /** The record of a block, or undefined. Not verified: who decodes it does, and drops what is damaged. */
  readBlock(place: BlockPlace): Promise<Buffer | undefined>;
  /** Which of the blocks are here. */
  findBlocks(places: readonly BlockPlace[]): Promise<ReadonlySet<string>>;
  /** @returns whether it is kept; so for the others */
  keepBlock(place: BlockPlace, record: Buffer): Promise<boolean>;
  /** Forgets a damaged block. */
  dropBlock(place: BlockPlace): Promise<void>;
  /** Takes the files of a pack that was made here, by renaming them; they are gone afterwards in any case. */
  adoptPack(id: string, file: string, indexFile: string): Promise<boolean>;
  readIndex(pack: string): Promise<Buffer | undefined>;
  keepIndex(pack: string, bytes: Buffer): Promise<boolean>;
  /** Forgets a damaged index. */
  dropIndex(pack: string): Promise<void>;
  readRecipe(id: string): Promise<Buffer | undefined>;
  keepRecipe(id: string, bytes: Buffer): Promise<boolean>;
  /** Deletes what was used least recently until the limit is kept. */
  trim(): Promise<void>;
}

/** Settings of the store. */
export interface ChunkStoreOptions {
  /** Absolute path; made when something is kept. */
  readonly dir: string;
  readonly limitBytes: number;
  /** Hears of a folder that cannot be used. */
  readonly log?: Log;
}

/** So that not every trim is followed by another. */
const FILL_AFTER_TRIM = 0.9;

/** The limit may be exceeded by so much between two looks at it. */
const GROWTH_BEFORE_TRIM = 0.1;

/** How often a file's time of use is written. */
const TOUCH_MS = 60_000;

const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'EACCES', 'EIO', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

const orUndefined = async <Value>(work: () => Promise<Value>): Promise<Value | undefined> => {
  try {
    return await work();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

const readAt = async (handle: FileHandle, offset: number, length: number): Promise<Buffer | undefined> => {
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await handle.read(bytes, 0, length, offset);
  return bytesRead === length ? bytes : undefined;
};

/** Makes the store of a worker. */
export const createChunkStore = ({ dir, limitBytes, log = silentLog }: ChunkStoreOptions): ChunkStore => {
  const packFile = (id: string): string => join(dir, 'packs', `${id}.pack`);
  const indexFileOf = (id: string): string => join(dir, 'indexes', `${id}.idx`);
  const recipeFile = (id: string): string => join(dir, 'recipes', `${id}.recipe`);
  const blockFile = (id: string): string => join(dir, 'blocks', id.slice(0, 2), `${id}.block`);
  const touched = new Map<string, number>();

  const touch = async (file: string): Promise<void> => {
    const now = Date.now();
    if (now - (touched.get(file) ?? 0) < TOUCH_MS) return;
    touched.set(file, now);
    // A folder that may only be read serves as well.
    await utimes(file, now / 1000, now / 1000).catch(() => {});
  };

  let hasComplained = false;
  let grownBytes = 0;
  let trimming: Promise<void> | undefined;

  /** Keeps something if that is possible, and the limit, too. */
  const keep = async (sizeBytes: number, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
    } catch (error) {
      if (!hasComplained)
        log.warn(`This machine keeps nothing of the cache from here on: ${(error as Error).message}.`);
      hasComplained = true;
      return false;
    }
    grownBytes += sizeBytes;
    if (grownBytes > limitBytes * GROWTH_BEFORE_TRIM) {
      grownBytes = 0;
      trimming ??= trim().finally(() => {
        trimming = undefined;
      });
      await trimming;
    }
    return true;
  };

  const read = async (file: string): Promise<Buffer | undefined> => {
    const bytes = await orUndefined(() => readFile(file));
    if (bytes) await touch(file);
    return bytes;
  };

  /** A reader never meets half a file. */
  const write = async (file: string, bytes: Buffer): Promise<void> => {
    await mkdir(dirname(file), { recursive: true });
    const partial = `${file}.${makeOwnName()}.partial`;
    try {
      await writeFile(partial, bytes);
      await rename(partial, file);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  };

  const adopt = async (from: string, to: string): Promise<void> => {
    await mkdir(dirname(to), { recursive: true });
    try {
      await rename(from, to);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
      await write(to, await readFile(from));
      await rm(from);
    }
  };

  const readFromPack = async ({ pack, offset, recordBytes }: BlockPlace): Promise<Buffer | undefined> => {
    const handle = await orUndefined(() => open(packFile(pack)));
    if (!handle) return undefined;
    try {
      await touch(packFile(pack));
      return await readAt(handle, offset, recordBytes);
    } finally {
      await handle.close();
    }
  };

  const namesIn = async (folder: string): Promise<string[]> => (await orUndefined(() => readdir(folder))) ?? [];

  const listAll = async (): Promise<{ file: string; sizeBytes: number; usedMs: number }[]> => {
    const names = (await orUndefined(() => readdir(dir, { recursive: true }))) ?? [];
    const entries = await Promise.all(
      names.map(async (name) => {
        const file = join(dir, name);
        const stats = await orUndefined(() => stat(file));
        return stats?.isFile() ? [{ file, sizeBytes: stats.size, usedMs: stats.mtimeMs }] : [];
      }),
    );
    return entries.flat();
  };

  const trim = async (): Promise<void> => {
    const all = (await listAll()).sort((a, b) => a.usedMs - b.usedMs);
    const partial = /\.([^.]+)\.partial$/;
    const abandoned = all.filter(({ file }) => isOwnerDead(partial.exec(file)?.[1] ?? ''));
    // A folder that cannot be written to does not grow either.
    for (const { file } of abandoned) await rm(file, { force: true }).catch(() => {});
    const files = all.filter(({ file }) => !partial.test(file));
    let total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (total <= limitBytes) return;
    for (const { file, sizeBytes } of files) {
      if (total <= limitBytes * FILL_AFTER_TRIM) break;
      await rm(file, { force: true }).catch(() => {});
      total -= sizeBytes;
    }
  };

  return {
    readBlock: async (place) => (await read(blockFile(place.id))) ?? readFromPack(place),
    async findBlocks(places) {
      const packs = new Set(await namesIn(join(dir, 'packs')));
      const prefixes = [...new Set(places.map(({ id }) => id.slice(0, 2)))];
      const names = await Promise.all(prefixes.map((prefix) => namesIn(join(dir, 'blocks', prefix))));
      const blocks = new Set(names.flat());
      const here = places.filter(({ id, pack }) => blocks.has(`${id}.block`) || packs.has(`${pack}.pack`));
      return new Set(here.map(({ id }) => id));
    },
    keepBlock: ({ id }, record) => keep(record.length, () => write(blockFile(id), record)),
    async dropBlock({ id, pack }) {
      for (const file of [blockFile(id), packFile(pack)]) await rm(file, { force: true }).catch(() => {});
    },
    async adoptPack(id, file, indexFile) {
      const { size } = await stat(file);
      const isKept = await keep(size, async () => {
        await adopt(file, packFile(id));
        await adopt(indexFile, indexFileOf(id));
      });
      if (!isKept) await Promise.all([rm(file, { force: true }), rm(indexFile, { force: true })]);
      return isKept;
    },
    readIndex: (pack) => read(indexFileOf(pack)),
    keepIndex: (pack, bytes) => keep(bytes.length, () => write(indexFileOf(pack), bytes)),
    dropIndex: (pack) => rm(indexFileOf(pack), { force: true }).catch(() => {}),
    async readRecipe(id) {
      const bytes = await read(recipeFile(id));
      return bytes && sha256Of(bytes) === id ? bytes : undefined;
    },
    keepRecipe: (id, bytes) => keep(bytes.length, () => write(recipeFile(id), bytes)),
    trim,
  };
};
