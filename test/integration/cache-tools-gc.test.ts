import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { CacheStore } from '../../lib/cache/index.ts';
import { collectCache, type GcRequest } from '../../lib/cache-tools/gc.ts';
import { age, filesIn, type LocalWorld, openLocalWorld, readImage } from '../helpers/cache-tools-world.ts';
import { makeLayer, noise, publishSynthetic } from '../helpers/synthetic-image.ts';
import { useTempFolders } from '../helpers/temp.ts';

// Threads are started, on machines that may be busy.
jest.setTimeout(60_000);

const makeFolder = useTempFolders();
const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;

let world: LocalWorld;
beforeEach(() => {
  world = openLocalWorld(makeFolder());
});

const request = (more: Partial<GcRequest> = {}): GcRequest => ({
  policy: { keepReleases: true, keep: [] },
  graceMs: DAY_MS,
  dryRun: false,
  ...more,
});
const later = (days: number) => ({ clock: async () => Date.now() + days * DAY_MS });

const layerOf = (seed: string): Buffer =>
  makeLayer({ [`${seed}.bin`]: noise(seed, 150_000), shared: noise('shared', 90_000) });
const publish = (version: string, ...seeds: readonly string[]) =>
  publishSynthetic(world.store, join(world.tools.temp, 'p'), { name: 'sdk', version, layers: seeds.map(layerOf) });
const packs = (): string[] => readdirSync(join(world.dir, 'dedup/v1/packs')).filter((name) => name.endsWith('.pack'));
const removeVersionFolder = (version: string) => world.store.remove(`containers/${version}`);

describe('without a policy', () => {
  test('nothing goes that an image needs', async () => {
    await publish('1.0.0-a', 'base', 'one');
    await publish('1.0.0-b', 'base', 'two');
    const before = filesIn(world.dir);
    const report = await collectCache(world.tools, request({ graceMs: 0 }));
    expect({ trashed: report.trashed, deleted: report.deleted, pointers: report.removedPointers }).toEqual({
      trashed: [],
      deleted: [],
      pointers: [],
    });
    expect(filesIn(world.dir)).toEqual(before);
  });

  test('what no image needs goes to the trash first, and a day later for good', async () => {
    await publish('1.0.0-a', 'base', 'one');
    await publish('1.0.0-b', 'base', 'two');
    await removeVersionFolder('1.0.0-b');
    const first = await collectCache(world.tools, request(later(2)));
    expect(first.trashed.map((path) => path.replace(/[0-9a-f]{64}/, 'ID'))).toEqual([
      'dedup/v1/packs/ID.idx',
      'dedup/v1/packs/ID.pack',
      'dedup/v1/recipes/ID.recipe',
    ]);
    expect(first.deleted).toEqual([]);
    expect(packs()).toHaveLength(1);
    expect((await collectCache(world.tools, request(later(2.5)))).deleted).toEqual([]);
    const last = await collectCache(world.tools, request(later(3.5)));
    expect(last.deleted).toHaveLength(3);
    expect(filesIn(join(world.dir, 'dedup/v1/trash'))).toEqual([]);
    await readImage(world.store, 'sdk', '1.0.0-a');
  });

  test('what is younger than the grace time is left alone: its image may be about to appear', async () => {
    await publish('1.0.0-a', 'base');
    await removeVersionFolder('1.0.0-a');
    const before = filesIn(world.dir);
    await collectCache(world.tools, request());
    expect(filesIn(world.dir)).toEqual(before);
  });

  test('a base of a recipe stays although its own image is gone; the packs of that image do not', async () => {
    await publish('1.0.0-a', 'one');
    await publish('1.0.0-b', 'two');
    await removeVersionFolder('1.0.0-a');
    await collectCache(world.tools, request({ graceMs: 0 }));
    expect(readdirSync(join(world.dir, 'dedup/v1/recipes'))).toHaveLength(2);
    await readImage(world.store, 'sdk', '1.0.0-b');
    await removeVersionFolder('1.0.0-b');
    await collectCache(world.tools, request({ graceMs: 0 }));
    expect(filesIn(join(world.dir, 'dedup'))).toEqual([]);
  });

  test('the list of newest images loses those that are gone, and goes with the last of them; a young one is left alone', async () => {
    await publish('1.0.0-a', 'one');
    await publish('1.0.0-b', 'two');
    await publish('1.0.0-c', 'three');
    await removeVersionFolder('1.0.0-c');
    const file = join(world.dir, 'dedup/v1/heads/sdk.json');
    const versions = (): string[] =>
      JSON.parse(readFileSync(file, 'utf8')).heads.map(({ version }: { version: string }) => version);
    const path = 'dedup/v1/heads/sdk.json';
    expect((await collectCache(world.tools, request())).heads).toEqual([]);
    expect(versions()).toEqual(['1.0.0-c', '1.0.0-b', '1.0.0-a']);
    expect((await collectCache(world.tools, request({ graceMs: 0, dryRun: true }))).heads).toEqual([path]);
    expect(versions()).toHaveLength(3);
    expect((await collectCache(world.tools, request({ graceMs: 0 }))).heads).toEqual([path]);
    expect(versions()).toEqual(['1.0.0-b', '1.0.0-a']);
    expect((await collectCache(world.tools, request({ graceMs: 0 }))).heads).toEqual([]);
    // What the next image is a difference to is still found.
    await publish('1.0.0-d', 'two and more');
    await readImage(world.store, 'sdk', '1.0.0-d');
    for (const version of ['1.0.0-a', '1.0.0-b', '1.0.0-d']) await removeVersionFolder(version);
    await collectCache(world.tools, request({ graceMs: 0 }));
    expect(existsSync(file)).toBe(false);
  });

  test('a list that a publisher wrote while garbage was collected stays as the publisher wrote it', async () => {
    await publish('1.0.0-a', 'one');
    await publish('1.0.0-b', 'two');
    await removeVersionFolder('1.0.0-a');
    let isFirst = true;
    const store: CacheStore = {
      ...world.store,
      // Pointers go right before the list is shortened.
      remove: async (path) => {
        if (isFirst) {
          isFirst = false;
          await publish('1.0.0-c', 'three');
        }
        return world.store.remove(path);
      },
    };
    await collectCache({ ...world.tools, store }, request({ graceMs: 0 }));
    expect(isFirst).toBe(false);
    const { heads } = JSON.parse(readFileSync(join(world.dir, 'dedup/v1/heads/sdk.json'), 'utf8'));
    expect(heads[0].version).toBe('1.0.0-c');
    await readImage(world.store, 'sdk', '1.0.0-c');
  });

  test('after everything is gone the same image can be published again', async () => {
    await publish('1.0.0-a', 'one');
    await removeVersionFolder('1.0.0-a');
    await collectCache(world.tools, request({ graceMs: 0 }));
    await publish('1.0.0-b', 'one');
    expect(await readImage(world.store, 'sdk', '1.0.0-b')).toBe(layerOf('one').length);
  });

  test('a manifest that cannot be read stops it, and nothing is deleted', async () => {
    await publish('1.0.0-a', 'one');
    await publish('1.0.0-b', 'two');
    await removeVersionFolder('1.0.0-b');
    const file = join(world.dir, 'containers/1.0.0-a/sdk-1.0.0-a.image.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"amd64', '"amd63'));
    const before = filesIn(world.dir);
    await expect(collectCache(world.tools, request({ graceMs: 0 }))).rejects.toMatchObject({
      code: 'CACHE_MANIFESTS_UNREADABLE',
    });
    expect(filesIn(world.dir)).toEqual(before);
  });

  test('a recipe that cannot be read stops it, and nothing is deleted', async () => {
    await publish('1.0.0-a', 'one');
    const [recipe = ''] = readdirSync(join(world.dir, 'dedup/v1/recipes'));
    writeFileSync(join(world.dir, 'dedup/v1/recipes', recipe), 'no recipe');
    const before = filesIn(world.dir);
    await expect(collectCache(world.tools, request({ graceMs: 0 }))).rejects.toMatchObject({
      code: 'CACHE_RECIPES_UNREADABLE',
    });
    expect(filesIn(world.dir)).toEqual(before);
  });
});

