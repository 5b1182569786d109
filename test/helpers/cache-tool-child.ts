/**
 * Runs a tool on a cache in a folder, and kills itself with SIGKILL before the n-th operation that changes the store; n = 0: never.
 *
 * Usage: cache-tool-child.ts FOLDER gc|repair N NOW_MS
 */
import type { CacheStore } from '../../lib/cache/index.ts';
import { collectCache, repairCache } from '../../lib/cache-tools/index.ts';
import { openLocalWorld } from './cache-tools-world.ts';

const [folder = '', command, killAt, nowMs] = process.argv.slice(2);
const { tools } = openLocalWorld(folder);
let done = 0;

const killing = <Arguments extends unknown[], Value>(work: (...args: Arguments) => Promise<Value>) => {
  return (...args: Arguments): Promise<Value> => {
    done += 1;
    if (done === Number(killAt)) process.kill(process.pid, 'SIGKILL');
    return work(...args);
  };
};

const { publish, rename, remove } = tools.store;
const store: CacheStore = {
  ...tools.store,
  publish: killing(publish),
  rename: killing(rename),
  remove: killing(remove),
};
const own = { ...tools, store };
if (command === 'repair') await repairCache(own, { dryRun: false });
else {
  const policy = { keepReleases: true, keep: [] };
  await collectCache(own, { policy, graceMs: 24 * 3600_000, dryRun: false, clock: async () => Number(nowMs) });
}
process.stdout.write(`${done}\n`);
