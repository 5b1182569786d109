export { checkDigests, DIGESTS_SUFFIX, type DigestsCheck, ensureDigestsFile } from './digests-file.ts';
export { DIGESTS_ALGORITHMS, formatDigests, parseDigests } from './digests-format.ts';
export { createEmptyRing, type EmptyRing } from './gpg-home.ts';
export { createFileHasher, type HashedFile, type HashFile, hashFile } from './hash-file.ts';
export { PATH_NOTATION } from './path-notation.ts';
export { openSigner, type SignerSettings } from './signer.ts';
export { createStreamHasher, hashingStream, type StreamHasher } from './stream-hash.ts';
export type {
  Algorithm,
  Digests,
  SignatureFault,
  SignatureVerdict,
  Signer,
  SignOptions,
  StreamVerification,
  Verifier,
} from './types.ts';
export { openVerifier, type VerifierSettings } from './verifier.ts';
