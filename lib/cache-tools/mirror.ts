import { hash } from 'node:crypto';
import { readlink, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { CacheStore, Upload } from '../cache/index.ts';
import {
  DEDUP_FOLDER,
  decodePackIndex,
  HEADS_FOLDER,
  LAYERS_FOLDER,
  PACKS_FOLDER,
  RECIPES_FOLDER,
  TRASH_FOLDER,
} from '../dedup/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import { parseDigests } from '../signing/index.ts';
import { MANIFEST_ENDING, readManifests } from './manifests.ts';
import { createScrubber, type Scrubber } from './scrubber.ts';
import { surveyFolder } from './survey.ts';
import type { CacheTools, SurveyedFile } from './types.ts';
import { MOST_INDEX_BYTES, type Problem, readRecipeFacts } from './verify-dedup.ts';

/** What a mirror run did; of a dry run: would do. Paths of the cache. */
export interface MirrorReport {
  readonly dryRun: boolean;
  readonly copied: readonly string[];
  readonly copiedBytes: number;
  readonly deleted: readonly string[];
  /** Links that cannot be read over there. */
  readonly skipped: readonly string[];
  /** Damaged files, and the signs of images that need them: not copied. */
  readonly problems: readonly Problem[];
}

const COMPANION = /\.(asc|gpg|sig|DIGESTS)$/;

/** What a file needs is copied before it; what says that something is there comes last. */
const rankOf = (path: string): number => {
  if (path.startsWith(`${PACKS_FOLDER}/`)) return path.endsWith('.pack') ? 0 : 1;
  if (path.startsWith(`${RECIPES_FOLDER}/`)) return 2;
  if (path.startsWith(`${LAYERS_FOLDER}/`)) return 3;
  if (path.startsWith(`${HEADS_FOLDER}/`)) return 8;
  if (COMPANION.test(path)) return 5;
  if (path.endsWith(MANIFEST_ENDING)) return 6;
  return path.endsWith('.id') ? 7 : 4;
};

const TOP = DEDUP_FOLDER.split('/')[0] as string;
const CONTENT = /\/([0-9a-f]{64})\.(?:pack|recipe)$/;

/** Files to mirror. What refers is listed before what it refers to, so that nothing is missing that an image needs. */
const surveyAll = async (store: CacheStore, signal: AbortSignal | undefined): Promise<SurveyedFile[]> => {
  const flat = await surveyFolder(store, '', signal, [TOP]);
  const dedup = await surveyFolder(store, TOP, signal);
  return [...flat, ...dedup.filter(({ path }) => !path.startsWith(`${TRASH_FOLDER}/`))];
};

const isSame = (a: SurveyedFile, b: SurveyedFile | undefined): boolean => {
  if (!b || a.isLink !== b.isLink || a.sizeBytes !== b.sizeBytes) return false;
  const seconds = ({ modifiedMs }: SurveyedFile): number => Math.floor(modifiedMs / 1000);
  return a.isLink || CONTENT.test(a.path) || seconds(a) === seconds(b);
};

/** Why a file is not what it should be, or undefined; read from the source. */
const whyDamaged = async (
  { store }: CacheTools,
  scrubber: Scrubber,
  { path, sizeBytes }: SurveyedFile,
  paths: ReadonlySet<string>,
): Promise<string | undefined> => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const content = CONTENT.exec(path)?.[1];
  if (path.startsWith(`${PACKS_FOLDER}/`) && content === undefined) {
    try {
      const { packId } = decodePackIndex((await store.readBytes(path, MOST_INDEX_BYTES)) ?? Buffer.alloc(0), path);
      return name === `${packId}.idx` ? undefined : `damaged: it is the index of ${packId}`;
    } catch (error) {
      return `damaged: ${(error as Error).message}`;
    }
  }
  const digests = !content && paths.has(`${path}.DIGESTS`) ? await store.readText(`${path}.DIGESTS`) : undefined;
  const expected = content ?? (digests && parseDigests(digests, name).sha512);
  if (!expected) return digests === undefined ? undefined : 'damaged: its digests say nothing of it';
  const answer = await scrubber.read({ path, sizeBytes, algorithm: content ? 'sha256' : 'sha512', isPack: false });
  return !answer || answer.digest === expected ? undefined : `damaged: its digest is ${answer.digest}`;
};

/** A file of the source on this machine, to be published. */
const bring = async (
  { store, localDir, temp }: CacheTools,
  { path, isLink, modifiedMs }: SurveyedFile,
): Promise<Upload> => {
  if (localDir !== undefined) {
    const file = join(localDir, path);
    return isLink ? { file, path, linkTarget: await readlink(file) } : { file, path };
  }
  const file = join(temp, `copy-${hash('sha256', path, 'hex')}`);
  await store.download(path, file);
  await utimes(file, modifiedMs / 1000, modifiedMs / 1000);
  return { file, path };
};

