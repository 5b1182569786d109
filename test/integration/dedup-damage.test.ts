import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createStore } from '../../lib/cache/index.ts';
import {
  type DedupParts,
  type ImageManifest,
  noFetchedBytes,
  parseManifest,
  readLayer,
} from '../../lib/dedup/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { changeFile, layerOf, makeFiles, makeTar, type TestImage } from '../helpers/dedup-images.ts';
import { collectWarnings, fetchImage, fetchManifest, manifestPathOf, publishImage } from '../helpers/dedup-world.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { listTree } from '../helpers/temp-files.ts';

// A cache is copied and read for each kind of damage, on machines that may be busy.
jest.setTimeout(60_000);

const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: {} });
const spool = makeFolder('spool');
const pristine = makeFolder('pristine');

const FILES = makeFiles(12);
const FIRST: TestImage = {
  name: 'sdk',
  version: '1',
  layers: [layerOf(makeTar(FILES)), layerOf(makeTar(makeFiles(4, 'b')))],
};
// Its recipe is a difference to the first one's.
const NEXT: TestImage = { name: 'sdk', version: '2', layers: [layerOf(makeTar(changeFile(FILES, 2), 1_700_090_000))] };
const THIRD: TestImage = { ...NEXT, version: '3', layers: [layerOf(makeTar(changeFile(FILES, 2), 1_700_190_000))] };

let dir = '';
let parts: DedupParts;
let warnings: string[] = [];
let manifests: ImageManifest[] = [];

const open = (folder: string): DedupParts => {
  const collected = collectWarnings();
  warnings = collected.warnings;
  return { store: createStore({ user: '', pathPrefix: '/', dir: folder }, { runner }), log: collected.log };
};

beforeAll(async () => {
  const first = open(pristine);
  await publishImage(first, FIRST, spool);
  await publishImage(first, NEXT, spool);
  manifests = [await fetchManifest(first, FIRST, spool), await fetchManifest(first, NEXT, spool)];
});

beforeEach(() => {
  dir = join(makeFolder('cache'), 'cache');
  cpSync(pristine, dir, { recursive: true });
  parts = open(dir);
});

const fileOf = (path: string): string => join(dir, path);

/** Changes one bit of a file. @param at negative: from the end */
const flip = (path: string, at: number): void => {
  const bytes = readFileSync(fileOf(path));
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] as number) ^ 4;
  writeFileSync(fileOf(path), bytes);
};

const swap = (one: string, other: string): void => {
  renameSync(fileOf(one), fileOf('aside'));
  renameSync(fileOf(other), fileOf(one));
  renameSync(fileOf('aside'), fileOf(other));
};

const recipesOf = (image: number): readonly string[] => (manifests[image] as ImageManifest).layers[0]?.recipes ?? [];
const pointerPath = (image: TestImage): string => `dedup/v1/layers/${image.layers[0]?.diffId}.json`;
const packsNow = (): string[] =>
  listTree(fileOf('dedup/v1/packs'))
    .filter((name) => name.endsWith('.pack'))
    .map((name) => `dedup/v1/packs/${name}`);
/** The pack of the first image, which is the larger one. */
const bigPack = (): string =>
  packsNow().sort((a, b) => readFileSync(fileOf(b)).length - readFileSync(fileOf(a)).length)[0] as string;

/** Reads all layers of an image by the manifest that was signed before the damage; what comes out is right, or it is an error. */
const readAll = async (image: TestImage): Promise<(Error & { kind?: string }) | undefined> => {
  const manifest = manifests[image === FIRST ? 0 : 1] as ImageManifest;
  for (const layer of manifest.layers) {
    try {
      for await (const _ of readLayer(parts, layer, noFetchedBytes()));
    } catch (error) {
      return error as Error;
    }
  }
  return undefined;
};

