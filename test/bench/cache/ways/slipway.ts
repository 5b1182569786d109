import { join } from 'node:path';
import { compileCache } from '../../../helpers/conformance-step.ts';
import type { Step } from '../measuring/measure.ts';
import type { World } from '../world.ts';
import type { WantedImage, Way, Worker } from './types.ts';

/** The settings as an operator gives them; see docs/settings.md. */
const settingsOf = (world: World, way: string, layout: string, worker: Worker) => ({
  BUILDCACHE_SERVER: world.sshd.host,
  BUILDCACHE_USER: world.sshd.user,
  BUILDCACHE_SSH_PORT: String(world.sshd.port),
  BUILDCACHE_SSH_KEY: world.sshd.clientKey,
  BUILDCACHE_KNOWN_HOSTS: world.sshd.knownHosts,
  BUILDCACHE_PATH_PREFIX: world.prefixOf(way),
  BUILDCACHE_URL: world.urlOf(way),
  BUILDCACHE_CA_FILE: world.caFile,
  BUILDCACHE_LAYOUT: layout,
  BUILDCACHE_CHUNK_DIR: join(worker.home, 'chunks'),
  SLIPWAY_CACHE_DIR: worker.home,
  // As lib/setup/run-step.sh starts the steps.
  MALLOC_MMAP_THRESHOLD_: '5242880',
  NODE_COMPILE_CACHE: compileCache(),
});

const CACHE_COMMAND = join(import.meta.dirname, '../../../../ci-automation/cache.ts');

/** Slipway's container cache with one of its layouts (`BUILDCACHE_LAYOUT`), as the steps use it, in a process of its own. */
export const slipwayWay = (layout: 'flat' | 'dedup'): Way => {
  const way = `slipway-${layout}`;
  const step = (verb: string, world: World, image: WantedImage, worker: Worker): Step => ({
    name: verb,
    command: [process.execPath, world.entry, verb, image.name, image.version, worker.temp],
    env: settingsOf(world, way, layout, worker),
  });
  return {
    name: way,
    storesWholeImages: layout === 'flat',
    publish: (world, image, worker) => [step('publish', world, image, worker)],
    fetch: (world, image, worker) => [step('fetch', world, image, worker)],
    // On the server's disk, as its operator would.
    scrub: (world, worker) => [
      {
        name: 'verify',
        command: [CACHE_COMMAND, 'verify', '--from-start'],
        env: { BUILDCACHE_SERVER: '', BUILDCACHE_DIR: world.prefixOf(way), SLIPWAY_CACHE_DIR: worker.home },
      },
    ],
  };
};
