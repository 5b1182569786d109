import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { slipwayError } from '../errors/index.ts';
import { isOwnerDead, makeOwnName } from '../process/process-identity.ts';
import type { CacheFs } from './cache-fs.ts';
import { STAGING } from './paths.ts';
import type { CachePath } from './types.ts';

/** Times of the lock, in milliseconds; replaced in tests. */
export interface LockTimes {
  readonly beatMs: number;
  /** A lock whose owner has not been heard of for so long is broken. */
  readonly staleMs: number;
  readonly pollMs: number;
  readonly patienceMs: number;
}

const TIMES: LockTimes = { beatMs: 1000, staleMs: 15_000, pollMs: 100, patienceMs: 120_000 };

/** What is held while a set is renamed into place. */
export interface PublishLock {
  /** Throws `CACHE_BUSY` when the lock was lost, because its owner seemed dead. */
  check(): void;
  release(): Promise<void>;
}

/**
 * Takes the lock for publishing into a folder, so that two sets of one name never mix.
 *
 * 1. The lock is a folder with one file, whose name says who owns it. It appears by renaming a prepared folder, which fails
 *    when another owner's file is in the target: taking is atomic on a local disk and over SFTP alike.
 * 2. The owner touches its file every second. Who waits looks whether the time changes, by its own clock alone: no two
 *    clocks are compared.
 * 3. A lock is broken by deleting its owner's file by name, so that nobody breaks a lock that changed hands meanwhile.
 *
 * Throws `CACHE_BUSY` when another publisher holds it too long.
 */
export const takePublishLock = async (
  fs: CacheFs,
  folder: CachePath,
  location: string,
  options: { readonly times?: LockTimes; readonly signal?: AbortSignal } = {},
): Promise<PublishLock> => {
  const times = options.times ?? TIMES;
  const own = makeOwnName();
  const lock = `${STAGING}/lock-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
  const prepared = `${STAGING}/claim-${own}`;
  await fs.makeFolder(prepared);
  await fs.makeFile(`${prepared}/${own}`);
  const startedMs = performance.now();
  let seen = { sign: '', sinceMs: startedMs };

  const breakIfStale = async (): Promise<string> => {
    const [owner] = (await fs.list(lock)) ?? [];
    if (!owner) return 'nobody';
    const sign = `${owner.name} ${owner.modifiedMs}`;
    if (sign !== seen.sign) seen = { sign, sinceMs: performance.now() };
    const isStale = performance.now() - seen.sinceMs > times.staleMs || isOwnerDead(owner.name);
    if (isStale) await fs.removeFile(`${lock}/${owner.name}`);
    return owner.name;
  };

  try {
    while (!(await fs.rename(prepared, lock))) {
      const holder = await breakIfStale();
      // The answer to an earlier try was lost, with the connection; the try was not.
      if (holder === own) break;
      const waitedMs = performance.now() - startedMs;
      if (waitedMs > times.patienceMs) throw slipwayError('CACHE_BUSY', { location, folder, holder, waitedMs });
      await sleep(times.pollMs, undefined, { signal: options.signal });
    }
  } catch (error) {
    await fs.removeFile(`${prepared}/${own}`);
    await fs.removeFolder(prepared);
    throw options.signal?.aborted ? options.signal.reason : error;
  }

  let isLost = false;
  const beat = setInterval(() => {
    fs.touch(`${lock}/${own}`).then(
      (there) => {
        isLost ||= !there;
      },
      // A connection that is down shows in the next rename, with a better message.
      () => {},
    );
  }, times.beatMs);
  beat.unref();
  return {
    check() {
      if (isLost) throw slipwayError('CACHE_BUSY', { location, folder, holder: 'unknown', waitedMs: times.staleMs });
    },
    async release() {
      clearInterval(beat);
      await fs.removeFile(`${lock}/${own}`);
      await fs.removeFolder(lock);
    },
  };
};