describe('one bit of a pack', () => {
  // The first record: mark and lengths at 8, digest at 28, chunk table at 60; the frame ends with the file.
  test.each([
    ['the length of a frame', 12],
    ['the length of a block', 16],
    ['the number of chunks', 20],
    ['the number of base blocks', 24],
    ['the mark of a record', 8],
    ['the digest of a block', 40],
    ['the table of the chunks', 60],
    ['a frame', 300_000],
    ['the last byte of a frame', -1],
  ])('in %s is noticed, and the pack is named', async (_what, at) => {
    flip(bigPack(), at);
    const error = await readAll(FIRST);
    expect(error).toMatchObject({ kind: 'unverified', message: expect.stringContaining(bigPack()) });
  });

  test('in its mark changes nothing for a reader, who is led to the blocks by recipes; a scrub sees it', async () => {
    flip(bigPack(), 3);
    expect(await readAll(FIRST)).toBeUndefined();
  });

  test('in what the pack of a difference is made from is noticed by those who need it', async () => {
    for (const pack of packsNow()) flip(pack, -1);
    expect(await readAll(NEXT)).toMatchObject({ kind: 'unverified', message: expect.stringContaining('packs/') });
  });
});

describe('one bit of a recipe', () => {
  test.each([
    ['the mark', 0],
    ['whether there is a base', 8],
    ['the ID of the base', 20],
    ['the digest of the raw form', 50],
    ['the length', 73],
    ['the frame', 120],
    ['the last byte', -1],
  ])('in %s is noticed, and the recipe is named', async (_what, at) => {
    const [id] = recipesOf(1);
    flip(`dedup/v1/recipes/${id}.recipe`, at);
    expect(await readAll(NEXT)).toMatchObject({ kind: 'unverified', message: expect.stringContaining(`${id}.recipe`) });
  });

  test('of the base of another recipe is noticed by whoever needs that one', async () => {
    const [, base] = recipesOf(1);
    flip(`dedup/v1/recipes/${base}.recipe`, 100);
    expect(await readAll(NEXT)).toMatchObject({
      kind: 'unverified',
      message: expect.stringContaining(`${base}.recipe`),
    });
  });

  test('is healed by publishing the image again: the layer is stored anew', async () => {
    const [id] = recipesOf(1);
    flip(`dedup/v1/recipes/${id}.recipe`, 120);
    const again = await publishImage(parts, { ...NEXT, version: '2b' }, spool);
    expect(again.layerBytes).toBeGreaterThan(0);
    expect(warnings).toContainEqual(expect.stringContaining(`${id}.recipe`));
    await fetchImage(parts, { ...NEXT, version: '2b' }, spool);
  });
});

describe('one bit of what is only there to be quick', () => {
  test.each([
    ['mark', 0],
    ['pack ID', 20],
    ['first offset', 44],
    ['digest of a chunk', -70],
    ['own digest', -1],
  ])(
    'of an index (its %s) harms no reader; a publisher says it, and sends again what that pack holds',
    async (_what, at) => {
      for (const pack of packsNow()) flip(pack.replace(/pack$/, 'idx'), at);
      expect(await readAll(FIRST)).toBeUndefined();
      const bytes = await publishImage(parts, THIRD, spool);
      expect(bytes.newBytes).toBeGreaterThan(0);
      expect(warnings).toContainEqual(expect.stringMatching(/packs\/[0-9a-f]{64}\.idx/));
      await fetchImage(parts, THIRD, spool);
    },
  );

  test('of an index that is that of another pack never leads to wrong bytes', async () => {
    const [one, other] = packsNow().map((pack) => pack.replace(/pack$/, 'idx')) as [string, string];
    swap(one, other);
    await publishImage(parts, THIRD, spool);
    expect(warnings).toContainEqual(expect.stringMatching(/\.idx/));
    await fetchImage(parts, THIRD, spool);
  });

  test('of the list of the newest images, wherever it is, costs space at most', async () => {
    const path = 'dedup/v1/heads/sdk.json';
    const length = readFileSync(fileOf(path)).length;
    for (const at of [0, 3, 20, 60, 100, length - 2]) {
      flip(path, at);
      const image = { ...THIRD, version: `3-${at}` };
      await publishImage(parts, image, spool);
      await fetchImage(parts, image, spool);
    }
  });
});

