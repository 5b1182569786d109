import { type Log, silentLog } from '../log/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import type { Signer, Verifier } from '../signing/index.ts';
import { fetchArtifact } from './fetch-artifact.ts';
import { publishArtifacts } from './publish-artifacts.ts';
import { streamArtifact } from './stream-artifact.ts';
import type { ArtifactCache, CacheStore } from './types.ts';

/** What an artifact cache works with. */
export interface ArtifactCacheOptions {
  readonly store: CacheStore;
  /** Signs what is published; undefined: published without signatures. */
  readonly signer?: Signer;
  /** Checks the signatures of what is fetched; undefined: digests only. */
  readonly verifier?: Verifier;
  readonly log?: Log;
  /** Aborting ends what is going on; what is half-done is removed. */
  readonly signal?: AbortSignal;
  /** Milliseconds before what did not verify is fetched once more; default 1000. */
  readonly secondTryMs?: number;
}

const REQUESTS_AT_ONCE = 8;

/** The artifact cache on a store: verified reads, whole-set writes with digests and signatures. */
export const createArtifactCache = (options: ArtifactCacheOptions): ArtifactCache => {
  const { store, signer, verifier, signal, secondTryMs, log = silentLog } = options;
  return {
    store,
    publish: (request) => publishArtifacts(request, { store, signer, log, signal }),
    fetch: (path, toFolder) => fetchArtifact(path, toFolder, { store, verifier, log, signal, secondTryMs }),
    stream: (path, folder, use) => streamArtifact(path, folder, use, { store, verifier, log, signal }),
    hasAll: async (paths) => {
      const sizes = await inParallel(paths, REQUESTS_AT_ONCE, (path) => store.size(path));
      return sizes.every((size) => size !== undefined);
    },
  };
};
