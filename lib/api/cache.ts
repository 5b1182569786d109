import { tmpdir } from 'node:os';
import { type ArtifactCache, createArtifactCache, createStore, type StoreSettings } from '../cache/index.ts';
import { silentLog } from '../log/index.ts';
import { createCleanup } from '../process/index.ts';
import { openSigner, openVerifier } from '../signing/index.ts';
import { runnersOf, type World } from './world.ts';

export type {
  ArtifactCache,
  ArtifactRecord,
  CachePath,
  CacheStore,
  PublishedFiles,
  PublishOptions,
  PublishRequest,
  StoreEntry,
  StoreSettings,
  TransferOptions,
  Upload,
} from '../cache/index.ts';
export type { World } from './world.ts';

/** Which cache, and with which keys. */
export interface CacheOptions extends World {
  /** Where it is: `{ dir }` for a folder, or a server (docs/settings.md, BUILDCACHE_...). */
  readonly store: Partial<StoreSettings>;
  /** Absolute path of a file or folder with public OpenPGP keys: everything that is fetched must be signed by one of them. */
  readonly trustedKeys?: string;
  /** What is published is signed with this key, if given. */
  readonly signing?: {
    /** Key ID, fingerprint or address. */
    readonly signer: string;
    /** Absolute path of the secret key. */
    readonly signingKey: string;
  };
  /** `SSH_AUTH_SOCK`, for a server that is logged in to with an agent; default: that of `env`. */
  readonly agentSocket?: string;
}

/** An artifact cache that is to be closed. */
export interface OpenedCache extends ArtifactCache {
  /** Ends connections and removes the key rings. */
  close(): Promise<void>;
  /** `await using` closes it. */
  [Symbol.asyncDispose](): Promise<void>;
}

const DEFAULTS: StoreSettings = { user: '', pathPrefix: '/srv/buildcache', dir: '' };

/**
 * Opens an artifact cache: a folder, or a server with sshd and HTTPS. Nothing is connected before it is used.
 *
 * Throws `CACHE_SETTING_INVALID`, `SIGNER_KEY_UNUSABLE` or `TRUSTED_KEYS_INVALID`.
 *
 * @example
 * await using cache = await openCache({ store: { dir: '/var/cache/slipway' }, env: process.env });
 * await cache.publish({ folder: 'images/amd64/1.0.0', files: ['/tmp/image.bin'] });
 * const { file, sha256 } = await cache.fetch('images/amd64/1.0.0/image.bin', '/tmp/fetched');
 */
export const openCache = async (options: CacheOptions): Promise<OpenedCache> => {
  const { log = silentLog, signal, trustedKeys, signing, env, cwd = '/' } = options;
  const runner = runnersOf(options).query;
  const cleanup = createCleanup(log);
  try {
    const agentSocket = options.agentSocket ?? env.SSH_AUTH_SOCK;
    const store = createStore({ ...DEFAULTS, ...options.store }, { runner, log, signal, agentSocket });
    cleanup.add('the connection to the cache', () => store.close());
    const signer = await openSigner({
      ...signing,
      signer: signing?.signer,
      signingKey: signing?.signingKey,
      runner,
      parent: tmpdir(),
      tree: cwd,
    });
    if (signer) cleanup.add('the key ring', () => signer.close());
    const verifier = await openVerifier({ trustedKeys, runner, parent: tmpdir() });
    if (verifier) cleanup.add('the key ring of trusted keys', () => verifier.close());
    const close = (): Promise<void> => cleanup.runAll();
    return { ...createArtifactCache({ store, signer, verifier, log, signal }), close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await cleanup.runAll();
    throw error;
  }
};
