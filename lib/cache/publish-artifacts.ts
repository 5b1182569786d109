import { stat } from 'node:fs/promises';
import { isSlipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import type { Signer } from '../signing/index.ts';
import { type Judgement, judgeSet } from './judge-set.ts';
import { folderOf, validateFolder, validatePath } from './paths.ts';
import { companionPaths, type PreparedArtifact } from './prepare-artifact.ts';
import { order, type PreparedSet, prepareAll } from './prepare-set.ts';
import type {
  ArtifactRecord,
  CachePath,
  CacheStore,
  PublishedFiles,
  PublishOptions,
  PublishRequest,
  Upload,
} from './types.ts';

/** What publishing works with. */
export interface PublishParts {
  readonly store: CacheStore;
  readonly signer?: Signer;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

const REQUESTS_AT_ONCE = 8;

/** Names that are there, per folder, so that one listing answers for many files. */
const listFolders = async (store: CacheStore, paths: readonly CachePath[]): Promise<ReadonlySet<CachePath>> => {
  const folders = [...new Set(paths.map(folderOf))];
  const lists = await inParallel(folders, REQUESTS_AT_ONCE, async (folder) =>
    (await store.list(folder)).map((name) => (folder === '' ? name : `${folder}/${name}`)),
  );
  return new Set(lists.flat());
};

const staleSignatures = (path: CachePath): CachePath[] => {
  const { sig, digestsAsc, digestsSig } = companionPaths(path);
  return [sig, digestsAsc, digestsSig];
};

/** Bytes of files; a link has none. */
const sizeOf = async (uploads: readonly Upload[]): Promise<number> => {
  const sizes = await Promise.all(uploads.map(async (one) => (one.linkTarget ? 0 : (await stat(one.file)).size)));
  return sizes.reduce((sum, size) => sum + size, 0);
};

/** Sends files, and says what that cost. */
const send = async (
  { folder }: PublishRequest,
  { store, log }: PublishParts,
  uploads: readonly Upload[],
  reusedBytes: number,
  beforePlacing: PublishOptions['beforePlacing'],
): Promise<void> => {
  const progress = log.progress(`upload to ${folder}`, await sizeOf(uploads));
  const startedMs = performance.now();
  let movedBytes = 0;
  const onBytes = (bytes: number): void => {
    movedBytes += bytes;
    progress.advance(bytes);
  };
  await store.publish(uploads, { onBytes, lockFolder: folder, beforePlacing });
  progress.finish();
  const durationMs = performance.now() - startedMs;
  log.emit({ kind: 'transfer', direction: 'up', what: folder, movedBytes, reusedBytes, durationMs });
};

/** The store as anybody reads it, who knows which names there are; nothing is deleted by way of it. */
const asRead = (store: CacheStore, present: ReadonlySet<CachePath>): PublishedFiles => ({
  size: async (path) => (present.has(path) ? store.size(path) : undefined),
  readText: async (path) => (present.has(path) ? store.readText(path) : undefined),
  removeFile: async () => {},
});

const tellReplaced = ({ store, log }: PublishParts, { presences, replaced, isUnfinished }: Judgement): void => {
  const why = isUnfinished ? ' (its publication was not finished)' : '';
  for (const artifact of replaced) {
    const presence = presences.get(artifact);
    if (presence?.state !== 'other') continue;
    const { path } = artifact.upload;
    log.warn(
      `${path} in ${store.location} is replaced${why}: it has sha512 ${presence.digest}, the new one ${presence.ours}`,
    );
  }
};

/** What came of a try to publish: `again`: what was left out as the same was replaced meanwhile. */
type Outcome = { readonly state: 'published' | 'joined'; readonly judgement: Judgement } | { readonly state: 'again' };

/**
 * Decides once more when nobody else can change anything, and clears the way: of an unfinished publication no digests may stay beside
 * artifacts that they are not for.
 */
const decideFinally = async (
  request: PublishRequest,
  { store }: PublishParts,
  { prepared }: PreparedSet,
  leftOut: readonly PreparedArtifact[],
  there: PublishedFiles,
): Promise<Outcome> => {
  const judgement = await judgeSet(request, request.replace ? leftOut : prepared, there, store.location);
  if (judgement.isJoined) return { state: 'joined', judgement };
  if (leftOut.some((artifact) => judgement.presences.get(artifact)?.state !== 'same')) return { state: 'again' };
  const stale = judgement.isUnfinished ? judgement.replaced : [];
  for (const { upload } of stale)
    for (const path of Object.values(companionPaths(upload.path))) await there.removeFile(path);
  return { state: 'published', judgement };
};

/**
 * Sends what of a prepared set the cache does not have.
 *
 * @param isAll send also what the cache has
 */
const publishMissing = async (
  request: PublishRequest,
  parts: PublishParts,
  set: PreparedSet,
  isAll: boolean,
): Promise<Outcome> => {
  const { store, log, signer } = parts;
  const { prepared, extra } = set;
  const paths = prepared.map(({ upload }) => upload.path);
  const present = await listFolders(store, paths);
  const judgement = await judgeSet(request, prepared, asRead(store, present), store.location);
  if (judgement.isJoined) return { state: 'joined', judgement };
  tellReplaced(parts, judgement);

  const isSame = (artifact: PreparedArtifact): boolean => judgement.presences.get(artifact)?.state === 'same';
  const same = prepared.filter(isSame);
  const leftOut = isAll ? [] : same;
  const isSent = (artifact: PreparedArtifact): boolean => !leftOut.includes(artifact);
  const artifacts = prepared.filter(isSent).map(({ upload }) => upload);
  // Digests and signatures vouch for each other: when one is missing, all are sent.
  const isWhole = (artifact: PreparedArtifact): boolean => artifact.companions.every((one) => present.has(one.path));
  const companions = prepared
    .filter((artifact) => isSent(artifact) || !isWhole(artifact))
    .flatMap((artifact) => artifact.companions);
  const uploads = order(request, artifacts, [...companions, ...extra]);
  const reusedBytes = await sizeOf(leftOut.map(({ upload }) => upload));
  if (same.length > 0) {
    const reason = `${same.length} of ${prepared.length} files are already in ${store.location}, the same`;
    log.emit({ kind: 'cache-hit', what: 'published files', path: request.folder, reason, sizeBytes: reusedBytes });
  }
  if (uploads.length === 0) {
    // Frees what an earlier try may have left.
    await store.publish([]);
    return { state: 'published', judgement };
  }

  let outcome: Outcome = { state: 'published', judgement };
  let refusal: unknown;
  await send(request, parts, uploads, reusedBytes, async (there) => {
    try {
      outcome = await decideFinally(request, parts, set, leftOut, there);
      return outcome.state === 'published';
    } catch (error) {
      if (!isSlipwayError(error, 'CACHE_VERSION_DIFFERS')) throw error;
      refusal = error;
      return false;
    }
  });
  if (refusal !== undefined) throw refusal;

  // The signatures of what was replaced vouch for something that is no more.
  const isReplaced = (artifact: PreparedArtifact): boolean => present.has(artifact.upload.path) && !isSame(artifact);
  const stale = signer ? [] : prepared.filter(isReplaced).flatMap(({ upload }) => staleSignatures(upload.path));
  const sent = new Set(uploads.map(({ path }) => path));
  for (const path of stale) if (present.has(path) && !sent.has(path)) await store.remove(path);
  return outcome;
};

/** A set that is joined may have other bytes than ours: of those no record can tell. */
const recordsOf = ({ prepared }: PreparedSet, outcome: Outcome): readonly ArtifactRecord[] =>
  prepared.flatMap((artifact) => {
    const isTheirs = outcome.state === 'joined' && outcome.judgement.presences.get(artifact)?.state === 'other';
    return artifact.record && !isTheirs ? [artifact.record] : [];
  });

/**
 * Publishes a set: prepares every file, leaves out what the cache already has, sends the rest as one set. Whether it may be published is
 * decided twice: before anything is sent, and when nobody else can change anything.
 *
 * Of an artifact that is there with the same digest, only the companions are sent, if some of them are missing there.
 *
 * Throws `CACHE_VERSION_DIFFERS`.
 */
export const publishArtifacts = async (
  request: PublishRequest,
  parts: PublishParts,
): Promise<readonly ArtifactRecord[]> => {
  validateFolder(request.folder);
  for (const name of request.last ?? []) validatePath(name);
  const { log, store } = parts;
  const set = await prepareAll(request, parts);
  let outcome = await publishMissing(request, parts, set, false);
  if (outcome.state === 'again') {
    log.warn(`Somebody else published to ${request.folder} at the same time: sending the whole set.`);
    outcome = await publishMissing(request, parts, set, true);
  }
  if (outcome.state === 'joined') {
    const [path, reason] = [request.folder, `it is in ${store.location} already, the same`];
    log.emit({ kind: 'cache-hit', what: 'published files', path, reason });
  }
  return recordsOf(set, outcome);
};
