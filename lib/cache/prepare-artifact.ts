import { DIGESTS_SUFFIX, ensureDigestsFile, hashFile, type Signer } from '../signing/index.ts';
import type { ArtifactFile } from './artifact-files.ts';
import type { ArtifactRecord, CachePath, Upload } from './types.ts';

/** An artifact that is ready to be published, with everything that goes with it. */
export interface PreparedArtifact {
  readonly record: ArtifactRecord;
  readonly upload: Upload;
  /** Its digests and signatures, as far as asked for. */
  readonly companions: readonly Upload[];
}

/** How artifacts are prepared. */
export interface PrepareOptions {
  readonly digests: boolean;
  readonly signer?: Signer;
  readonly signal?: AbortSignal;
}

/** What goes with an artifact in the cache; of these a reader may find any, or none. */
export const companionPaths = (
  path: CachePath,
): Readonly<Record<'digests' | 'digestsAsc' | 'digestsSig' | 'sig', CachePath>> => ({
  digests: `${path}.DIGESTS`,
  digestsAsc: `${path}.DIGESTS.asc`,
  digestsSig: `${path}.DIGESTS.sig`,
  sig: `${path}.sig`,
});

const signDigests = async (signer: Signer, digestsFile: string): Promise<void> => {
  await Promise.all([signer.clearSign(digestsFile), signer.sign(digestsFile)]);
};

/**
 * Computes an artifact's digests in one pass, writes `.DIGESTS`, and signs; with a signer the artifact X goes out as X, X.DIGESTS,
 * X.DIGESTS.asc, X.DIGESTS.sig and X.sig (specification 4.6). The signature of X is made while X is digested.
 *
 * Throws `SIGNING_FAILED`.
 */
export const prepareArtifact = async (
  { file, path }: ArtifactFile,
  options: PrepareOptions,
): Promise<PreparedArtifact> => {
  const { digests, signer, signal } = options;
  const hashing = digests ? ensureDigestsFile(file, { signal }) : hashFile(file, ['sha256'], { signal });
  const [hashed] = await Promise.all([hashing, signer?.sign(file)]);
  if (digests && signer) await signDigests(signer, `${file}${DIGESTS_SUFFIX}`);
  const names = companionPaths(path);
  const companions: Upload[] = [];
  if (digests) companions.push({ file: `${file}.DIGESTS`, path: names.digests });
  if (digests && signer) {
    companions.push(
      { file: `${file}.DIGESTS.asc`, path: names.digestsAsc },
      { file: `${file}.DIGESTS.sig`, path: names.digestsSig },
    );
  }
  if (signer) companions.push({ file: `${file}.sig`, path: names.sig });
  const { sha256 } = hashed.digests;
  return { record: { path, sizeBytes: hashed.sizeBytes, sha256 }, upload: { file, path, sha256 }, companions };
};
