import { join } from 'node:path';
import { isSlipwayError, type SlipwayError, slipwayError } from '../errors/index.ts';
import { checkDigests, type DigestsCheck, type SignatureVerdict, type Verifier } from '../signing/index.ts';
import { nameOf } from './paths.ts';
import { companionPaths } from './prepare-artifact.ts';
import type { CachePath, CacheStore } from './types.ts';

/** What verifying works with. */
export interface VerifyParts {
  readonly store: CacheStore;
  /** Undefined: signatures are not asked for. */
  readonly verifier?: Verifier;
  readonly signal?: AbortSignal;
}

/** What an artifact is checked against. */
export interface Proofs {
  readonly digestsText: string;
  /** Local copy of the signature, when signatures are asked for. */
  readonly signatureFile?: string;
}

const readDigests = async ({ store }: VerifyParts, path: CachePath): Promise<string> => {
  const text = await store.readText(companionPaths(path).digests);
  if (text !== undefined) return text;
  const { location } = store;
  if ((await store.size(path)) === undefined) throw slipwayError('CACHE_ARTIFACT_MISSING', { path, location });
  throw slipwayError('ARTIFACT_DIGESTS_MISSING', { path, location, reason: 'it has no .DIGESTS file' });
};

const fetchSignature = async (
  parts: VerifyParts,
  verifier: Verifier,
  path: CachePath,
  folder: string,
): Promise<string> => {
  const signature = companionPaths(path).sig;
  const file = join(folder, 'signature');
  try {
    await parts.store.download(signature, file);
    return file;
  } catch (error) {
    if (!isSlipwayError(error, 'CACHE_ARTIFACT_MISSING')) throw error;
    const { location } = parts.store;
    throw slipwayError(
      'ARTIFACT_SIGNATURE_MISSING',
      { path, location, signature, trustedKeys: verifier.trustedKeys },
      error,
    );
  }
};

/** The error for a signature that does not count. */
export const signatureInvalid = (
  { trustedKeys }: Verifier,
  path: CachePath,
  { reason, detail }: Extract<SignatureVerdict, { valid: false }>,
): SlipwayError => {
  const signature = companionPaths(path).sig;
  return slipwayError('ARTIFACT_SIGNATURE_INVALID', { path, signature, reason, detail, trustedKeys });
};

const checkSignature = async (
  { verifier }: VerifyParts,
  path: CachePath,
  file: string,
  signatureFile: string | undefined,
) => {
  if (!verifier || !signatureFile) return;
  const verdict = await verifier.verify(file, signatureFile, { path });
  if (!verdict.valid) throw signatureInvalid(verifier, path, verdict);
};

/** What is known of a file that is what it should be. */
export type Verified = Extract<DigestsCheck, { state: 'ok' }>;

/**
 * Reads the digests of an artifact and, where keys are trusted, its signature.
 *
 * @param scratch absolute path of a folder for the signature
 * Throws `CACHE_ARTIFACT_MISSING`, `ARTIFACT_DIGESTS_MISSING` or `ARTIFACT_SIGNATURE_MISSING`.
 */
export const fetchProofs = async (parts: VerifyParts, path: CachePath, scratch: string): Promise<Proofs> => {
  const digestsText = await readDigests(parts, path);
  const signatureFile = parts.verifier && (await fetchSignature(parts, parts.verifier, path, scratch));
  return { digestsText, signatureFile };
};

/**
 * Checks digest and signature of a local file, at the same time.
 *
 * @param file absolute path of what is checked
 * @param target where it is to be, for the message
 * Throws `ARTIFACT_DIGEST_MISMATCH`, `ARTIFACT_DIGESTS_MISSING` or `ARTIFACT_SIGNATURE_INVALID`.
 */
export const verifyArtifact = async (
  parts: VerifyParts,
  path: CachePath,
  file: string,
  target: string,
  proofs: Proofs,
): Promise<Verified> => {
  const [check, signature] = await Promise.allSettled([
    checkDigests(file, nameOf(path), proofs.digestsText, { signal: parts.signal }),
    checkSignature(parts, path, file, proofs.signatureFile),
  ]);
  if (check.status === 'rejected') throw check.reason;
  const { location } = parts.store;
  if (check.value.state === 'unlisted') {
    const reason = `its .DIGESTS file has no SHA512 of '${nameOf(path)}'`;
    throw slipwayError('ARTIFACT_DIGESTS_MISSING', { path, location, reason });
  }
  // A wrong digest says more than the wrong signature that goes with it.
  if (check.value.state === 'mismatch') {
    const { algorithm, expected, found } = check.value;
    throw slipwayError('ARTIFACT_DIGEST_MISMATCH', { file: target, path, location, algorithm, expected, found });
  }
  if (signature.status === 'rejected') throw signature.reason;
  return check.value;
};
