import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createArtifactCache } from '../../lib/cache/index.ts';
import { repairCache } from '../../lib/cache-tools/repair.ts';
import { listVersions, measureUsage } from '../../lib/cache-tools/usage.ts';
import { type VerifyRequest, verifyCache } from '../../lib/cache-tools/verify.ts';
import { filesIn, type LocalWorld, openLocalWorld, readImage } from '../helpers/cache-tools-world.ts';
import { makeLayer, noise, publishSynthetic } from '../helpers/synthetic-image.ts';
import { useTempFolders } from '../helpers/temp.ts';

// Threads are started, on machines that may be busy.
jest.setTimeout(60_000);

const makeFolder = useTempFolders();

let world: LocalWorld;
beforeEach(async () => {
  world = openLocalWorld(makeFolder());
  await publish('1.0.0-a', 'base', 'one');
  await publish('1.0.0-b', 'base', 'two');
  const file = join(world.tools.temp, 'disk.bin');
  writeFileSync(file, noise('disk', 300_000));
  await createArtifactCache({ store: world.store }).publish({ folder: 'images/amd64/1.0.0+a', files: [file] });
});

const layerOf = (seed: string): Buffer => makeLayer({ [`${seed}.bin`]: noise(seed, 150_000) });
const publish = (version: string, ...seeds: readonly string[]) =>
  publishSynthetic(world.store, join(world.tools.temp, 'p'), { name: 'sdk', version, layers: seeds.map(layerOf) });
const verify = (more: Partial<VerifyRequest> = {}) =>
  verifyCache(world.tools, { fromStart: false, deep: false, ...more });
const find = (pattern: RegExp): string[] => filesIn(world.dir).filter((path) => pattern.test(path));

/** Changes one byte in the middle, and neither size nor time, as a bad disk does. */
const corrupt = (path: string): void => {
  const file = join(world.dir, path);
  const { atime, mtime } = statSync(file);
  const bytes = readFileSync(file);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] as number) ^ 0x01;
  writeFileSync(file, bytes);
  utimesSync(file, atime, mtime);
};

const KINDS: readonly (readonly [string, RegExp, RegExp, readonly string[]])[] = [
  ['a pack', /\.pack$/, /damaged/, ['sdk:1.0.0-a', 'sdk:1.0.0-b']],
  ['an index', /\.idx$/, /damaged|wrong/, []],
  ['a recipe', /\.recipe$/, /damaged/, ['sdk:1.0.0-a', 'sdk:1.0.0-b']],
  ['a manifest', /1\.0\.0-a\.image\.json$/, /damaged/, ['1.0.0-a', 'sdk-1.0.0-a']],
  ['the digests of a manifest', /1\.0\.0-a\.image\.json\.DIGESTS$/, /damaged/, ['1.0.0-a', 'sdk-1.0.0-a']],
  ['an artifact', /disk\.bin$/, /damaged/, ['1.0.0-a']],
  ['an .id', /1\.0\.0-a\.id$/, /damaged/, ['1.0.0-a']],
];

describe('verify', () => {
  test('a cache in order has no problem, and every file is looked at', async () => {
    const report = await verify({ deep: true });
    expect(report).toMatchObject({ problems: [], unproven: [], layers: 3 });
    expect(report.bytes).toBeGreaterThan(700_000);
  });

  test.each(KINDS)(
    'one wrong byte in %s is found and named, with what is lost',
    async (_what, pattern, problem, affects) => {
      const [path = ''] = find(pattern);
      corrupt(path);
      const { problems } = await verify();
      const named = problems.map((one) => one.path);
      expect(named.some((one) => path === one || path === `${one}.DIGESTS`)).toBe(true);
      expect(problems.some((one) => problem.test(one.problem))).toBe(true);
      const affected = problems.flatMap((one) => one.affects);
      if (affects.length > 0) expect(affected.some((one) => affects.includes(one))).toBe(true);
    },
  );

  test.each(KINDS.filter(([what]) => !what.startsWith('the digests')))(
    'a missing file is named: %s',
    async (_what, pattern) => {
      const [path = ''] = find(pattern);
      rmSync(join(world.dir, path));
      // Without its manifest an image is not there at all, and its digests tell.
      expect((await verify()).problems.map((one) => one.path)).toContain(path);
    },
  );

  test('a pack that was cut off or grew is found', async () => {
    const [path = ''] = find(/\.pack$/);
    const file = join(world.dir, path);
    appendFileSync(file, 'x');
    expect((await verify()).problems.map((one) => one.path)).toEqual([path]);
    truncateSync(file, 100);
    expect((await verify()).problems.map((one) => one.path)).toContain(path);
  });

  test('only what a version needs is read when one is named, in either form', async () => {
    corrupt(find(/1\.0\.0-b\.id$/)[0] as string);
    expect((await verify({ version: '1.0.0+a' })).problems).toEqual([]);
    expect((await verify({ version: '1.0.0-b' })).problems).toHaveLength(1);
    await expect(verify({ version: '9.9.9' })).rejects.toMatchObject({ code: 'CACHE_NO_SUCH_VERSION' });
  });

  test('an interrupted run is gone on with, and a complete one begins anew', async () => {
    const journalFile = join(world.tools.temp, 'state/journal.jsonl');
    const controller = new AbortController();
    let reads = 0;
    const log = {
      ...world.tools.log,
      progress: () => ({
        advance: () => {
          reads += 1;
          if (reads === 4) controller.abort(new Error('stop'));
        },
        finish: () => {},
      }),
    };
    await expect(
      verifyCache({ ...world.tools, log, signal: controller.signal }, { journalFile, fromStart: false, deep: false }),
    ).rejects.toThrow('stop');
    const first = await verify({ journalFile });
    expect(first.resumed).toBeGreaterThan(0);
    expect(first.problems).toEqual([]);
    expect((await verify({ journalFile })).resumed).toBe(0);
  });

  test('what changed after it was verified is read again', async () => {
    const journalFile = join(world.tools.temp, 'journal.jsonl');
    const [path = ''] = find(/disk\.bin$/);
    const { size, mtimeMs } = statSync(join(world.dir, path));
    writeFileSync(journalFile, `${JSON.stringify([path, size, mtimeMs + 5])}\n`);
    corrupt(path);
    expect((await verify({ journalFile })).problems.map((one) => one.path)).toEqual([path]);
  });

  test('artifacts without digests are named, and are no problem', async () => {
    mkdirSync(join(world.dir, 'boards/amd64-usr'), { recursive: true });
    writeFileSync(join(world.dir, 'boards/amd64-usr/x.deb'), 'x');
    expect(await verify()).toMatchObject({ problems: [], unproven: ['boards/amd64-usr/x.deb'] });
  });
});

