import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CacheStore } from '../../lib/cache/index.ts';
import { compareFiles, type Difference } from '../../lib/compare/index.ts';
import { isSlipwayError } from '../../lib/errors/index.ts';
import type { Log } from '../../lib/log/index.ts';
import type { Runner } from '../../lib/process/index.ts';
import { hashFile } from '../../lib/signing/index.ts';
import { fetchPublished } from './fetch.ts';
import type { PlannedRun, StatedArtifact } from './plan.ts';
import type { FinishedRun } from './run.ts';
import { artifactsIn, type ReproduceFolders } from './workspace.ts';

/** One artifact, published and built again. */
export interface ArtifactOutcome {
  readonly path: string;
  readonly state: 'identical' | 'differs' | 'missing' | 'extra';
  /** Published: 64 hex digits; undefined for what was not. */
  readonly published?: string;
  /** Built here. */
  readonly built?: string;
  readonly difference?: Difference;
  /** Why there is no difference to show. */
  readonly note?: string;
}

/** What came of one run. */
export interface RunOutcome {
  readonly run: PlannedRun;
  readonly durationMs: number;
  readonly artifacts: readonly ArtifactOutcome[];
}

/** What comparing works with. */
export interface OutcomeParts {
  readonly folders: ReproduceFolders;
  /** Undefined: without the network. */
  readonly store: CacheStore | undefined;
  readonly runner: Runner;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Fetched already, or from the cache; undefined, and why, when it cannot be had. */
const publishedFile = async (
  output: StatedArtifact,
  { folders, store, signal }: OutcomeParts,
): Promise<{ readonly file?: string; readonly why?: string }> => {
  const local = join(folders.published, output.path);
  if (store === undefined) {
    const isHere = await hashFile(local, ['sha256'], { signal }).then(
      ({ digests }) => digests.sha256 === output.sha256,
      () => false,
    );
    return isHere ? { file: local } : { why: 'the published one is not here to look into; call again with a network' };
  }
  try {
    return { file: await fetchPublished(store, folders, output, signal) };
  } catch (error) {
    if (isSlipwayError(error, 'CACHE_ARTIFACT_MISSING'))
      return { why: 'the published one is not in the cache any more' };
    if (isSlipwayError(error, 'CACHE_UNREACHABLE')) return { why: 'the published one cannot be fetched to look into' };
    throw error;
  }
};

const outcomeOf = async (
  output: StatedArtifact,
  finished: FinishedRun,
  parts: OutcomeParts,
): Promise<ArtifactOutcome> => {
  const { path, sha256: published } = output;
  const { folders, runner, signal, log } = parts;
  const file = join(finished.folders.cache, path);
  let built: string;
  try {
    built = (await hashFile(file, ['sha256'], { signal })).digests.sha256;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { path, state: 'missing', published, note: 'it was not made here' };
  }
  if (built === published) return { path, state: 'identical', published, built };
  const base = { path, state: 'differs', published, built } as const;
  const { file: before, why } = await publishedFile(output, parts);
  if (before === undefined) return { ...base, note: why };
  log.info(`Comparing ${path} ...`);
  await mkdir(folders.temp, { recursive: true });
  const difference = await compareFiles(before, file, path, { runner, temp: folders.temp, signal });
  return { ...base, difference };
};

/** What only this build has: its own statement and logs are not among it. */
const extraOf = async ({ run, folders, ended }: FinishedRun): Promise<ArtifactOutcome[]> => {
  const known = new Set([...run.outputs, ...run.inputs].map(({ path }) => path));
  const made = (ended.result?.outputs ?? []).filter(({ path }) => !known.has(path) && !path.startsWith('build-logs/'));
  const there = new Set(await artifactsIn(folders.cache));
  return made
    .filter(({ path }) => there.has(path))
    .map(({ path, sha256 }) => ({ path, state: 'extra', built: sha256, note: 'it was not published' }));
};

/** Logs are named after the time, and are never the same; they are no artifacts that anybody uses. */
const isCompared = ({ path }: StatedArtifact): boolean => !path.startsWith('build-logs/');

/** Compares what the runs made with what is published, artifact by artifact. */
export const compareOutcomes = async (finished: readonly FinishedRun[], parts: OutcomeParts): Promise<RunOutcome[]> => {
  const outcomes: RunOutcome[] = [];
  for (const one of finished) {
    const artifacts: ArtifactOutcome[] = [];
    for (const output of one.run.outputs.filter(isCompared)) artifacts.push(await outcomeOf(output, one, parts));
    artifacts.push(...(await extraOf(one)));
    outcomes.push({ run: one.run, durationMs: one.ended.durationMs, artifacts });
  }
  await rm(parts.folders.temp, { recursive: true, force: true });
  return outcomes;
};

/** Paths of what is not the same. */
export const differingIn = (outcomes: readonly RunOutcome[]): string[] =>
  outcomes.flatMap(({ artifacts }) => artifacts.filter(({ state }) => state !== 'identical').map(({ path }) => path));
