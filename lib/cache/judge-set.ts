import { readFile } from 'node:fs/promises';
import { slipwayError } from '../errors/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import { parseDigests } from '../signing/index.ts';
import { nameOf } from './paths.ts';
import { companionPaths, type PreparedArtifact } from './prepare-artifact.ts';
import type { CachePath, PublishedFiles, PublishRequest } from './types.ts';

const REQUESTS_AT_ONCE = 8;

/** How the published file of an artifact's name compares with ours. */
export type Presence =
  | { readonly state: 'absent' }
  /** Nothing says what it is: its publication was not finished. */
  | { readonly state: 'undigested' }
  | { readonly state: 'same' }
  /** By its digests it is ours, by its size it is not. */
  | { readonly state: 'damaged' }
  | { readonly state: 'other'; readonly digest: string; readonly ours: string };

/** What is to be done with a set. */
export interface Judgement {
  readonly presences: ReadonlyMap<PreparedArtifact, Presence>;
  /** The set is there, if not in the same bytes: nothing is sent. */
  readonly isJoined: boolean;
  /** Artifacts that take the place of others. */
  readonly replaced: readonly PreparedArtifact[];
  /** What is there is what a publisher left that did not finish. */
  readonly isUnfinished: boolean;
}

const digestsPath = (artifact: PreparedArtifact): CachePath => companionPaths(artifact.upload.path).digests;

/** Without digests, ours and published ones cannot be told apart. */
const isComparable = (artifact: PreparedArtifact): boolean =>
  artifact.companions.some((one) => one.path === digestsPath(artifact));

const compare = async (there: PublishedFiles, artifact: PreparedArtifact): Promise<Presence> => {
  const { path } = artifact.upload;
  const size = await there.size(path);
  if (size === undefined) return { state: 'absent' };
  const text = await there.readText(digestsPath(artifact));
  const theirs = text === undefined ? undefined : parseDigests(text, nameOf(path)).sha512;
  if (theirs === undefined) return { state: 'undigested' };
  const { file = '' } = artifact.companions.find((one) => one.path === digestsPath(artifact)) ?? {};
  const ours = parseDigests(await readFile(file, 'utf8'), nameOf(path)).sha512 ?? '';
  if (theirs !== ours) return { state: 'other', digest: theirs, ours };
  // A link is made anew: that the same is behind one over there says nothing of the link.
  if (artifact.upload.linkTarget !== undefined) return { state: 'absent' };
  return size === artifact.record?.sizeBytes ? { state: 'same' } : { state: 'damaged' };
};

const pathIn = ({ folder }: PublishRequest, name: string): CachePath => (folder === '' ? name : `${folder}/${name}`);

/**
 * Whether what is published is whole: the files that readers take for the sign of it are there. Where none are named, the digests tell,
 * which appear after all artifacts of a set.
 */
const isFinished = async (
  request: PublishRequest,
  presences: Judgement['presences'],
  there: PublishedFiles,
): Promise<boolean> => {
  const ours = new Set([...presences.keys()].map(({ upload }) => upload.path));
  const markers = (request.last ?? []).map((name) => pathIn(request, name)).filter((path) => ours.has(path));
  if (markers.length === 0) return ![...presences.values()].some(({ state }) => state === 'undigested');
  const sizes = await Promise.all(markers.map((path) => there.size(path)));
  return sizes.every((size) => size !== undefined);
};

type Other = Extract<Presence, { state: 'other' }>;

const differing = (presences: Judgement['presences']): (readonly [PreparedArtifact, Other])[] =>
  [...presences].flatMap(([artifact, presence]) => (presence.state === 'other' ? [[artifact, presence] as const] : []));

const hasState = (presences: Judgement['presences'], path: CachePath, state: Presence['state']): boolean =>
  [...presences].some(([{ upload }, presence]) => upload.path === path && presence.state === state);

/**
 * Compares a set with what is published under its names, and decides: a version that is published does not change. The same joins; what was
 * left unfinished is replaced, and so is what the request says may change; anything else is refused.
 *
 * Throws `CACHE_VERSION_DIFFERS`.
 */
export const judgeSet = async (
  request: PublishRequest,
  artifacts: readonly PreparedArtifact[],
  there: PublishedFiles,
  location: string,
): Promise<Judgement> => {
  const compared = await inParallel(
    artifacts.filter(isComparable),
    REQUESTS_AT_ONCE,
    async (artifact) => [artifact, await compare(there, artifact)] as const,
  );
  const presences = new Map(compared);
  const others = differing(presences);
  const judgement = { presences, isJoined: false, isUnfinished: false, replaced: others.map(([artifact]) => artifact) };
  if (others.length === 0 || request.replace) return judgement;
  if (!(await isFinished(request, presences, there))) return { ...judgement, isUnfinished: true };
  if (request.sameBy !== undefined && hasState(presences, pathIn(request, request.sameBy), 'same')) {
    const isWhole = [...presences.values()].every(({ state }) => state === 'same' || state === 'other');
    return isWhole ? { ...judgement, isJoined: true, replaced: [] } : judgement;
  }
  const files = others.map(([{ upload }, { digest, ours }]) => ({ path: upload.path, published: digest, ours }));
  throw slipwayError('CACHE_VERSION_DIFFERS', { location, folder: request.folder, files });
};
