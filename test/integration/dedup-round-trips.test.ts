import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createStore } from '../../lib/cache/index.ts';
import { createChunkStore, type DedupParts } from '../../lib/dedup/index.ts';
import { silentLog } from '../../lib/log/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import {
  changeFile,
  fastNoise,
  layerOf,
  makeFiles,
  makeTar,
  type TestFile,
  type TestImage,
} from '../helpers/dedup-images.ts';
import { useCacheServers } from '../helpers/dedup-servers.ts';
import { collectWarnings, fetchImage, publishImage } from '../helpers/dedup-world.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { listTree } from '../helpers/temp-files.ts';

// Tens of megabytes, on machines that may be busy.
jest.setTimeout(120_000);

const makeFolder = useTempFolders();
const servers = useCacheServers(makeFolder);
const spool = makeFolder('spool');
const runner = createRunner({ cwd: '/', env: {} });

const MIB = 1024 * 1024;
const FILES = makeFiles(50);
const BASE = layerOf(makeTar(FILES));
const TOOLS = layerOf(makeTar(makeFiles(10, 'tools')));

const image = (version: string, layers = [BASE, TOOLS], name = 'sdk'): TestImage => ({ name, version, layers });
const layerWith = (...files: TestFile[]) => layerOf(makeTar(files));

const localParts = (dir = makeFolder('cache'), more: Partial<DedupParts> = {}): DedupParts & { dir: string } => ({
  store: createStore({ user: '', pathPrefix: '/', dir }, { runner }),
  log: silentLog,
  dir,
  ...more,
});

const packsOf = (dir: string): string[] =>
  listTree(join(dir, 'dedup/v1/packs')).filter((name) => name.endsWith('.pack'));

