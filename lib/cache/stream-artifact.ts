import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { slipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import { makeOwnName } from '../process/process-identity.ts';
import { createStreamHasher, parseDigests, type StreamVerification } from '../signing/index.ts';
import { nameOf, OWN_PREFIX, validatePath } from './paths.ts';
import { readAhead } from './read-ahead.ts';
import type { ArtifactRecord, CachePath, StreamedArtifact } from './types.ts';
import { fetchProofs, signatureInvalid, type VerifyParts } from './verify-artifact.ts';

/** What streaming works with. */
export interface StreamParts extends VerifyParts {
  readonly log: Log;
}

/** A file of less than this is sooner fetched than streamed. */
const MIN_BYTES = 1024 * 1024;

const feed = (input: StreamVerification['input'], bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    input.write(bytes, (error) => (error ? reject(error) : resolve()));
  });

const expectedDigest = ({ store }: StreamParts, path: CachePath, digestsText: string): string => {
  const expected = parseDigests(digestsText, nameOf(path)).sha512;
  if (expected !== undefined) return expected;
  const reason = `its .DIGESTS file has no SHA512 of '${nameOf(path)}'`;
  throw slipwayError('ARTIFACT_DIGESTS_MISSING', { path, location: store.location, reason });
};

/** The bytes of an artifact; they end only when digest and signature are right. */
async function* verifiedBytes(
  parts: StreamParts,
  path: CachePath,
  sizeBytes: number,
  scratch: string,
  done: (record: ArtifactRecord) => void,
): AsyncGenerator<Buffer, void, undefined> {
  const { store, verifier, signal, log } = parts;
  const { digestsText, signatureFile } = await fetchProofs(parts, path, scratch);
  const expected = expectedDigest(parts, path, digestsText);
  const hasher = createStreamHasher(['sha256', 'sha512']);
  const signature = signatureFile === undefined ? undefined : verifier?.verifyStream?.(signatureFile, { path });
  // gpg that ends early says why in its verdict.
  signature?.input.on('error', () => {});
  const progress = log.progress(`download ${nameOf(path)}`, sizeBytes);
  try {
    for await (const bytes of readAhead(store, { path, sizeBytes, signal })) {
      await Promise.all([hasher.write(bytes), signature && feed(signature.input, bytes).catch(() => {})]);
      progress.advance(bytes.length);
      yield bytes;
    }
    progress.finish();
    const { digests } = await hasher.digest();
    if (digests.sha512 !== expected) {
      const found = digests.sha512;
      const { location } = store;
      throw slipwayError('ARTIFACT_DIGEST_MISMATCH', {
        file: path,
        path,
        location,
        algorithm: 'sha512',
        expected,
        found,
      });
    }
    signature?.input.end();
    const verdict = await signature?.verdict;
    if (verifier && verdict && !verdict.valid) throw signatureInvalid(verifier, path, verdict);
    done({ path, sizeBytes, sha256: digests.sha256 });
  } finally {
    signature?.stop();
    await hasher.stop();
  }
}

/**
 * Hands an artifact on as it comes, without a copy of it on the disk, and verifies it on the way.
 *
 * @param folder absolute path of an existing folder for the signature
 * @param use what it does with the bytes must not count before `verified` has resolved; it must read them to their end
 * @returns undefined, without having called `use`, for what is not there, is small, cannot be read in ranges, or has a signature that can
 *   be checked on a file only: to be fetched instead
 * Throws what `ArtifactCache.fetch` throws, without a second try.
 */
export const streamArtifact = async <T>(
  path: CachePath,
  folder: string,
  use: (artifact: StreamedArtifact) => Promise<T>,
  parts: StreamParts,
): Promise<{ readonly record: ArtifactRecord; readonly value: T } | undefined> => {
  const { store, verifier } = parts;
  validatePath(path);
  if (verifier && !verifier.verifyStream) return undefined;
  const sizeBytes = await store.rangedSize?.(path);
  if (sizeBytes === undefined || sizeBytes < MIN_BYTES) return undefined;
  const scratch = join(folder, `${OWN_PREFIX}${makeOwnName()}.unverified`);
  await mkdir(scratch);
  let done: (record: ArtifactRecord) => void = () => {};
  let failed: (error: unknown) => void = () => {};
  const verified = new Promise<ArtifactRecord>((resolve, reject) => {
    done = resolve;
    failed = reject;
  });
  verified.catch(() => {});
  const bytes = async function* (): AsyncGenerator<Buffer, void, undefined> {
    try {
      yield* verifiedBytes(parts, path, sizeBytes, scratch, done);
    } catch (error) {
      failed(error);
      throw error;
    } finally {
      // Where it was left early; after an end it makes no difference.
      failed(new Error(`${path} was not read to its end.`));
    }
  };
  const stream = bytes();
  try {
    const value = await use({ sizeBytes, bytes: stream, verified });
    await stream.return();
    return { record: await verified, value };
  } finally {
    await stream.return();
    await rm(scratch, { recursive: true, force: true });
  }
};