describe('the pointer of a layer', () => {
  test('with one bit wrong, wherever it is, misleads no publisher into a manifest that cannot be read', async () => {
    const path = pointerPath(NEXT);
    const text = readFileSync(fileOf(path), 'utf8');
    for (let at = 0; at < text.length; at += 23) {
      writeFileSync(fileOf(path), text);
      flip(path, at);
      const image = { ...NEXT, version: `p-${at}` };
      await publishImage(parts, image, spool);
      await fetchImage(parts, image, spool);
    }
    expect(warnings).toContainEqual(expect.stringContaining(NEXT.layers[0]?.diffId as string));
  });

  test('that is the one of another layer is noticed by a publisher, named, and replaced', async () => {
    swap(pointerPath(NEXT), pointerPath(FIRST));
    const image = { ...NEXT, version: '2b' };
    const bytes = await publishImage(parts, image, spool);
    expect(bytes.layerBytes).toBeGreaterThan(0);
    expect(warnings).toContainEqual(expect.stringContaining(NEXT.layers[0]?.diffId as string));
    await fetchImage(parts, image, spool);
    expect(readFileSync(fileOf(pointerPath(NEXT)), 'utf8')).not.toContain(manifests[0]?.layers[0]?.recipes[0]);
  });

  test('whose pack or recipe is lost is no reason to refuse the image: the layer is stored again', async () => {
    renameSync(fileOf(`dedup/v1/recipes/${recipesOf(1)[0]}.recipe`), fileOf('lost-recipe'));
    await publishImage(parts, { ...NEXT, version: '2b' }, spool);
    await fetchImage(parts, { ...NEXT, version: '2b' }, spool);
    renameSync(fileOf(bigPack()), fileOf('lost-pack'));
    await publishImage(parts, { ...FIRST, version: '1b' }, spool);
    await fetchImage(parts, { ...FIRST, version: '1b' }, spool);
  });
});

describe('a server that gives out what is valid, but something else', () => {
  test('another pack under the name: noticed, and the pack is named', async () => {
    const [one, other] = packsNow() as [string, string];
    swap(one, other);
    for (const image of [FIRST, NEXT]) {
      expect(await readAll(image)).toMatchObject({ kind: 'unverified', message: expect.stringContaining('packs/') });
    }
  });

  test('another recipe under the name: noticed, and the recipe is named', async () => {
    const [own, base] = recipesOf(1);
    swap(`dedup/v1/recipes/${own}.recipe`, `dedup/v1/recipes/${base}.recipe`);
    for (const image of [FIRST, NEXT]) {
      expect(await readAll(image)).toMatchObject({ kind: 'unverified', message: expect.stringContaining('recipes/') });
    }
  });

  test('a manifest that names the recipes of another layer gives no bytes', async () => {
    const [wanted, other] = [manifests[1]?.layers[0], manifests[0]?.layers[0]] as ImageManifest['layers'];
    const parts2 = { ...(wanted as ImageManifest['layers'][0]), recipes: other?.recipes ?? [] };
    const read = async (): Promise<void> => {
      for await (const _ of readLayer(parts, parts2, noFetchedBytes()));
    };
    await expect(read()).rejects.toMatchObject({ code: 'DEDUP_DIGEST_MISMATCH', kind: 'unverified' });
  });
});

test('one bit anywhere in a manifest is an error that names it, or the manifest says the same', () => {
  const path = manifestPathOf(NEXT);
  const text = readFileSync(fileOf(path));
  const whole = parseManifest(text.toString('utf8'), path, NEXT);
  let refused = 0;
  for (let at = 0; at < text.length; at += 1) {
    const changed = Buffer.from(text);
    changed[at] = (changed[at] as number) ^ 4;
    try {
      const { recipes, ...layer } = parseManifest(changed.toString('utf8'), path, NEXT)
        .layers[0] as ImageManifest['layers'][0];
      // A wrong ID of a recipe, a wrong length or image ID are for the signature to catch; and for the reader, who finds other bytes there.
      expect(layer.diffId).toBe(whole.layers[0]?.diffId);
      expect(recipes).toHaveLength(whole.layers[0]?.recipes.length ?? 0);
    } catch (error) {
      expect(error).toMatchObject({ kind: 'unverified', message: expect.stringContaining(path) });
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(text.length / 2);
});
