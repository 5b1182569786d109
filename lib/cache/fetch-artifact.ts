import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSlipwayError, SlipwayError } from '../errors/index.ts';
import type { Log, Progress } from '../log/index.ts';
import { isOwnerDead, makeOwnName } from '../process/process-identity.ts';
import { nameOf, OWN_PREFIX, validatePath } from './paths.ts';
import type { ArtifactRecord, CachePath } from './types.ts';
import { fetchProofs, type Verified, type VerifyParts, verifyArtifact } from './verify-artifact.ts';

/** What fetching works with. */
export interface FetchParts extends VerifyParts {
  readonly log: Log;
  /** Milliseconds before what did not verify is fetched once more. */
  readonly secondTryMs?: number;
}

/** A fetched artifact. */
export type FetchedArtifact = ArtifactRecord & { readonly file: string };

/** Long enough for a publisher that is just renaming a set into place. */
const SECOND_TRY_MS = 1000;

const isThere = async (file: string): Promise<boolean> =>
  (await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  })) !== undefined;

/** Beside the target, because only there it can be renamed into place. A later call finds what this one began. */
const arrivalFile = (path: CachePath, toFolder: string): string =>
  join(toFolder, `${OWN_PREFIX}${createHash('sha256').update(path).digest('hex').slice(0, 16)}.arrived`);

const UNVERIFIED = /^\.slipway-(.+)\.unverified$/;

/** What killed processes left half-checked. */
const sweepUnverified = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) {
    const owner = UNVERIFIED.exec(name)?.[1];
    if (owner && isOwnerDead(owner)) await rm(join(folder, name), { recursive: true, force: true });
  }
};

const fetchOnce = async (
  parts: FetchParts,
  path: CachePath,
  toFolder: string,
  scratch: string,
): Promise<FetchedArtifact> => {
  const { store, log } = parts;
  const proofs = await fetchProofs(parts, path, scratch);
  const file = join(toFolder, nameOf(path));
  const recordOf = ({ sizeBytes, sha256 }: Verified): FetchedArtifact => ({ path, file, sizeBytes, sha256 });

  if (await isThere(file)) {
    try {
      const verified = await verifyArtifact(parts, path, file, file, proofs);
      log.emit({
        kind: 'cache-hit',
        what: 'artifact',
        path,
        reason: 'it is here already and verifies',
        sizeBytes: verified.sizeBytes,
      });
      return recordOf(verified);
    } catch (error) {
      if (!isSlipwayError(error, 'ARTIFACT_DIGEST_MISMATCH')) throw error;
      log.emit({ kind: 'cache-miss', what: 'artifact', path, reason: 'what is here is another one than in the cache' });
    }
  }
  const arrival = arrivalFile(path, toFolder);
  // A name that nobody else writes to, so that what is renamed at the end is what was verified.
  const unverified = join(scratch, 'artifact');
  let progress: Progress | undefined;
  let movedBytes = 0;
  const startedMs = performance.now();
  const start = (sizeBytes?: number): Progress => (progress ??= log.progress(`download ${nameOf(path)}`, sizeBytes));
  const onBytes = (bytes: number): void => {
    movedBytes += bytes;
    start().advance(bytes);
  };
  await store.download(path, arrival, { onSize: start, onBytes });
  start().finish();
  const durationMs = performance.now() - startedMs;
  await rename(arrival, unverified);
  const verified = await verifyArtifact(parts, path, unverified, file, proofs);
  await rename(unverified, file);
  // What an earlier try had brought already did not cross again.
  const reusedBytes = Math.max(0, verified.sizeBytes - movedBytes);
  log.emit({ kind: 'transfer', direction: 'down', what: path, movedBytes, reusedBytes, durationMs });
  return recordOf(verified);
};

/** What a publisher at work may cause for a moment: for example a new artifact with the old digests. */
const MOMENTARY = new Set([
  'ARTIFACT_DIGEST_MISMATCH',
  'ARTIFACT_DIGESTS_MISSING',
  'ARTIFACT_SIGNATURE_INVALID',
  'ARTIFACT_SIGNATURE_MISSING',
]);

/** Another process that fetches the same into the same folder took our file and is about to put it into place. */
const wasTaken = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

const MOST_TAKEN = 20;
const TAKEN_PAUSE_MS = 50;

/**
 * Fetches one artifact; it appears in `toFolder` only when it has verified. What does not verify is fetched once more, from the
 * digests on, because the set may just be being replaced.
 *
 * Throws what `ArtifactCache.fetch` throws.
 */
export const fetchArtifact = async (path: CachePath, toFolder: string, parts: FetchParts): Promise<FetchedArtifact> => {
  validatePath(path);
  await mkdir(toFolder, { recursive: true });
  await sweepUnverified(toFolder);
  const scratch = join(toFolder, `${OWN_PREFIX}${makeOwnName()}.unverified`);
  await mkdir(scratch);
  const pause = async (ms: number): Promise<void> => {
    await sleep(ms, undefined, { signal: parts.signal }).catch(() => {});
    parts.signal?.throwIfAborted();
  };
  let isSecondTry = false;
  try {
    for (let taken = 0; ; ) {
      try {
        return await fetchOnce(parts, path, toFolder, scratch);
      } catch (error) {
        if (wasTaken(error) && taken < MOST_TAKEN) {
          taken += 1;
          await pause(TAKEN_PAUSE_MS);
          continue;
        }
        if (isSecondTry || !(error instanceof SlipwayError) || !MOMENTARY.has(error.code)) throw error;
        isSecondTry = true;
        parts.log.warn(`${error.message} Trying once more.`);
        await pause(parts.secondTryMs ?? SECOND_TRY_MS);
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};
