import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Log } from '../log/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import { createFileHasher, parseDigests, type Signer } from '../signing/index.ts';
import { collectArtifacts } from './artifact-files.ts';
import { folderOf, nameOf, validateFolder, validatePath } from './paths.ts';
import { companionPaths, type PreparedArtifact, prepareArtifact } from './prepare-artifact.ts';
import type { ArtifactRecord, CachePath, CacheStore, PublishRequest, Upload } from './types.ts';

/** What publishing works with. */
export interface PublishParts {
  readonly store: CacheStore;
  readonly signer?: Signer;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

const REQUESTS_AT_ONCE = 8;

/** How the cache's copy of an artifact compares with ours, as far as its published digests tell. */
type Presence =
  | { readonly state: 'absent' }
  | { readonly state: 'same' }
  | { readonly state: 'other'; readonly digest: string; readonly ours: string };

const compareWithCache = async (store: CacheStore, artifact: PreparedArtifact): Promise<Presence> => {
  const { path } = artifact.upload;
  const sizeBytes = artifact.record?.sizeBytes;
  const [size, text] = await Promise.all([store.size(path), store.readText(companionPaths(path).digests)]);
  const theirs = text === undefined ? undefined : parseDigests(text, nameOf(path)).sha512;
  const digestsFile = artifact.companions.find((one) => one.path === companionPaths(path).digests);
  if (size === undefined || theirs === undefined || !digestsFile) return { state: 'absent' };
  const ours = parseDigests(await readFile(digestsFile.file, 'utf8'), nameOf(path)).sha512 ?? '';
  // A file of another size than its digests are for is damaged, whatever they say.
  return theirs === ours && size === sizeBytes ? { state: 'same' } : { state: 'other', digest: theirs, ours };
};

/** Names that are there, per folder, so that one listing answers for many files. */
const listFolders = async (store: CacheStore, paths: readonly CachePath[]): Promise<ReadonlySet<CachePath>> => {
  const folders = [...new Set(paths.map(folderOf))];
  const lists = await inParallel(folders, REQUESTS_AT_ONCE, async (folder) =>
    (await store.list(folder)).map((name) => (folder === '' ? name : `${folder}/${name}`)),
  );
  return new Set(lists.flat());
};

/** A path's place below the request's folder. */
const nameIn = ({ folder }: PublishRequest, path: CachePath): string =>
  path.slice(folder === '' ? 0 : folder.length + 1);

const isLast = (request: PublishRequest, path: CachePath): boolean =>
  request.last?.includes(nameIn(request, path)) ?? false;

const wantsDigests = (request: PublishRequest, path: CachePath): boolean => {
  const { digests = true } = request;
  return typeof digests === 'boolean' ? digests : digests.includes(nameIn(request, path));
};

/** Links after the files that they may lead to. */
const linksLast = (uploads: readonly Upload[]): readonly Upload[] => [
  ...uploads.filter((one) => one.linkTarget === undefined),
  ...uploads.filter((one) => one.linkTarget !== undefined),
];

/** Artifacts first, then what vouches for them, then what readers take for the sign that all is there. */
const order = (
  request: PublishRequest,
  artifacts: readonly Upload[],
  companions: readonly Upload[],
): readonly Upload[] => [
  ...linksLast(artifacts.filter((one) => !isLast(request, one.path))),
  ...companions.filter((one) => !isLast(request, one.path)),
  ...[...artifacts, ...companions].filter((one) => isLast(request, one.path)),
];

const prepareAll = async (request: PublishRequest, parts: PublishParts) => {
  const { signer, signal } = parts;
  const files = await collectArtifacts(request);
  const hashFile = createFileHasher();
  const prepared = await inParallel(
    files.filter((file) => !file.isCompanion),
    availableParallelism(),
    (file) => prepareArtifact(file, { digests: wantsDigests(request, file.path), signer, signal, hashFile }),
  );
  const made = new Set(prepared.flatMap((artifact) => artifact.companions.map((one) => one.path)));
  // Digests and signatures that were handed in, for files that we made none for.
  const extra: Upload[] = [];
  for (const { file, path, linkTarget, isCompanion, isSignature, hasBytes } of files) {
    if (!isCompanion || made.has(path)) continue;
    extra.push({ file, path, linkTarget });
    if (signer && hasBytes && !isSignature && !made.has(`${path}.sig`))
      extra.push({ file: await signer.sign(file), path: `${path}.sig` });
  }
  return { prepared, extra: [...new Map(extra.map((one) => [one.path, one])).values()] };
};

/** Which artifacts have to be sent; warns of those that replace something else. */
const selectArtifacts = async (
  { store, log }: PublishParts,
  prepared: readonly PreparedArtifact[],
  present: ReadonlySet<CachePath>,
) => {
  // Links are made anew without a look: what is behind one over there says nothing of the link.
  const candidates = prepared.filter(({ upload }) => upload.linkTarget === undefined && present.has(upload.path));
  const presences = await inParallel(candidates, REQUESTS_AT_ONCE, (artifact) => compareWithCache(store, artifact));
  const byArtifact = new Map(candidates.map((artifact, at) => [artifact, presences[at]]));
  for (const [artifact, presence] of byArtifact) {
    if (presence?.state !== 'other') continue;
    log.warn(
      `${artifact.upload.path} in ${store.location} is replaced: it has sha512 ${presence.digest}, the new one ${presence.ours}`,
    );
  }
  const isSame = (artifact: PreparedArtifact): boolean => byArtifact.get(artifact)?.state === 'same';
  const isReplaced = (artifact: PreparedArtifact): boolean => present.has(artifact.upload.path) && !isSame(artifact);
  return { isSame, isReplaced };
};

const staleSignatures = (path: CachePath): CachePath[] => {
  const { sig, digestsAsc, digestsSig } = companionPaths(path);
  return [sig, digestsAsc, digestsSig];
};

const send = async (
  { folder }: PublishRequest,
  { store, log }: PublishParts,
  uploads: readonly Upload[],
): Promise<void> => {
  if (uploads.length === 0) return;
  const sizes = await Promise.all(uploads.map(async (one) => (one.linkTarget ? 0 : (await stat(one.file)).size)));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  const progress = log.progress(`upload to ${folder}`, totalBytes);
  await store.publish(uploads, { onBytes: (bytes) => progress.advance(bytes) });
  progress.finish();
};

type PreparedSet = Awaited<ReturnType<typeof prepareAll>>;

/**
 * Sends what of a prepared set the cache does not have.
 *
 * @returns the artifacts that were left out because the cache has them, when others were sent
 */
const publishMissing = async (
  request: PublishRequest,
  parts: PublishParts,
  { prepared, extra }: PreparedSet,
): Promise<readonly PreparedArtifact[]> => {
  const { store, log, signer } = parts;
  const present = await listFolders(
    store,
    prepared.map(({ upload }) => upload.path),
  );
  const { isSame, isReplaced } = await selectArtifacts(parts, prepared, present);

  const artifacts = prepared.filter((artifact) => !isSame(artifact)).map(({ upload }) => upload);
  // Digests and signatures vouch for each other: when one is missing, all are sent.
  const isWhole = (artifact: PreparedArtifact): boolean => artifact.companions.every((one) => present.has(one.path));
  const companions = prepared
    .filter((artifact) => !isSame(artifact) || !isWhole(artifact))
    .flatMap((artifact) => artifact.companions);
  const uploads = order(request, artifacts, [...companions, ...extra]);
  const same = prepared.filter(isSame);
  if (same.length > 0)
    log.info(`${same.length} of ${prepared.length} files are already in ${store.location}, the same`);

  await send(request, parts, uploads);

  // The signatures of what was replaced vouch for something that is no more.
  const stale = signer ? [] : prepared.filter(isReplaced).flatMap(({ upload }) => staleSignatures(upload.path));
  const sent = new Set(uploads.map(({ path }) => path));
  for (const path of stale) if (present.has(path) && !sent.has(path)) await store.remove(path);
  return artifacts.length > 0 ? same : [];
};

/** Another publisher of the same names may have replaced what was left out as the same: then the set in the cache is a mixture. */
const areStillSame = async ({ store }: PublishParts, artifacts: readonly PreparedArtifact[]): Promise<boolean> => {
  const presences = await inParallel(artifacts, REQUESTS_AT_ONCE, (artifact) => compareWithCache(store, artifact));
  return presences.every(({ state }) => state === 'same');
};

/**
 * Publishes a set: prepares every file, leaves out what the cache already has, sends the rest as one set.
 *
 * Of an artifact that is there with the same digest, only the companions are sent, if some of them are missing there.
 */
export const publishArtifacts = async (
  request: PublishRequest,
  parts: PublishParts,
): Promise<readonly ArtifactRecord[]> => {
  validateFolder(request.folder);
  for (const name of request.last ?? []) validatePath(name);
  const set = await prepareAll(request, parts);
  const leftOut = await publishMissing(request, parts, set);
  if (!(await areStillSame(parts, leftOut))) {
    parts.log.warn(`Somebody else published to ${request.folder} at the same time: sending the whole set.`);
    const { prepared, extra } = set;
    const companions = prepared.flatMap((artifact) => artifact.companions);
    const artifacts = prepared.map(({ upload }) => upload);
    await send(request, parts, order(request, artifacts, [...companions, ...extra]));
  }
  return set.prepared.flatMap(({ record }) => record ?? []);
};