/** So much is copied as one set at most. */
const BATCH_BYTES = 256 * 1024 * 1024;
const BATCH_FILES = 200;

function* batches(files: readonly SurveyedFile[]): Generator<SurveyedFile[]> {
  let batch: SurveyedFile[] = [];
  let bytes = 0;
  for (const file of files) {
    const isNewRank = batch[0] !== undefined && rankOf(batch[0].path) !== rankOf(file.path);
    if (batch.length === BATCH_FILES || isNewRank || (bytes > 0 && bytes + file.sizeBytes > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(file);
    bytes += file.sizeBytes;
  }
  if (batch.length > 0) yield batch;
}

/** Copies batch by batch, each verified first; a mark of an image of which something is damaged is left out. */
const copyAll = async (
  tools: CacheTools,
  target: CacheStore,
  files: readonly SurveyedFile[],
  paths: ReadonlySet<string>,
  dryRun: boolean,
) => {
  const { images } = await readManifests(tools);
  const { neededBy } = await readRecipeFacts(tools, images);
  const problems: Problem[] = [];
  const copied: SurveyedFile[] = [];
  const broken = new Set<string>();
  const scrubber = createScrubber(tools);
  const progress = tools.log.progress(
    'mirror',
    files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  );
  /** A mark of an image is beside its manifest. */
  const isMarkOfBroken = (path: string): boolean => {
    const [base] = /^.*(?=\.(?:image\.json|id)$)/.exec(path) ?? [];
    return base !== undefined && (broken.has(base) || broken.has(path.slice(0, path.lastIndexOf('/'))));
  };
  const check = async (file: SurveyedFile): Promise<SurveyedFile[]> => {
    if (isMarkOfBroken(file.path)) return [];
    const why = file.isLink ? undefined : await whyDamaged(tools, scrubber, file, paths);
    if (why === undefined) return [file];
    const affects = [...(neededBy.get(file.path.slice(file.path.lastIndexOf('/') + 1)) ?? [])];
    problems.push({ path: file.path, problem: why, affects });
    for (const { reference, path } of images)
      if (affects.includes(reference)) broken.add(path.slice(0, -MANIFEST_ENDING.length));
    broken.add(file.path.slice(0, file.path.lastIndexOf('/')));
    return [];
  };
  try {
    for (const batch of batches(files)) {
      tools.signal?.throwIfAborted();
      const fine = dryRun ? batch : (await inParallel(batch, scrubber.atOnce, check)).flat();
      if (!dryRun) {
        const uploads = await inParallel(fine, 4, (file) => bring(tools, file));
        await target.publish(uploads, { onBytes: (bytes) => progress.advance(bytes) });
        if (tools.localDir === undefined) for (const { file } of uploads) await rm(file, { force: true });
      }
      copied.push(...fine);
    }
    return { copied, problems };
  } finally {
    progress.finish();
    await scrubber.close();
  }
};

/**
 * Copies a cache to another one: only what is missing there, verified on the way, and in an order in which a reader of the copy never sees an
 * image of which something is not there yet.
 *
 * @param options.deletes delete in the copy what the cache does not have any more, in the reverse order
 */
export const mirrorCache = async (
  tools: CacheTools,
  target: CacheStore,
  { dryRun, deletes }: { readonly dryRun: boolean; readonly deletes: boolean },
): Promise<MirrorReport> => {
  const there = await surveyAll(target, tools.signal);
  const here = await surveyAll(tools.store, tools.signal);
  const known = new Map(there.map((file) => [file.path, file]));
  const paths = new Set(here.map(({ path }) => path));
  const byRank = (a: SurveyedFile, b: SurveyedFile): number =>
    rankOf(a.path) - rankOf(b.path) || (a.path < b.path ? -1 : 1);
  const canCopy = ({ isLink }: SurveyedFile): boolean => !isLink || tools.localDir !== undefined;
  const missing = here.filter((file) => !isSame(file, known.get(file.path))).sort(byRank);
  const { copied, problems } = await copyAll(tools, target, missing.filter(canCopy), paths, dryRun);
  const gone = deletes
    ? there
        .filter(({ path }) => !paths.has(path))
        .sort(byRank)
        .reverse()
    : [];
  if (!dryRun) for (const { path } of gone) await target.remove(path);
  return {
    dryRun,
    copied: copied.map(({ path }) => path),
    copiedBytes: copied.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    deleted: gone.map(({ path }) => path),
    skipped: missing.filter((file) => !canCopy(file)).map(({ path }) => path),
    problems,
  };
};
