import type { StoreSettings } from '../cache/index.ts';
import type { Settings } from '../config/index.ts';
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

/** Where container images are read that the cache does not have; undefined: nowhere. */
export const mirrorUrl = (settings: Settings, tree: TreeDescription): string | undefined => {
  const url = settings.BUILDCACHE_MIRROR_URL || tree.mirrorUrl;
  return url === NO_MIRROR ? undefined : url;
};