describe('with a policy', () => {
  test.each([
    ['versions, keeping the newest', { keepNewest: 1 }, ['1.0.0-nightly-3', '1.2.0']],
    ['versions, keeping the young', { keepDays: 9 }, ['1.0.0-nightly-2', '1.0.0-nightly-3', '1.2.0']],
    [
      'versions, keeping a named one',
      { keepNewest: 1, keep: ['1.0.0+nightly-1'] },
      ['1.0.0-nightly-1', '1.0.0-nightly-3', '1.2.0'],
    ],
    ['releases when asked', { keepDays: 9, keepReleases: false }, ['1.0.0-nightly-2', '1.0.0-nightly-3']],
  ])('a dry run says exactly what the real one deletes: %s', async (_what, policy, expected) => {
    const versions = ['1.2.0', '1.0.0-nightly-1', '1.0.0-nightly-2', '1.0.0-nightly-3'];
    for (const [at, version] of versions.entries()) {
      await publish(version, 'base', version);
      age(world.dir, 20 - 5 * at - at, (path) => path.includes(version));
    }
    age(world.dir, 30, (path) => path.startsWith('dedup/'));
    const wanted = request({ policy: { keepReleases: true, keep: [], ...policy } });
    const before = filesIn(world.dir);
    const dry = await collectCache(world.tools, { ...wanted, dryRun: true });
    expect(filesIn(world.dir)).toEqual(before);
    const real = await collectCache(world.tools, wanted);
    expect({ ...real, dryRun: true }).toEqual(dry);
    expect(readdirSync(join(world.dir, 'containers')).sort()).toEqual(expected);
    const gone = before.filter((path) => !existsSync(join(world.dir, path)));
    const said = [...real.trashed, ...real.removedPointers].sort((a, b) => (a < b ? -1 : 1));
    expect(gone.filter((path) => path.startsWith('dedup/'))).toEqual(said);
    for (const version of expected) await readImage(world.store, 'sdk', version);
  });

  test('the SDK that a kept version was built with stays', async () => {
    await publish('1.0.0-sdk', 'base');
    await publish('1.0.0-new', 'base', 'new');
    await world.store.publish([
      {
        file: writeText('version.txt', 'X_VERSION=1.0.0+new\nX_SDK_VERSION="1.0.0+sdk"\n'),
        path: 'images/amd64/1.0.0+new/version.txt',
      },
    ]);
    age(world.dir, 9, (path) => path.includes('1.0.0-sdk'));
    const report = await collectCache(
      world.tools,
      request({ policy: { keepReleases: true, keepNewest: 1, keep: [] } }),
    );
    expect(report.versions).toEqual([
      { version: '1.0.0-new', remove: false, why: 'number 1 of the 1 newest of builds 0' },
      { version: '1.0.0-sdk', remove: false, why: '1.0.0-new was built with it' },
    ]);
  });
});

