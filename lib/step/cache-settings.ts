import type { StoreSettings } from '../cache/index.ts';
import type { Settings } from '../config/index.ts';
import type { CacheLayout } from '../container/index.ts';
import { type ChunkStore, createChunkStore } from '../dedup/index.ts';
import { slipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import type { TreeDescription } from '../tree/index.ts';

/** The cache's part of the settings. */
export const storeSettings = (settings: Settings): StoreSettings => ({
  server: settings.BUILDCACHE_SERVER,
  user: settings.BUILDCACHE_USER,
  pathPrefix: settings.BUILDCACHE_PATH_PREFIX,
  sshPort: settings.BUILDCACHE_SSH_PORT || undefined,
  sshKey: settings.BUILDCACHE_SSH_KEY,
  knownHosts: settings.BUILDCACHE_KNOWN_HOSTS,
  url: settings.BUILDCACHE_URL,
  caFile: settings.BUILDCACHE_CA_FILE,
  dir: settings.BUILDCACHE_DIR,
});

/** Says in BUILDCACHE_MIRROR_URL that the tree's own mirror is not to be used. */
const NO_MIRROR = 'none';

/** Where is read what the cache does not have; undefined: nowhere. */
export const mirrorUrl = (settings: Settings, tree: TreeDescription): string | undefined => {
  const url = settings.BUILDCACHE_MIRROR_URL || tree.mirrorUrl;
  return url === NO_MIRROR ? undefined : url;
};

const LAYOUTS: readonly string[] = ['flat', 'dedup', 'both'] satisfies CacheLayout[];

/**
 * How container images are stored: as the operator says, else as the tree does.
 *
 * Throws `CACHE_SETTING_INVALID`.
 */
export const cacheLayout = (settings: Settings, tree: TreeDescription): CacheLayout => {
  const value = settings.BUILDCACHE_LAYOUT || tree.cacheLayout;
  if (LAYOUTS.includes(value)) return value as CacheLayout;
  const reason = `expected ${LAYOUTS.join(', ')}`;
  throw slipwayError('CACHE_SETTING_INVALID', { setting: 'BUILDCACHE_LAYOUT', value, reason });
};

const GIB = 1024 ** 3;

/** What this machine keeps of the server's container images; nothing when the cache is a folder here. */
export const openChunkStore = (settings: Settings, log?: Log): ChunkStore | undefined => {
  const { BUILDCACHE_SERVER, BUILDCACHE_CHUNK_DIR: dir, BUILDCACHE_CHUNK_LIMIT } = settings;
  return BUILDCACHE_SERVER === ''
    ? undefined
    : createChunkStore({ dir, limitBytes: BUILDCACHE_CHUNK_LIMIT * GIB, log });
};