const bytesIn = (folder: string): number =>
  listTree(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

describe('on a local store', () => {
  let parts: ReturnType<typeof localParts>;

  beforeEach(() => {
    parts = localParts();
  });

  test('a first publication comes back bit by bit, and leaves nothing in the spool folder', async () => {
    const bytes = await publishImage(parts, image('1'), spool);
    expect(bytes).toMatchObject({ duplicateBytes: 0, resumedBytes: 0 });
    expect(bytes.packBytes).toBeLessThan(0.85 * bytes.layerBytes);
    const fetched = await fetchImage(parts, image('1'), spool);
    expect(fetched.layerBytes).toBe(bytes.layerBytes);
    expect(listTree(spool)).toEqual([]);
  });

  test('what is published already is not even read again, and nothing is sent but the hint of the newest image', async () => {
    await publishImage(parts, image('1'), spool);
    const stored = bytesIn(join(parts.dir, 'dedup'));
    const again = await publishImage(parts, image('1'), spool);
    expect(again).toMatchObject({ layerBytes: 0, newBytes: 0, packBytes: 0, resumedBytes: 0 });
    expect(again.indexBytes).toBeLessThan(1000);
    const next = await publishImage(parts, image('2'), spool);
    expect(next).toMatchObject({ layerBytes: 0, packBytes: 0 });
    expect(bytesIn(join(parts.dir, 'dedup')) - stored).toBeLessThan(1000);
    await fetchImage(parts, image('2'), spool);
  });

  test('a layer of which only the times changed makes no pack and less than 20 kB of index', async () => {
    await publishImage(parts, image('1'), spool);
    const packs = packsOf(parts.dir);
    const touched = image('2', [layerOf(makeTar(FILES, 1_700_086_400)), TOOLS]);
    const bytes = await publishImage(parts, touched, spool);
    expect(bytes).toMatchObject({ newBytes: 0, packBytes: 0 });
    expect(bytes.indexBytes).toBeLessThan(20_000);
    expect(packsOf(parts.dir)).toEqual(packs);
    await fetchImage(parts, touched, spool);
    await fetchImage(parts, image('1'), spool);
  });

  test('of a changed file only the chunks around the change are new', async () => {
    const large = { name: 'usr/bin/large', content: fastNoise(8 * MIB, 'large') };
    const before = image('1', [layerWith(...FILES, large)]);
    const after = image('2', [layerWith(...changeFile([...FILES, large], FILES.length))]);
    await publishImage(parts, before, spool);
    const bytes = await publishImage(parts, after, spool);
    expect(bytes.newBytes).toBeGreaterThan(0);
    expect(bytes.newBytes).toBeLessThan(3 * 256 * 1024);
    expect(bytes.packBytes).toBeLessThanOrEqual(bytes.newBytes + 4096);
    await fetchImage(parts, after, spool);
    await fetchImage(parts, before, spool);
  });

  test('a file that was rebuilt is stored as a difference to its older form, night after night', async () => {
    const content = fastNoise(8 * MIB, 'rebuilt');
    const night = (version: string, seed: number): TestImage => {
      const rebuilt = Buffer.from(content);
      for (let at = seed; at < rebuilt.length; at += 4096) rebuilt[at] = (rebuilt[at] ?? 0) ^ seed;
      return image(version, [layerWith(...FILES, { name: 'usr/bin/rebuilt', content: rebuilt }, ...makeFiles(3, 'z'))]);
    };
    const nights = [night('1', 0), night('2', 7), night('3', 9), night('4', 11)];
    for (const [at, one] of nights.entries()) {
      const bytes = await publishImage(parts, one, spool);
      if (at === 0) continue;
      expect(bytes.newBytes).toBeGreaterThan(7 * MIB);
      expect(bytes.packBytes).toBeLessThan(bytes.newBytes / 100);
    }
    for (const one of nights) await fetchImage(parts, one, spool);
  });

  test('of two layers the one that the store has is left out', async () => {
    await publishImage(parts, image('1', [BASE]), spool);
    const bytes = await publishImage(parts, image('2', [BASE, TOOLS]), spool);
    const own = await publishImage(localParts(), image('2', [TOOLS]), spool);
    expect(bytes.layerBytes).toBe(own.layerBytes);
    await fetchImage(parts, image('2'), spool);
  });

  test('contents that an image of another name has are found', async () => {
    await publishImage(parts, image('1', [BASE]), spool);
    const other = image('1', [layerWith(...makeFiles(10, 'own'), ...FILES)], 'packages');
    const bytes = await publishImage(parts, other, spool);
    expect(bytes.duplicateBytes).toBe(FILES.reduce((sum, { content }) => sum + content.length, 0));
    await fetchImage(parts, other, spool);
  });

  test('an empty layer, an empty tar, one that is no tar and one that comes twice come back', async () => {
    const odd = image('1', [
      layerOf(Buffer.alloc(0)),
      layerWith(),
      layerOf(fastNoise(300_000, 'no tar')),
      layerWith({ name: 'empty', content: Buffer.alloc(0) }),
      layerOf(fastNoise(300_000, 'no tar')),
    ]);
    await publishImage(parts, odd, spool);
    await fetchImage(parts, odd, spool);
  });

  test('one large file that does not compress goes into several packs of about 64 MiB', async () => {
    const large = image('1', [layerWith({ name: 'disk', content: fastNoise(140 * MIB, 'disk') })]);
    const bytes = await publishImage(parts, large, spool);
    const sizes = packsOf(parts.dir).map((name) => statSync(join(parts.dir, 'dedup/v1/packs', name)).size);
    expect(sizes).toHaveLength(3);
    expect(Math.max(...sizes)).toBeLessThan(70 * MIB);
    expect(bytes.packBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
    await fetchImage(parts, large, spool);
  });

  test('thousands of tiny files come back, and a second night of them costs little', async () => {
    const tiny = Array.from({ length: 8000 }, (_, at) => ({
      name: `etc/${at}`,
      content: Buffer.from(`setting ${at} is ${at * at}\n`),
    }));
    await publishImage(parts, image('1', [layerWith(...tiny)]), spool);
    const next = image('2', [layerOf(makeTar(changeFile(tiny, 4000), 1_700_100_000))]);
    const bytes = await publishImage(parts, next, spool);
    expect(bytes.newBytes).toBeLessThan(100);
    expect(bytes.indexBytes).toBeLessThan(20_000);
    await fetchImage(parts, next, spool);
  });

  test('chains of recipes stay short over many nights, and every night comes back', async () => {
    const nights = Array.from({ length: 20 }, (_, night) =>
      image(`n${night}`, [layerOf(makeTar(changeFile(FILES.slice(0, 10), night % 10), 1_700_000_000 + night))]),
    );
    for (const night of nights) await publishImage(parts, night, spool);
    const chains = listTree(join(parts.dir, 'dedup/v1/layers')).map((name) => {
      const pointer = readFileSync(join(parts.dir, 'dedup/v1/layers', name), 'utf8');
      return (JSON.parse(pointer) as { recipes: string[] }).recipes.length;
    });
    expect(Math.max(...chains)).toBe(8);
    for (const night of nights) await fetchImage(parts, night, spool);
  });
});

describe('on a server, with a chunk store on the worker', () => {
  // Published once; the tests publish more of their own, under names of their own.
  beforeAll(() => publishImage(worker(), image('1'), spool));

  const worker = (dir = makeFolder('chunks'), limitBytes = 1024 * MIB) => {
    const { log, warnings } = collectWarnings();
    const chunkStore = createChunkStore({ dir, limitBytes, log });
    return { store: servers.open(), chunkStore, log, warnings, dir };
  };

  const fetchCounting = async (parts: DedupParts, wanted: TestImage) => {
    const before = servers.https().requests.length;
    const bytes = await fetchImage(parts, wanted, spool);
    const paths = servers
      .https()
      .requests.slice(before)
      .map(({ path }) => path);
    return { bytes, packs: paths.filter((path) => path.endsWith('.pack')), paths };
  };

  test('a second fetch downloads nothing but the manifest', async () => {
    const reader = worker();
    const first = await fetchCounting(reader, image('1'));
    expect(first.packs.length).toBeGreaterThan(0);
    expect(first.bytes).toMatchObject({ againBytes: 0, gapBytes: 0 });
    const second = await fetchCounting(reader, image('1'));
    expect(second.paths.filter((path) => path.includes('/dedup/'))).toEqual([]);
    expect(second.bytes).toMatchObject({ blockBytes: 0, indexBytes: 0, requests: 0 });
    expect(second.bytes.localBytes).toBeGreaterThanOrEqual(first.bytes.blockBytes);
    expect(reader.warnings).toEqual([]);
  });

  test('a layer whose contents are scattered over the packs, so that many requests wait for each other, comes back', async () => {
    const files = Array.from({ length: 12 }, (_, at) => ({
      name: `scattered-${at}`,
      content: fastNoise(4 * MIB, `scattered ${at}`),
    }));
    const backwards = image('2', [layerWith(...files.toReversed())], 'scattered');
    await publishImage(worker(), image('1', [layerWith(...files)], 'scattered'), spool);
    expect(await publishImage(worker(), backwards, spool)).toMatchObject({ newBytes: 0 });
    const { bytes } = await fetchCounting(worker(), backwards);
    expect(bytes.requests).toBeGreaterThan(8);
  });

  test('who published an image has all of it', async () => {
    const publisher = worker();
    const own = image('1', [layerWith(...makeFiles(10, 'published'))], 'published');
    await publishImage(publisher, own, spool);
    const { bytes, packs } = await fetchCounting(publisher, own);
    expect(packs).toEqual([]);
    expect(bytes).toMatchObject({ blockBytes: 0, indexBytes: 0 });
  });

  test('after a changed night a worker downloads the new blocks only, in a few requests', async () => {
    const reader = worker();
    await fetchImage(reader, image('1'), spool);
    const night = image('2', [layerOf(makeTar(changeFile(changeFile(FILES, 10), 40), 1_700_086_400)), TOOLS]);
    const published = await publishImage(worker(), night, spool);
    const { bytes, packs } = await fetchCounting(reader, night);
    expect(bytes.blockBytes + bytes.gapBytes).toBeLessThanOrEqual(published.packBytes);
    expect(packs).toHaveLength(1);
    expect(bytes.requests).toBeLessThanOrEqual(4);
  });

  const damage = (file: string): void => {
    const bytes = readFileSync(file);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] as number) ^ 1;
    writeFileSync(file, bytes);
  };

  test('a damaged block of the worker is noticed and fetched again, and then it is whole', async () => {
    const reader = worker();
    await fetchImage(reader, image('1'), spool);
    const block = listTree(reader.dir).find((name) => name.endsWith('.block')) as string;
    damage(join(reader.dir, block));
    const { bytes } = await fetchCounting(reader, image('1'));
    expect(bytes.againBytes).toBeGreaterThan(0);
    expect(bytes.againBytes).toBeLessThan(5 * MIB);
    expect(reader.warnings).toEqual([expect.stringContaining('damaged')]);
    expect((await fetchCounting(reader, image('1'))).packs).toEqual([]);
  });

  test('a damaged pack of a worker that published it is noticed and fetched again', async () => {
    const publisher = worker();
    const own = image('1', [layerWith(...makeFiles(10, 'damaged'))], 'damaged');
    await publishImage(publisher, own, spool);
    const pack = listTree(publisher.dir).find((name) => name.endsWith('.pack')) as string;
    damage(join(publisher.dir, pack));
    // What was read from the pack before the damage was found is fetched in the second round.
    for (const _ of [1, 2]) await fetchImage(publisher, own, spool);
    expect((await fetchCounting(publisher, own)).packs).toEqual([]);
  });

  test('a damaged or cut recipe of the worker is fetched again', async () => {
    const reader = worker();
    await fetchImage(reader, image('1'), spool);
    const [first, second] = listTree(reader.dir).filter((name) => name.endsWith('.recipe'));
    damage(join(reader.dir, first as string));
    writeFileSync(join(reader.dir, second as string), '');
    const { paths } = await fetchCounting(reader, image('1'));
    expect(paths.filter((path) => path.endsWith('.recipe'))).toHaveLength(2);
    expect((await fetchCounting(reader, image('1'))).bytes.requests).toBe(0);
  });

  test('a damaged index of the worker is fetched again, so that nothing known is sent twice', async () => {
    const publisher = worker();
    const files = makeFiles(10, 'indexed');
    const night = (at: number) => image(`${at}`, [layerOf(makeTar(files, 1_700_000_000 + at))], 'indexed');
    await publishImage(publisher, night(1), spool);
    const damaged = listTree(publisher.dir).filter((name) => name.endsWith('.idx'));
    for (const name of damaged) damage(join(publisher.dir, name));
    const bytes = await publishImage(publisher, night(2), spool);
    expect(bytes).toMatchObject({ newBytes: 0, packBytes: 0 });
    const after = await publishImage(publisher, night(3), spool);
    expect(after).toMatchObject({ newBytes: 0, packBytes: 0 });
    expect(publisher.warnings.filter((text) => text.includes('kept it so'))).toHaveLength(damaged.length);
  });

  test('the limit is kept, and what was used least recently goes first', async () => {
    const limitBytes = 12 * MIB;
    const old = image('1', [layerWith({ name: 'old', content: fastNoise(5 * MIB, 'old') })], 'old');
    const used = image('2', [layerWith({ name: 'used', content: fastNoise(5 * MIB, 'used') })], 'other');
    const fresh = image('3', [layerWith({ name: 'fresh', content: fastNoise(5 * MIB, 'fresh') })], 'third');
    for (const one of [old, used, fresh]) await publishImage(worker(), one, spool);
    const reader = worker(undefined, limitBytes);
    for (const one of [old, used]) await fetchImage(reader, one, spool);
    for (const name of listTree(reader.dir)) utimesSync(join(reader.dir, name), 1000, 1000);
    // Another process: this one wrote the times of use a moment ago, and would not write them again so soon.
    const later = worker(reader.dir, limitBytes);
    await fetchImage(later, used, spool);
    await fetchImage(later, fresh, spool);
    expect(bytesIn(reader.dir)).toBeLessThanOrEqual(limitBytes);
    expect((await fetchCounting(later, used)).packs).toEqual([]);
    expect((await fetchCounting(later, old)).packs.length).toBeGreaterThan(0);
  });

  test('a fetch that is larger than the limit does not fill the disk before it ends', async () => {
    const large = image('1', [layerWith({ name: 'disk', content: fastNoise(40 * MIB, 'disk') })], 'disk');
    await publishImage(worker(), large, spool);
    const reader = worker(undefined, 10 * MIB);
    let most = 0;
    const { keepBlock } = reader.chunkStore;
    const chunkStore = {
      ...reader.chunkStore,
      keepBlock: async (...args: Parameters<typeof keepBlock>) => {
        const kept = await keepBlock(...args);
        most = Math.max(most, bytesIn(reader.dir));
        return kept;
      },
    };
    await fetchImage({ ...reader, chunkStore }, large, spool);
    expect(most).toBeLessThan(24 * MIB);
    expect(bytesIn(reader.dir)).toBeLessThanOrEqual(10 * MIB);
  });

  test('a chunk store that is deleted while it is in use costs requests and nothing else', async () => {
    const large = image(
      '1',
      [layerWith({ name: 'disk', content: fastNoise(40 * MIB, 'disk') }), BASE],
      'disk-and-base',
    );
    await publishImage(worker(), large, spool);
    const reader = worker();
    await fetchImage(reader, large, spool);
    const { readBlock } = reader.chunkStore;
    let reads = 0;
    const chunkStore = {
      ...reader.chunkStore,
      readBlock: (...args: Parameters<typeof readBlock>) => {
        reads += 1;
        if (reads % 4 === 2) rmSync(reader.dir, { recursive: true, force: true });
        return readBlock(...args);
      },
    };
    await fetchImage({ ...reader, chunkStore }, large, spool);
    expect(reads).toBeGreaterThan(4);
    await fetchImage(reader, large, spool);
    expect(readdirSync(reader.dir)).toContain('blocks');
  });

  test('a chunk store that cannot be written to is said once, and neither a fetch nor a publication fails for it', async () => {
    const dir = join(makeFolder('no-folder'), 'file');
    writeFileSync(dir, 'a file where a folder is expected');
    const publisher = worker(dir);
    await publishImage(publisher, image('1'), spool);
    const reader = worker(dir);
    const { bytes } = await fetchCounting(reader, image('1'));
    expect(bytes.blockBytes).toBeGreaterThan(0);
    expect(publisher.warnings.filter((text) => text.includes(dir))).toHaveLength(1);
    expect(reader.warnings.filter((text) => text.includes(dir))).toHaveLength(1);
  });
});

test('a local cache is copied to a server by rsync, and back', async () => {
  const here = localParts();
  await publishImage(here, image('1'), spool);
  const prefix = join(servers.root(), 'copied');
  execFileSync('rsync', ['-a', `${here.dir}/`, `${prefix}/`]);
  const there = { store: servers.open({ pathPrefix: prefix }), log: silentLog };
  await fetchImage(there, image('1'), spool);
  const changed = image('2', [layerOf(makeTar(changeFile(FILES, 3))), TOOLS]);
  const bytes = await publishImage(there, changed, spool);
  expect(bytes.newBytes).toBeLessThan(bytes.layerBytes / 10);
  const back = localParts();
  execFileSync('rsync', ['-a', `${prefix}/`, `${back.dir}/`]);
  for (const one of [image('1'), changed]) await fetchImage(back, one, spool);
});
