import { DIGESTS_SUFFIX, type Digests, ensureDigestsFile, type HashFile, type Signer } from '../signing/index.ts';
import type { ArtifactFile } from './artifact-files.ts';
import type { ArtifactRecord, CachePath, Upload } from './types.ts';

/** An artifact that is ready to be published, with everything that goes with it. */
export interface PreparedArtifact {
  /** Absent for a link that leads to no file here. */
  readonly record?: ArtifactRecord;
  readonly upload: Upload;
  /** Its digests and signatures, as far as asked for. */
  readonly companions: readonly Upload[];
}

/** How artifacts are prepared. */
export interface PrepareOptions {
  readonly digests: boolean;
  /** Digests files; a set has one, so that a file to which links lead is read once. */
  readonly hashFile: HashFile;
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

const signDigests = async (signer: Signer, digestsFile: string, path: CachePath): Promise<void> => {
  await Promise.all([signer.clearSign(digestsFile, { path }), signer.sign(digestsFile, { path })]);
};

/**
 * Computes an artifact's digests in one pass, writes `.DIGESTS`, and signs; with a signer the artifact X goes out as X, X.DIGESTS,
 * X.DIGESTS.asc, X.DIGESTS.sig and X.sig (specification 4.6); each signature says for which path it is. The signature of X is made while X is digested. A link has those
 * of the file that it leads to, under its own name.
 *
 * Throws `SIGNING_FAILED`.
 */
export const prepareArtifact = async (
  { file, path, linkTarget, hasBytes }: ArtifactFile,
  options: PrepareOptions,
): Promise<PreparedArtifact> => {
  const { digests, signer, signal, hashFile } = options;
  if (!hasBytes) return { upload: { file, path, linkTarget }, companions: [] };
  const hashing = digests ? ensureDigestsFile(file, { signal, hashFile }) : hashFile(file, ['sha256'], { signal });
  const [hashed] = await Promise.all([hashing, signer?.sign(file, { path })]);
  const names = companionPaths(path);
  if (digests && signer) await signDigests(signer, `${file}${DIGESTS_SUFFIX}`, names.digests);
  const companions: Upload[] = [];
  if (digests) companions.push({ file: `${file}.DIGESTS`, path: names.digests });
  if (digests && signer) {
    companions.push(
      { file: `${file}.DIGESTS.asc`, path: names.digestsAsc },
      { file: `${file}.DIGESTS.sig`, path: names.digestsSig },
    );
  }
  if (signer) companions.push({ file: `${file}.sig`, path: names.sig });
  const { sha256, sha512 }: Partial<Digests> & { readonly sha256: string } = hashed.digests;
  const record = { path, sizeBytes: hashed.sizeBytes, sha256, ...(sha512 === undefined ? {} : { sha512 }) };
  return { record, upload: { file, path, sha256, linkTarget }, companions };
};
