import type { StoreSettings } from '../cache/index.ts';
import type { Settings } from '../config/index.ts';

/** The cache's part of the settings. */
export const storeSettings = (settings: Settings): StoreSettings => ({
  server: settings.BUILDCACHE_SERVER,
  user: settings.BUILDCACHE_USER,
  pathPrefix: settings.BUILDCACHE_PATH_PREFIX,
  sshPort: settings.BUILDCACHE_SSH_PORT,
  sshKey: settings.BUILDCACHE_SSH_KEY,
  knownHosts: settings.BUILDCACHE_KNOWN_HOSTS,
  url: settings.BUILDCACHE_URL,
  caFile: settings.BUILDCACHE_CA_FILE,
  dir: settings.BUILDCACHE_DIR,
});
