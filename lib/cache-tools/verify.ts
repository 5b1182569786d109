import { DEDUP_FOLDER, noFetchedBytes, packPath, readLayer } from '../dedup/index.ts';
import { SlipwayError } from '../errors/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import type { Verifier } from '../signing/index.ts';
import { checkSignatures } from './check-signatures.ts';
import { planFlatTasks } from './flat-tasks.ts';
import { takeInventory } from './inventory.ts';
import { type Journal, openJournal } from './journal.ts';
import { readManifests, type StoredManifest } from './manifests.ts';
import { createScrubber, type Scrubber } from './scrubber.ts';
import { surveyFolder } from './survey.ts';
import type { CacheTools, SurveyedFile } from './types.ts';
import {
  checkIndex,
  checkOtherRecipes,
  checkPointers,
  findMissing,
  manifestProblems,
  type Problem,
  packPlace,
  type RecipeFacts,
  readRecipeFacts,
  whyPlacesWrong,
} from './verify-dedup.ts';
import { requireVersion, versionFolderOf, versionOfFolder } from './versions.ts';

/** What to verify. */
export interface VerifyRequest {
  /** Only this version, with everything that its images need; undefined: everything. */
  readonly version?: string;
  /** Absolute path of the file with what an interrupted run has verified; undefined: none is kept. */
  readonly journalFile?: string;
  readonly fromStart: boolean;
  /** Also rebuild every layer and compare it with its diff ID: what a reader does. */
  readonly deep: boolean;
  /** Undefined: signatures are not asked for. */
  readonly verifier?: Verifier;
}

/** What came of it. */
export interface VerifyReport {
  readonly problems: readonly Problem[];
  /** Artifacts that were published without digests. */
  readonly unproven: readonly string[];
  readonly files: number;
  readonly bytes: number;
  /** Files that an interrupted run had verified already. */
  readonly resumed: number;
  readonly layers: number;
}

const NO_JOURNAL: Journal = { has: () => false, add: async () => {}, known: 0, finish: async () => {} };

/** What all parts of a scrub share. */
interface Scrub {
  readonly tools: CacheTools;
  readonly scrubber: Scrubber;
  readonly journal: Journal;
  readonly problems: Problem[];
  readonly advance: (bytes: number) => void;
  done: { files: number; bytes: number };
}

const count = (scrub: Scrub, file: SurveyedFile): void => {
  scrub.done.files += 1;
  scrub.done.bytes += file.sizeBytes;
  scrub.advance(file.sizeBytes);
};

const affectedVersion = (path: string): string[] => {
  const folder = versionFolderOf(path);
  return folder === undefined ? [] : [versionOfFolder(folder)];
};

const scrubArtifacts = async (scrub: Scrub, files: readonly SurveyedFile[]): Promise<readonly string[]> => {
  const { tools, scrubber, journal, problems } = scrub;
  const { tasks, problems: found, unproven } = await planFlatTasks(tools, files);
  problems.push(...found.map((one) => ({ ...one, affects: affectedVersion(one.path) })));
  const left = tasks.filter(({ file }) => !journal.has(file));
  await inParallel(left, scrubber.atOnce, async ({ file, expected }) => {
    const sizeBytes = file.isLink ? ((await tools.store.size(file.path)) ?? 0) : file.sizeBytes;
    const answer = await scrubber.read({ path: file.path, sizeBytes, algorithm: 'sha512', isPack: false });
    count(scrub, file);
    // Deleted since it was listed, as a version that was collected.
    if (!answer) return;
    if (answer.digest === expected) {
      await journal.add(file);
      return;
    }
    const problem = `damaged: its sha512 is ${answer.digest}, its digests say ${expected}`;
    problems.push({ path: file.path, problem, affects: affectedVersion(file.path) });
  });
  return unproven;
};

const scrubPack = async (scrub: Scrub, pack: string, file: SurveyedFile, facts: RecipeFacts): Promise<void> => {
  const { tools, scrubber, journal, problems } = scrub;
  const affects = [...(facts.neededBy.get(`${pack}.pack`) ?? [])];
  const { path, sizeBytes } = file;
  const answer = await scrubber.read({ path, sizeBytes, algorithm: 'sha256', isPack: true });
  count(scrub, file);
  if (!answer) return;
  if (answer.digest !== pack)
    return void problems.push({ path, problem: `damaged: its sha256 is ${answer.digest}`, affects });
  if (!answer.blocks) return void problems.push({ path, problem: `damaged: ${answer.fault}`, affects });
  const wrongPlace = whyPlacesWrong(answer.blocks, facts.places.get(pack));
  if (wrongPlace) problems.push({ path, problem: wrongPlace, affects });
  // One that is being collected, or about to come back, may have its index elsewhere at the moment.
  const isInPlace = path === packPath(pack);
  const wrongIndex = isInPlace ? await checkIndex(tools, pack, answer.blocks) : undefined;
  // An index only helps publishers: no image is lost with it.
  if (wrongIndex) problems.push({ path: path.replace(/\.pack$/, '.idx'), problem: wrongIndex, affects: [] });
  if (!wrongPlace && !wrongIndex) await journal.add(file);
};