describe('repair', () => {
  test('a cache in order is not changed', async () => {
    const before = filesIn(world.dir);
    expect(await repairCache(world.tools, { dryRun: false })).toEqual({
      dryRun: false,
      indexes: [],
      removedPointers: [],
      writtenPointers: [],
      heads: [],
      restored: [],
      lost: [],
    });
    expect(filesIn(world.dir)).toEqual(before);
  });

  test('what is derived is rebuilt, byte for byte, and a dry run says the same', async () => {
    const derived = find(/\.idx$|\/layers\/|\/heads\//);
    const bytes = new Map(derived.map((path) => [path, readFileSync(join(world.dir, path), 'utf8')]));
    const [first = ''] = find(/\.idx$/);
    for (const path of derived) if (path !== first) rmSync(join(world.dir, path));
    corrupt(first);
    const dry = await repairCache(world.tools, { dryRun: true });
    expect(find(/\.idx$/)).toEqual([first]);
    expect({ ...(await repairCache(world.tools, { dryRun: false })), dryRun: true }).toEqual(dry);
    for (const path of derived.filter((one) => !one.includes('/heads/'))) {
      expect(readFileSync(join(world.dir, path), 'utf8')).toBe(bytes.get(path));
    }
    expect(JSON.parse(readFileSync(join(world.dir, 'dedup/v1/heads/sdk.json'), 'utf8'))).toMatchObject({
      slipwayHeads: 1,
    });
    expect((await verify()).problems).toEqual([]);
  });

  test('a damaged pack is put aside and named, and publishing again makes its image whole', async () => {
    const [path = ''] = find(/\.pack$/);
    corrupt(path);
    const { lost, removedPointers } = await repairCache(world.tools, { dryRun: false });
    expect(lost).toEqual([{ path, problem: expect.stringContaining('damaged'), affects: expect.anything() }]);
    expect(removedPointers.length).toBeGreaterThan(0);
    expect(find(/trash\/damaged-/)).toHaveLength(1);
    const hit = ['a', 'b'].filter((one) => lost[0]?.affects.includes(`sdk:1.0.0-${one}`));
    for (const one of hit) await expect(readImage(world.store, 'sdk', `1.0.0-${one}`)).rejects.toThrow();
    await publish('1.0.0-c', 'base', 'one', 'two');
    await readImage(world.store, 'sdk', '1.0.0-c');
  });

  test('what an image needs and a killed collection left in the trash comes back', async () => {
    const [path = ''] = find(/\.pack$/);
    const trashed = path.replace('packs', 'trash');
    mkdirSync(dirname(join(world.dir, trashed)), { recursive: true });
    await world.store.rename(path, trashed);
    expect((await repairCache(world.tools, { dryRun: false })).restored).toEqual([path]);
    expect((await verify()).problems).toEqual([]);
  });
});

describe('usage', () => {
  test('what versions share is counted once, and what each has alone is told', async () => {
    const { versions, total, faults } = await measureUsage(world.tools);
    expect(faults).toEqual([]);
    for (const one of versions) {
      expect(one.uniqueBytes + one.sharedBytes).toBe(one.aloneBytes);
      expect(one.layerBytes).toBe(2 * layerOf('one').length);
      // The contents of the first image are in one block, which the second one needs a part of.
      expect(one.uniqueBytes > 0).toBe(one.version === '1.0.0-b');
    }
    expect(total.unneededBytes).toBeLessThan(100);
    expect(total.ratio).toBeGreaterThan(1.2);
    expect(total.storedBytes).toBe(
      find(/^dedup\//).reduce((sum, path) => sum + statSync(join(world.dir, path)).size, 0),
    );
  });

  test('versions are listed with what they have, and by folder', async () => {
    const all = await listVersions(world.tools, '');
    expect(all.map(({ version, kinds, images }) => ({ version, kinds, images }))).toEqual(
      expect.arrayContaining([
        { version: '1.0.0-a', kinds: ['containers', 'images/amd64'], images: ['sdk:1.0.0-a'] },
        { version: '1.0.0-b', kinds: ['containers'], images: ['sdk:1.0.0-b'] },
      ]),
    );
    expect((await listVersions(world.tools, 'images')).map(({ version }) => version)).toEqual(['1.0.0-a']);
  });
});
