import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Log } from '../log/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import { parseDigests, type Signer } from '../signing/index.ts';
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
  const { path, sizeBytes } = artifact.record;
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

const isLast = ({ folder, last = [] }: PublishRequest, path: CachePath): boolean =>
  last.includes(path.slice(folder === '' ? 0 : folder.length + 1));

/** Artifacts first, then what vouches for them, then what readers take for the sign that all is there. */
const order = (
  request: PublishRequest,
  artifacts: readonly Upload[],
  companions: readonly Upload[],
): readonly Upload[] => [
  ...artifacts.filter((one) => !isLast(request, one.path)),
  ...companions.filter((one) => !isLast(request, one.path)),
  ...[...artifacts, ...companions].filter((one) => isLast(request, one.path)),
];

const prepareAll = async (request: PublishRequest, parts: PublishParts) => {
  const { signer, signal } = parts;
  const files = await collectArtifacts(request);
  const digests = request.digests ?? true;
  const prepared = await inParallel(
    files.filter((file) => !file.isCompanion),
    availableParallelism(),
    (file) => prepareArtifact(file, { digests, signer, signal }),
  );
  const made = new Set(prepared.flatMap((artifact) => artifact.companions.map((one) => one.path)));
  // Digests and signatures that were handed in, for files that we made none for.
  const extra: Upload[] = [];
  for (const { file, path, isCompanion, isSignature } of files) {
    if (!isCompanion || made.has(path)) continue;
    extra.push({ file, path });
    if (signer && !isSignature && !made.has(`${path}.sig`))
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
  const candidates = prepared.filter(({ record }) => present.has(record.path));
  const presences = await inParallel(candidates, REQUESTS_AT_ONCE, (artifact) => compareWithCache(store, artifact));
  const byArtifact = new Map(candidates.map((artifact, at) => [artifact, presences[at]]));
  for (const [artifact, presence] of byArtifact) {
    if (presence?.state !== 'other') continue;
    log.warn(
      `${artifact.record.path} in ${store.location} is replaced: it has sha512 ${presence.digest}, the new one ${presence.ours}`,
    );
  }
  const isSame = (artifact: PreparedArtifact): boolean => byArtifact.get(artifact)?.state === 'same';
  const isReplaced = (artifact: PreparedArtifact): boolean => candidates.includes(artifact) && !isSame(artifact);
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
  const sizes = await Promise.all(uploads.map(async ({ file }) => (await stat(file)).size));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  const progress = log.progress(`upload to ${folder}`, totalBytes);
  await store.publish(uploads, { onBytes: (bytes) => progress.advance(bytes) });
  progress.finish();
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
  const { store, log, signer } = parts;
  validateFolder(request.folder);
  for (const name of request.last ?? []) validatePath(name);
  const { prepared, extra } = await prepareAll(request, parts);
  const present = await listFolders(
    store,
    prepared.map(({ record }) => record.path),
  );
  const { isSame, isReplaced } = await selectArtifacts(parts, prepared, present);

  const artifacts = prepared.filter((artifact) => !isSame(artifact)).map(({ upload }) => upload);
  // Digests and signatures vouch for each other: when one is missing, all are sent.
  const isWhole = (artifact: PreparedArtifact): boolean => artifact.companions.every((one) => present.has(one.path));
  const companions = prepared
    .filter((artifact) => !isSame(artifact) || !isWhole(artifact))
    .flatMap((artifact) => artifact.companions);
  const uploads = order(request, artifacts, [...companions, ...extra]);
  const skipped = prepared.length - artifacts.length;
  if (skipped > 0) log.info(`${skipped} of ${prepared.length} files are already in ${store.location}, the same`);

  await send(request, parts, uploads);

  // The signatures of what was replaced vouch for something that is no more.
  const stale = signer ? [] : prepared.filter(isReplaced).flatMap(({ record }) => staleSignatures(record.path));
  const sent = new Set(uploads.map(({ path }) => path));
  for (const path of stale) if (present.has(path) && !sent.has(path)) await store.remove(path);
  return prepared.map(({ record }) => record);
};