const scrubLayers = async (scrub: Scrub, images: readonly StoredManifest[]): Promise<number> => {
  const { tools, problems } = scrub;
  const layers = new Map(
    images.flatMap(({ manifest }) => manifest.layers.map((layer) => [layer.recipes[0] as string, layer])),
  );
  const usersOf = (recipe: string): string[] =>
    images
      .filter(({ manifest }) => manifest.layers.some((one) => one.recipes[0] === recipe))
      .map(({ reference }) => reference);
  for (const [recipe, layer] of layers) {
    tools.signal?.throwIfAborted();
    try {
      for await (const part of readLayer(tools, layer, noFetchedBytes())) scrub.advance(part.length);
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code === 'CACHE_UNREACHABLE') throw error;
      problems.push({
        path: `layer ${layer.diffId}`,
        problem: `cannot be rebuilt: ${error.message}`,
        affects: usersOf(recipe),
      });
    }
  }
  return layers.size;
};

const inVersion =
  (version: string | undefined) =>
  (file: SurveyedFile): boolean => {
    const folder = versionFolderOf(file.path);
    return version === undefined || (folder !== undefined && versionOfFolder(folder) === version);
  };

const scrubAll = async (scrub: Scrub, request: VerifyRequest, others: readonly SurveyedFile[]) => {
  const { tools, journal, problems, scrubber } = scrub;
  const { version, verifier, deep } = request;
  const read = await readManifests(tools);
  const images = read.images.filter((one) => version === undefined || one.version === version);
  const faults = read.faults.filter(({ path }) => version === undefined || path.split('/')[1] === version);
  const inventory = await takeInventory(tools);
  problems.push(...manifestProblems(faults));
  const facts = await readRecipeFacts(tools, images);
  problems.push(...facts.problems, ...findMissing(inventory, facts));
  const unproven = await scrubArtifacts(scrub, others);
  const isWanted = (name: string): boolean => facts.neededBy.has(name) || version === undefined;
  const packs = [...new Set([...inventory.items.keys(), ...facts.neededBy.keys()])]
    .filter((name) => name.endsWith('.pack') && isWanted(name))
    .map((name) => name.slice(0, -'.pack'.length));
  await inParallel(packs, scrubber.atOnce, async (pack) => {
    const file = packPlace(inventory, pack);
    if (file && !journal.has(file)) await scrubPack(scrub, pack, file, facts);
  });
  if (version === undefined) {
    problems.push(...checkPointers(inventory));
    const digestOf = async (file: SurveyedFile): Promise<string | undefined> => {
      count(scrub, file);
      return (await scrubber.read({ path: file.path, sizeBytes: file.sizeBytes, algorithm: 'sha256', isPack: false }))
        ?.digest;
    };
    problems.push(...(await checkOtherRecipes(tools, inventory, facts, digestOf)));
  }
  if (verifier) {
    const wrong = await checkSignatures(tools, verifier, others);
    problems.push(...wrong.map((one) => ({ ...one, affects: affectedVersion(one.path) })));
  }
  const layers = deep ? await scrubLayers(scrub, images) : 0;
  return { unproven, layers };
};

/**
 * Reads everything that the cache has, and compares it with its digests: artifacts with their `.DIGESTS` (and signatures), packs and
 * recipes with their names, indexes with their packs, recipes with packs, pointers and manifests with what they name.
 *
 * Throws `CACHE_NO_SUCH_VERSION`.
 */
export const verifyCache = async (tools: CacheTools, request: VerifyRequest): Promise<VerifyReport> => {
  const top = DEDUP_FOLDER.split('/')[0] as string;
  const surveyed = await surveyFolder(tools.store, '', tools.signal);
  const flat = surveyed.filter(({ path }) => !path.startsWith(`${top}/`));
  if (request.version !== undefined) requireVersion(tools, flat, request.version);
  const others = flat.filter(inVersion(request.version));
  const journal = request.journalFile ? await openJournal(request.journalFile, request.fromStart) : NO_JOURNAL;
  const scrubber = createScrubber(tools);
  const wanted = request.version === undefined ? surveyed : others;
  const progress = tools.log.progress(
    'verify',
    // How much is rebuilt is known when it is.
    request.deep ? undefined : wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  );
  const scrub: Scrub = {
    tools,
    scrubber,
    journal,
    problems: [],
    advance: (bytes) => progress.advance(bytes),
    done: { files: 0, bytes: 0 },
  };
  try {
    const { unproven, layers } = await scrubAll(scrub, request, others);
    await journal.finish();
    const problems = scrub.problems.toSorted((a, b) => (a.path < b.path ? -1 : 1));
    return { problems, unproven: unproven.toSorted(), ...scrub.done, resumed: journal.known, layers };
  } finally {
    progress.finish();
    await scrubber.close();
  }
};
