import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createStore } from '../../../lib/cache/index.ts';
import { createChunkStore, type DedupParts, type FetchedBytes } from '../../../lib/dedup/index.ts';
import { createRunner } from '../../../lib/process/index.ts';
import { fastNoise, layerOf, makeTar, type TestFile, type TestImage } from '../../helpers/dedup-images.ts';
import { collectWarnings, fetchImage, publishImage } from '../../helpers/dedup-world.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { listTree } from '../../helpers/temp-files.ts';

/** What a reader that has nothing fetches stays near what is in the image, however many nights its contents come from. */

const PATIENT_MS = 60_000;
const KIB = 1024;
const makeFolder = useTempFolders();
const spool = makeFolder('spool');

const openStore = (): DedupParts & { readonly dir: string } => {
  const dir = join(makeFolder('cache'), 'cache');
  const runner = createRunner({ cwd: '/', env: {} });
  return { store: createStore({ user: '', pathPrefix: '/', dir }, { runner }), log: collectWarnings().log, dir };
};

const imageOf = (version: number, files: readonly TestFile[], mtimeSeconds?: number): TestImage => ({
  name: 'sdk',
  version: `${version}`,
  layers: [layerOf(makeTar(files, mtimeSeconds))],
});

const downloadOf = ({ blockBytes, gapBytes, againBytes }: FetchedBytes): number => blockBytes + gapBytes + againBytes;

const packsIn = (dir: string): string[] =>
  listTree(join(dir, 'dedup/v1/packs')).filter((name) => name.endsWith('.pack'));

/** A tree of small files with contents of their own. */
const makeTree = (count: number, sizeBytes: number, line = ''): TestFile[] =>
  Array.from({ length: count }, (_, at) => ({
    name: `usr/lib/${at}`,
    content: fastNoise(sizeBytes, `${line} ${at}`),
  }));

/** One file in ten gets a new content, which nothing in the store is like. */
const replaceSome = (files: readonly TestFile[], night: number, line = ''): TestFile[] =>
  files.map((file, at) =>
    (fastNoise(1, `${line} ${night} picks ${at}`)[0] as number) < 26
      ? { ...file, content: fastNoise(file.content.length, `${line} ${at} of ${night}`) }
      : file,
  );

describe('of an image of which a tenth is another one each night', () => {
  const NIGHTS = 30;
  const COUNT = 150;
  const fileBytes = COUNT * 8 * KIB;

  /** All nights, each published by a machine of its own choice. */
  const publishNights = async (partsOf: (night: number) => DedupParts) => {
    const sum = { newBytes: 0, rewrittenBytes: 0 };
    let files = makeTree(COUNT, 8 * KIB);
    for (let night = 1; night <= NIGHTS; night += 1) {
      if (night > 1) files = replaceSome(files, night);
      const bytes = await publishImage(partsOf(night), imageOf(night, files), spool);
      sum.newBytes += bytes.newBytes;
      sum.rewrittenBytes += bytes.rewrittenBytes;
    }
    return { files, sum };
  };

  const expectLittle = async (parts: DedupParts, files: readonly TestFile[]): Promise<void> => {
    const fetched = await fetchImage(parts, imageOf(NIGHTS, files), spool);
    expect(downloadOf(fetched)).toBeLessThan(1.7 * fileBytes);
    expect(fetched.requests).toBeLessThan(25);
  };

  test(
    'a reader fetches little more than what is in it, and all that was stored again is less than what was new',
    async () => {
      const parts = openStore();
      const { files, sum } = await publishNights(() => parts);
      await expectLittle(parts, files);
      expect(sum.rewrittenBytes).toBeGreaterThan(0);
      expect(sum.rewrittenBytes).toBeLessThan(sum.newBytes / 2);

      // Only times are others: nothing is stored.
      const packs = packsIn(parts.dir);
      const touched = imageOf(NIGHTS + 1, files, 1_700_086_400);
      const still = await publishImage(parts, touched, spool);
      expect(still).toMatchObject({ newBytes: 0, rewrittenBytes: 0, packBytes: 0 });
      expect(packsIn(parts.dir)).toEqual(packs);

      // What was stored again is found where it is now, and not stored once more.
      const [first, ...others] = files as [TestFile, ...TestFile[]];
      const next = imageOf(NIGHTS + 2, [{ ...first, content: fastNoise(8 * KIB, 'the only new one') }, ...others]);
      const bytes = await publishImage(parts, next, spool);
      expect(bytes).toMatchObject({ newBytes: 8 * KIB, rewrittenBytes: 0 });
      await fetchImage(parts, touched, spool);
      await fetchImage(parts, next, spool);
    },
    PATIENT_MS,
  );

  test(
    'so it is when each night is published by a machine that has nothing of the store',
    async () => {
      const parts = openStore();
      const { files } = await publishNights(() => ({
        ...parts,
        chunkStore: createChunkStore({ dir: makeFolder('chunks'), limitBytes: 1024 ** 3 }),
      }));
      await expectLittle(parts, files);
    },
    PATIENT_MS,
  );
});

test('a block is no base any more when the image has little else to do with it', async () => {
  const parts = openStore();
  const program = fastNoise(600 * KIB, 'program');
  const build = (night: number): TestFile => {
    const content = Buffer.from(program);
    for (let at = night; at < content.length; at += 4 * KIB) content[at] = night;
    return { name: 'usr/bin/program', content };
  };
  let libraries = makeTree(40, 64 * KIB);
  const first = await publishImage(parts, imageOf(1, [build(1), ...libraries]), spool);
  for (let night = 2; night <= 6; night += 1) {
    const built = await publishImage(parts, imageOf(night * 10, [build(night), ...libraries]), spool);
    // Otherwise there is nothing here that the test is about.
    if (night === 2) expect(built.packBytes).toBeLessThan(100 * KIB);
    libraries = libraries.map((file, at) =>
      at % 5 === night % 5 ? { ...file, content: fastNoise(64 * KIB, `${at} of ${night}`) } : file,
    );
    await publishImage(parts, imageOf(night * 10 + 1, [build(night), ...libraries]), spool);
  }
  // The first night's block has nothing but the program, and that in another form.
  await publishImage(parts, imageOf(70, [build(7), ...libraries]), spool);
  const last = imageOf(80, [build(8), ...libraries]);
  const bytes = await publishImage(parts, last, spool);
  expect(bytes.packBytes).toBeLessThan(100 * KIB);
  expect(downloadOf(await fetchImage(parts, last, spool))).toBeLessThan(1.3 * first.packBytes);
});

test('lines of one name that take turns find each its own places, and store nothing again and again', async () => {
  const parts = openStore();
  const common = makeTree(20, 16 * KIB, 'common');
  const lines = ['a', 'b'].map((line) => ({ line, files: makeTree(60, 16 * KIB, line) }));
  const rewritten: number[] = [];
  for (let night = 1; night <= 5; night += 1) {
    for (const [at, { line, files }] of lines.entries()) {
      const changed = { name: 'etc/night', content: fastNoise(16 * KIB, `${line} ${night}`) };
      const image = imageOf(night * 2 + at, [...common, ...files, changed]);
      rewritten.push((await publishImage(parts, image, spool)).rewrittenBytes);
    }
  }
  // The second line has no use for most of the block in which the first one has the common files.
  expect(rewritten).toEqual([0, 20 * 16 * KIB, 0, 0, 0, 0, 0, 0, 0, 0]);
});
