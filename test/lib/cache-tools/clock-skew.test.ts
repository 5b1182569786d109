import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { collectCache, verifyCache } from '../../../lib/cache-tools/index.ts';
import { age, filesIn, type LocalWorld, openLocalWorld, readImage } from '../../helpers/cache-tools-world.ts';
import { makeLayer, noise, publishSynthetic } from '../../helpers/synthetic-image.ts';
import { useTempFolders } from '../../helpers/temp.ts';

const makeFolder = useTempFolders();
const DAY_MS = 24 * 3600_000;

const publish = ({ store, tools }: LocalWorld, version: string, ...seeds: readonly string[]) =>
  publishSynthetic(store, join(tools.temp, 'p'), {
    name: 'sdk',
    version,
    layers: seeds.map((seed) => makeLayer({ [seed]: noise(seed, 40_000) })),
  });

const collect = ({ tools }: LocalWorld, days: number) =>
  collectCache(tools, {
    policy: { keepReleases: true, keep: [] },
    graceMs: DAY_MS,
    dryRun: false,
    clock: async () => Date.now() + days * DAY_MS,
  });

test.each([
  ['three days behind', 3],
  ['three days ahead', -3],
  ['years ahead', -2000],
])(
  'a publisher whose clock is %s: no collection takes what an image needs, and what none needs goes in the end',
  async (_what, days) => {
    const world = openLocalWorld(makeFolder());
    await publish(world, '1.0.0-a', 'base', 'one');
    await publish(world, '1.0.0-b', 'base', 'two');
    await publish(world, '1.0.0-c', 'three');
    age(world.dir, days);
    await world.store.remove('containers/1.0.0-b');
    await world.store.remove('containers/1.0.0-c');
    // By the clock of the server no time has passed: what looks old only because of the publisher's clock can be had back.
    await collect(world, 0);
    await readImage(world.store, 'sdk', '1.0.0-a');
    await publish(world, '1.0.0-d', 'base', 'two');
    age(world.dir, days, (path) => path.includes('1.0.0-d') || path.startsWith('dedup/v1/layers'));
    await collect(world, 0.5);
    await readImage(world.store, 'sdk', '1.0.0-d');
    for (const later of [5, 7, 9]) {
      await collect(world, later);
      for (const version of ['1.0.0-a', '1.0.0-d']) await readImage(world.store, 'sdk', version);
    }
    expect((await verifyCache(world.tools, { fromStart: false, deep: true })).problems).toEqual([]);
    expect(filesIn(join(world.dir, 'dedup/v1/trash'))).toEqual([]);
  },
  60_000,
);
