import type { Transform } from 'node:stream';
import { createStreamHasher, DIGESTS_ALGORITHMS, hashingStream } from '../signing/index.ts';
import type { KnownDigests } from './types.ts';

/** Digests what passes through, with all algorithms that publishing needs; for a file that is being written. */
export interface DigestStream {
  readonly stream: Transform;
  /** To be called once, after the stream has ended; for `PublishRequest.known`. */
  known(): Promise<KnownDigests>;
  /** Ends its threads; to be called in any case. */
  stop(): Promise<void>;
}

/** Makes a stream that passes everything on and digests it on the way. */
export const createDigestStream = (): DigestStream => {
  const hasher = createStreamHasher([...DIGESTS_ALGORITHMS, 'sha256']);
  return { stream: hashingStream(hasher), known: hasher.digest, stop: hasher.stop };
};