const writeText = (name: string, text: string): string => {
  const file = join(world.tools.temp, name);
  writeFileSync(file, text);
  return file;
};

describe('while others publish', () => {
  const collect = () => collectCache(world.tools, request(later(2)));

  test('an image whose layers were collected before its manifest appeared is whole after its confirmation', async () => {
    await publish('1.0.0-a', 'one', 'two');
    await removeVersionFolder('1.0.0-a');
    await publishSynthetic(
      world.store,
      join(world.tools.temp, 'p'),
      { name: 'sdk', version: '1.0.0-b', layers: [layerOf('one'), layerOf('two'), layerOf('three')] },
      { beforeManifest: async () => void (await collect()) },
    );
    await readImage(world.store, 'sdk', '1.0.0-b');
    const { trashed } = await collect();
    expect(trashed).toEqual([]);
    expect(filesIn(world.dir).filter((path) => path.includes('/layers/'))).toHaveLength(3);
  });

  test('an image can be read before its confirmation, from the trash', async () => {
    await publish('1.0.0-a', 'one');
    await removeVersionFolder('1.0.0-a');
    let read = 0;
    await publishSynthetic(
      world.store,
      join(world.tools.temp, 'p'),
      { name: 'sdk', version: '1.0.0-b', layers: [layerOf('one')] },
      {
        beforeManifest: async () => void (await collect()),
        beforeConfirm: async () => {
          expect(packs()).toEqual([]);
          read = await readImage(world.store, 'sdk', '1.0.0-b');
        },
      },
    );
    expect(read).toBe(layerOf('one').length);
  });

  test('a publisher that died before its confirmation left an image that the next collection makes whole', async () => {
    await publish('1.0.0-a', 'one');
    await removeVersionFolder('1.0.0-a');
    await publishSynthetic(
      world.store,
      join(world.tools.temp, 'p'),
      { name: 'sdk', version: '1.0.0-b', layers: [layerOf('one')] },
      {
        beforeManifest: async () => void (await collect()),
        beforeConfirm: () => Promise.reject(new Error('killed')),
      },
    ).catch(() => {});
    const { restored, deleted } = await collectCache(world.tools, request(later(9)));
    expect(restored).toHaveLength(3);
    expect(deleted).toEqual([]);
    expect(filesIn(world.dir).filter((path) => path.includes('/layers/'))).toHaveLength(1);
    await readImage(world.store, 'sdk', '1.0.0-b');
  });

  test('the time in the trash begins anew when a pointer led there meanwhile: somebody may have read it', async () => {
    await publish('1.0.0-a', 'one');
    await removeVersionFolder('1.0.0-a');
    const [pointer = ''] = filesIn(world.dir).filter((path) => path.includes('/layers/'));
    const text = readFileSync(join(world.dir, pointer));
    await collectCache(world.tools, request(later(2)));
    // As a publisher leaves it that used the layer and died before its manifest appeared.
    writeFileSync(join(world.dir, pointer), text);
    expect((await collectCache(world.tools, request(later(9)))).deleted).toEqual([]);
    expect((await collectCache(world.tools, request(later(9.5)))).deleted).toEqual([]);
    expect((await collectCache(world.tools, request(later(10.5)))).deleted).toHaveLength(3);
  });

  test('a version that somebody publishes to after it was judged stays', async () => {
    await publish('1.0.0-a', 'one');
    age(world.dir, 9);
    await publish('1.0.0-b', 'two');
    const policy = { keepReleases: true, keepNewest: 1, keep: [] };
    const other = { name: 'packages', version: '1.0.0-a', layers: [layerOf('three')] };
    const add = () => publishSynthetic(world.store, join(world.tools.temp, 'p'), other);
    let asked = 0;
    const store = {
      ...world.store,
      readText: async (path: string) => {
        asked += 1;
        if (asked === 1) await add();
        return world.store.readText(path);
      },
    };
    const report = await collectCache({ ...world.tools, store }, request({ policy, graceMs: 0 }));
    expect(report.removedFolders).toEqual([]);
    await readImage(world.store, 'sdk', '1.0.0-a');
  });
});
