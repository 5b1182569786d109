import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSlipwayError, slipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import type { Runner } from '../process/index.ts';
import { makeOwnName } from '../process/process-identity.ts';
import { hashFile } from '../signing/index.ts';
import type { CacheFs } from './cache-fs.ts';
import { TransientError } from './failures.ts';
import { STAGING } from './paths.ts';
import { createOutbox, type Outbox } from './rsync/outbox.ts';
import { sendOutbox } from './rsync/send.ts';
import type { SshSettings } from './ssh/settings.ts';
import type { SftpFs } from './ssh/sftp-fs.ts';
import { NotPlacedError, placeSet, type StagedFile, sweepStaging } from './staging.ts';
import { type Patience, tryAgain } from './try-again.ts';
import type { PublishOptions, TransferOptions, Upload } from './types.ts';
import { type CheckedUpload, checkUploads } from './upload-files.ts';

/** What publishing to a server needs. */
export interface RemotePublisher {
  readonly fs: SftpFs;
  /** For messages. */
  readonly host: string;
  readonly ssh: SshSettings;
  readonly prefix: string;
  readonly location: string;
  readonly runner: Runner;
  readonly tempFolder: string;
  readonly patience: Patience;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

type KeyedUpload = CheckedUpload & StagedFile;

/**
 * The name in the staging folder: made from the path and the content. A later run that publishes the same finds what an
 * earlier one left; a run that publishes something else never meets it. A link has nothing to resume and is the publisher's own.
 */
const keyOf = async (upload: CheckedUpload, signal: AbortSignal | undefined): Promise<string> => {
  if (upload.linkTarget !== undefined) return `tmp-${makeOwnName()}`;
  const sha256 = upload.sha256 ?? (await hashFile(upload.file, ['sha256'], { signal })).digests.sha256;
  return `${createHash('sha256').update(upload.path).digest('hex').slice(0, 16)}-${sha256}`;
};

const HASHES_AT_ONCE = 2;

/** The prefix and the staging folder are there. */
const makeRoots = async (fs: CacheFs): Promise<void> => {
  await fs.makeFolder('');
  await fs.makeFolder(STAGING);
};

const sum = (uploads: readonly CheckedUpload[]): number =>
  uploads.reduce((total, upload) => total + upload.storedBytes, 0);

/** How many of the bytes are not in the staging folder yet. */
const countMissing = async (fs: CacheFs, uploads: readonly KeyedUpload[]): Promise<number> => {
  const staged = new Set((await fs.list(STAGING))?.map((entry) => entry.name));
  return sum(uploads.filter((upload) => !staged.has(upload.key)));
};

const checkSpace = async ({ fs, location }: RemotePublisher, neededBytes: number, cause?: unknown): Promise<void> => {
  const freeBytes = await fs.freeBytes();
  if (freeBytes === undefined || neededBytes <= freeBytes) return;
  throw slipwayError('CACHE_DISK_FULL', { location, neededBytes, freeBytes }, cause);
};

/** The server has every byte: rsync said so, and the sizes agree. */
const checkStaged = async (fs: CacheFs, uploads: readonly KeyedUpload[]): Promise<void> => {
  const sizes = new Map((await fs.list(STAGING))?.map((entry) => [entry.name, entry.sizeBytes]));
  for (const { key, path, sizeBytes } of uploads) {
    const size = sizes.get(key);
    // Another publisher of the same content may have put it into place already; placing finds that out.
    if (size === undefined || size === sizeBytes) continue;
    throw new TransientError(`${path} has ${size} bytes on the server instead of ${sizeBytes}`);
  }
};

/** rsync on the server learns of a dead connection a moment later, and then moves what it has into `partial/`. */
const DISCARD_ROUNDS = 3;
const DISCARD_GAP_MS = 300;

/** Deletes what the staging folder has of a set: complete files, partial ones, and rsync's own temporary ones. */
const discard = async (fs: CacheFs, uploads: readonly KeyedUpload[], rounds = DISCARD_ROUNDS): Promise<void> => {
  for (let round = 1; round <= rounds; round += 1) {
    for (const folder of [STAGING, `${STAGING}/partial`]) {
      for (const { name } of (await fs.list(folder)) ?? []) {
        if (uploads.some(({ key }) => name.includes(key))) await fs.removeFile(`${folder}/${name}`);
      }
    }
    if (round < rounds) await sleep(DISCARD_GAP_MS);
  }
};

/** rsync(1), EXIT VALUES: partial transfer due to error, and due to vanished files. */
const isPartialFailure = (error: unknown): boolean =>
  isSlipwayError(error, 'CACHE_UPLOAD_FAILED') && (error.data.exitCode === 23 || error.data.exitCode === 24);

const send = async (
  publisher: RemotePublisher,
  uploads: readonly KeyedUpload[],
  options: TransferOptions,
): Promise<void> => {
  const { fs, host, ssh, prefix, runner, location, patience, log, signal } = publisher;
  const neededBytes = await countMissing(fs, uploads);
  await checkSpace(publisher, neededBytes);
  let partialFailures = 0;
  const sendOnce = async (outbox: Outbox): Promise<void> => {
    const toFolder = `${prefix}/${STAGING}`;
    const { agentSocket } = ssh;
    const { onBytes } = options;
    try {
      await sendOutbox({ runner, outbox, toFolder, agentSocket, location, idleMs: patience.idleMs, onBytes });
    } catch (error) {
      partialFailures += 1;
      // A publisher of the same content may have moved a file away under rsync's hands; that does not happen twice.
      if (!isPartialFailure(error) || partialFailures > 1) throw error;
      throw new TransientError('rsync could not finish all files', { cause: error });
    }
    await checkStaged(fs, uploads);
  };
  const outbox = await createOutbox(publisher.tempFolder, uploads, ssh);
  try {
    await tryAgain(() => sendOnce(outbox), { host, doing: 'upload', patience, log, signal });
  } catch (error) {
    // What rsync reports as a failed write is most often this.
    if (isSlipwayError(error, 'CACHE_UPLOAD_FAILED')) {
      await checkSpace(publisher, await countMissing(fs, uploads), error);
    }
    throw error;
  } finally {
    await outbox.remove();
  }
};

/** What goes by the SFTP connection that is open anyway: a connection for rsync would take longer than all of it. */
const SMALL_SET = { files: 8, bytes: 128 * 1024 };

/** Writes a file of a set under a name of its own, and gives it its name when all of it is there. */
const writeSmall = async (
  { fs }: RemotePublisher,
  { file, key, mode, modifiedMs, sizeBytes }: KeyedUpload,
): Promise<boolean> => {
  const own = `${STAGING}/tmp-${makeOwnName()}`;
  try {
    const isThere =
      (await fs.writeFile(own, await readFile(file), { mode, modifiedMs })) &&
      (await fs.stat(own))?.sizeBytes === sizeBytes;
    if (isThere) return await fs.rename(own, `${STAGING}/${key}`);
  } catch (error) {
    // A full disk, for example; rsync's trouble with it is judged in detail.
    if (!isSlipwayError(error, 'CACHE_WRITE_FAILED')) throw error;
  }
  await fs.removeFile(own);
  return false;
};

/** Sends a small set by SFTP; false: it has to go by rsync, because it is not small or the server does not let it. */
const sendSmall = async (
  publisher: RemotePublisher,
  uploads: readonly KeyedUpload[],
  { onBytes }: TransferOptions,
): Promise<boolean> => {
  const bytes = uploads.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  if (uploads.length > SMALL_SET.files || bytes > SMALL_SET.bytes) return false;
  for (const upload of uploads) {
    if (!(await writeSmall(publisher, upload))) return false;
    onBytes?.(upload.sizeBytes);
  }
  return true;
};

/** Everything of a set is in the staging folder: the bytes by rsync or, if they are few, by SFTP, which also makes the links. */
const stage = async (
  publisher: RemotePublisher,
  uploads: readonly KeyedUpload[],
  options: TransferOptions,
): Promise<void> => {
  const files = uploads.filter((one) => one.linkTarget === undefined);
  if (files.length > 0 && !(await sendSmall(publisher, files, options))) await send(publisher, files, options);
  for (const { key, linkTarget } of uploads) {
    if (linkTarget !== undefined) await publisher.fs.makeLink(linkTarget, `${STAGING}/${key}`);
  }
};

/** How often a set is sent again because other publishers of the same content took its files. */
const MOST_ROUNDS = 5;

/**
 * Publishes a set to the server: sends it to the staging folder by rsync, then renames it into place by SFTP.
 *
 * Throws what {@link CacheStore.publish} throws, and `CACHE_DISK_FULL`, `CACHE_UPLOAD_FAILED`, `CACHE_WRITE_FAILED`, `CACHE_BUSY`.
 */
export const publishRemotely = async (
  publisher: RemotePublisher,
  set: readonly Upload[],
  options: PublishOptions,
): Promise<void> => {
  const { fs, location, signal } = publisher;
  const checked = await checkUploads(set);
  await makeRoots(fs);
  await sweepStaging(fs);
  const uploads = await inParallel(checked, HASHES_AT_ONCE, async (upload) => ({
    ...upload,
    key: await keyOf(upload, signal),
  }));
  let left: readonly KeyedUpload[] = uploads;
  try {
    for (let round = 0; left.length > 0; round += 1) {
      if (round === MOST_ROUNDS) {
        const reason = 'its staged copy was removed again and again';
        throw slipwayError('CACHE_WRITE_FAILED', { location, path: left[0]?.path ?? '', doing: 'publish', reason });
      }
      await stage(publisher, left, options);
      const lost = await placeSet(fs, left, location, { ...options, signal });
      left = left.slice(left.length - lost.length);
    }
  } catch (error) {
    if (error instanceof NotPlacedError) return discard(fs, left, 1);
    const isFull = isSlipwayError(error, 'CACHE_DISK_FULL');
    // A cut line is resumed later; a full disk must be emptied, and who interrupts wants nothing left.
    if (isFull || signal?.aborted) await discard(fs, left).catch(() => {});
    throw error;
  }
};
