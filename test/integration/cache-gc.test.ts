import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { collectCache, repairCache, verifyCache } from '../../lib/cache-tools/index.ts';
import { waitForAll } from '../../lib/process/index.ts';
import { filesIn, type LocalWorld, openLocalWorld, readImage } from '../helpers/cache-tools-world.ts';
import { publishSynthetic } from '../helpers/synthetic-image.ts';
import { seededLayer, startSyntheticPublisher } from '../helpers/synthetic-publisher.ts';
import { useTempFolders } from '../helpers/temp.ts';

const run = promisify(execFile);
const makeFolder = useTempFolders();
const DAY_MS = 24 * 3600_000;
const policy = { keepReleases: true, keep: [] };
const publish = ({ store, tools }: LocalWorld, version: string, ...seeds: readonly string[]) =>
  publishSynthetic(store, join(tools.temp, 'p'), { name: 'sdk', version, layers: seeds.map(seededLayer) });
const collect = ({ tools }: LocalWorld, days: number) =>
  collectCache(tools, { policy, graceMs: DAY_MS, dryRun: false, clock: async () => Date.now() + days * DAY_MS });
const verify = ({ tools }: LocalWorld) => verifyCache(tools, { fromStart: false, deep: true });

/** The same sequence every time. */
const createDice = (seed: number) => {
  let state = seed;
  return (sides: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * sides);
  };
};

const ROUNDS = 200;
/** Caches of which each sees a part of the rounds; they have nothing to do with each other, and one works while the other waits for the disk. */
const CACHES = 2;

/** Rounds on one cache: two publishers, which are processes of their own, a collection and a reader, all at once. */
const race = async (rounds: number, seed: number): Promise<{ trashed: number; deleted: number }> => {
  const folder = makeFolder();
  const world = openLocalWorld(folder);
  const publishers = [startSyntheticPublisher(folder), startSyntheticPublisher(folder)];
  const publisherAt = (at: number) => publishers[at] as (typeof publishers)[number];
  const dice = createDice(seed);
  let trashed = 0;
  let deleted = 0;
  try {
    for (let round = 1; round <= rounds; round += 1) {
      // Few contents, so that what was collected a moment ago, or is being collected, is needed again.
      const seeds = () => [
        `pool-${dice(6)}`,
        `pool-${dice(6)}`,
        dice(3) === 0 ? `own-${round}-${dice(1000)}` : `pool-${dice(6)}`,
      ];
      const versions = [`1.0.${round}-a`, `1.0.${round}-b`] as const;
      const works = versions.map((version) => ({ version, layers: seeds() }));
      const [old] = [`1.0.${round - 1}-${dice(2) === 0 ? 'a' : 'b'}`];
      const kept = `1.0.${round - 1}-${old.endsWith('a') ? 'b' : 'a'}`;
      await waitForAll([
        ...works.map(({ version, layers }, at) => publisherAt(at).publish(version, layers)),
        (async () => {
          if (round > 1) await world.store.remove(`containers/${old}`);
          if (round > 2) await world.store.remove(`containers/1.0.${round - 2}-a`);
          if (round > 2) await world.store.remove(`containers/1.0.${round - 2}-b`);
          for (let times = 0; times < 2; times += 1) {
            const report = await collect(world, 2 * round);
            trashed += report.trashed.length;
            deleted += report.deleted.length;
          }
        })(),
        ...(round > 1 ? [readImage(world.store, 'sdk', kept)] : []),
      ]);
      for (const version of versions) await readImage(world.store, 'sdk', version);
    }
  } finally {
    await waitForAll(publishers.map((one) => one.stop()));
  }
  await collect(world, 2 * rounds + 2);
  expect((await verify(world)).problems).toEqual([]);
  // Also in its place: a file that is read from the trash would be found, too.
  const nothing = { indexes: [], removedPointers: [], writtenPointers: [], restored: [], lost: [] };
  expect(await repairCache(world.tools, { dryRun: true })).toMatchObject(nothing);
  return { trashed, deleted };
};

test(`two publishers and a collection at once, ${ROUNDS} rounds, a day apart: every image is whole`, async () => {
  const done = await waitForAll(Array.from({ length: CACHES }, (_, at) => race(ROUNDS / CACHES, 4711 + at)));
  const sum = (what: 'trashed' | 'deleted'): number => done.reduce((total, one) => total + one[what], 0);
  expect(sum('trashed')).toBeGreaterThan(ROUNDS);
  expect(sum('deleted')).toBeGreaterThan(ROUNDS / 2);
}, 600_000);

test('twenty readers during collections read whole images, also those whose version is being deleted', async () => {
  const world = openLocalWorld(makeFolder());
  for (const version of ['1.0.0-a', '1.0.0-b', '1.0.0-c', '1.0.0-d']) await publish(world, version, 'base', version);
  const read = async (version: string): Promise<void> => {
    try {
      await readImage(world.store, 'sdk', version);
    } catch (error) {
      // All or nothing: the manifest of a deleted version is gone, and then nothing of it is begun.
      expect((error as Error).message).toMatch(/^no containers\//);
    }
  };
  const over = new AbortController();
  const readers = Array.from({ length: 20 }, async (_, at) => {
    while (!over.signal.aborted) await read(`1.0.0-${'abcd'[at % 4]}`);
  });
  for (const version of ['1.0.0-b', '1.0.0-c']) {
    await world.store.remove(`containers/${version}`);
    await collect(world, 2);
  }
  over.abort();
  await Promise.all(readers);
  expect((await verify(world)).problems).toEqual([]);
}, 120_000);

/** A cache in which a collection has something of everything to do. */
const makeGarbage = async (world: LocalWorld): Promise<void> => {
  await publish(world, '1.0.0-a', 'base', 'one');
  await publish(world, '1.0.0-b', 'base', 'two');
  await publish(world, '1.0.0-c', 'three');
  await world.store.remove('containers/1.0.0-c');
  await collect(world, 2);
  await world.store.remove('containers/1.0.0-b');
  // An image needs something that is in the trash, as after a killed collection.
  const [recipe = ''] = filesIn(world.dir).filter((path) => path.endsWith('.recipe'));
  await world.store.rename(recipe, recipe.replace('recipes', 'trash'));
};

const child = join(import.meta.dirname, '../helpers/cache-tool-child.ts');

/** Each is a process and the work of checking what it left. */
const KILLS_AT_ONCE = 3;

/** Kills a tool at each of its operations, a few caches at a time; each is then in order all the same. */
const killEverywhere = async (
  command: string,
  prepared: string,
  check: (world: LocalWorld) => Promise<void>,
): Promise<number> => {
  const killAt = async (at: number): Promise<boolean> => {
    const folder = makeFolder();
    cpSync(prepared, folder, { recursive: true });
    const args = [child, folder, command, `${at}`, `${Date.now() + 4 * DAY_MS}`];
    const wasKilled = await run(process.execPath, args).then(
      () => false,
      (error: { signal?: string; stderr: string }) => {
        expect({ signal: error.signal, stderr: error.stderr }).toEqual({
          signal: 'SIGKILL',
          stderr: expect.anything(),
        });
        return true;
      },
    );
    await check(openLocalWorld(folder));
    rmSync(folder, { recursive: true });
    return wasKilled;
  };
  for (let first = 1; ; first += KILLS_AT_ONCE) {
    const killed = await waitForAll(Array.from({ length: KILLS_AT_ONCE }, (_, at) => killAt(first + at)));
    const survivor = killed.indexOf(false);
    if (survivor >= 0) return first + survivor - 1;
  }
};

test('a collection that is killed at any operation loses nothing, and the next one completes it', async () => {
  const prepared = makeFolder();
  const first = openLocalWorld(prepared);
  await makeGarbage(first);
  const whole = makeFolder();
  cpSync(prepared, whole, { recursive: true });
  await collect(openLocalWorld(whole), 4);
  await collect(openLocalWorld(whole), 6);
  const expected = filesIn(join(whole, 'cache'));
  const kills = await killEverywhere('gc', prepared, async (world) => {
    await readImage(world.store, 'sdk', '1.0.0-a');
    await collect(world, 4);
    await readImage(world.store, 'sdk', '1.0.0-a');
    await collect(world, 6);
    await collect(world, 8);
    expect(filesIn(world.dir)).toEqual(expected);
    expect((await verify(world)).problems).toEqual([]);
  });
  expect(kills).toBeGreaterThan(5);
}, 300_000);

test('a repair that is killed at any operation loses nothing, and the next one completes it', async () => {
  const prepared = makeFolder();
  const first = openLocalWorld(prepared);
  await publish(first, '1.0.0-a', 'base', 'one');
  await publish(first, '1.0.0-b', 'two');
  const files = filesIn(first.dir);
  const [pack = ''] = files.filter((path) => path.endsWith('.pack'));
  const bytes = readFileSync(join(first.dir, pack));
  bytes[100] = (bytes[100] as number) ^ 1;
  writeFileSync(join(first.dir, pack), bytes);
  for (const path of files.filter((one) => /\/heads\/|\.idx$/.test(one))) rmSync(join(first.dir, path));
  mkdirSync(join(first.dir, 'dedup/v1/trash'), { recursive: true });
  const { lost } = await repairCache(first.tools, { dryRun: true });
  const [hit, fine] = lost[0]?.affects.includes('sdk:1.0.0-a') ? ['1.0.0-a', '1.0.0-b'] : ['1.0.0-b', '1.0.0-a'];
  const kills = await killEverywhere('repair', prepared, async (world) => {
    await readImage(world.store, 'sdk', fine as string);
    await repairCache(world.tools, { dryRun: false });
    await publish(world, '1.0.0-c', 'base', 'one', 'two');
    await readImage(world.store, 'sdk', '1.0.0-c');
    expect(
      (await verify(world)).problems.flatMap(({ affects }) => affects).filter((one) => one !== `sdk:${hit}`),
    ).toEqual([]);
  });
  expect(kills).toBeGreaterThan(4);
}, 300_000);
