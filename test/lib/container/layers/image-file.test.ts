import { hash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { openImageFile } from '../../../../lib/container/index.ts';
import { uncompressed } from '../../../../lib/container/layers/uncompressed.ts';
import { configOf, type TestEntry, tarOf } from '../../../helpers/layer-tar.ts';
import { useTempFolders } from '../../../helpers/temp.ts';

const makeFolder = useTempFolders();

const LAYER = tarOf({ name: 'etc/motd', content: 'welcome'.repeat(1000) });
const DIFF_ID = hash('sha256', LAYER);
const CONFIG = configOf([LAYER]);
const CONFIG_ID = hash('sha256', CONFIG);

const writeImage = (...entries: readonly TestEntry[]): string => {
  const file = join(makeFolder(), 'image.tar');
  writeFileSync(file, tarOf(...entries));
  return file;
};

const manifestJson = (...images: readonly object[]): TestEntry => ({
  name: 'manifest.json',
  content: JSON.stringify(images),
});
const config: TestEntry = { name: `${CONFIG_ID}.json`, content: CONFIG };
const listed = { Config: `${CONFIG_ID}.json`, RepoTags: ['example.org/os/sdk:1.0.0'], Layers: ['a/layer.tar'] };

/** Reads all layers. @returns what their bytes are, by diff ID */
const readAll = async (file: string): Promise<Map<string, string>> => {
  const source = await openImageFile(file);
  const found = new Map<string, string>();
  await source.streamLayers(new Set(source.diffIds), async (diffId, bytes) => {
    const pieces: Buffer[] = [];
    for await (const piece of bytes) pieces.push(piece);
    found.set(diffId, hash('sha256', Buffer.concat(pieces)));
  });
  return found;
};

describe('an image in a file', () => {
  test.each([
    ['plain', LAYER],
    ['in gzip', gzipSync(LAYER)],
    ['in zstd', zstdCompressSync(LAYER)],
  ])('is read with its layers %s, wherever the list is', async (_, layer) => {
    const file = writeImage({ name: './a/layer.tar', content: layer }, config, manifestJson(listed));
    const { names, imageId, diffIds } = await openImageFile(file);
    expect({ names, imageId, diffIds }).toEqual({ names: listed.RepoTags, imageId: CONFIG_ID, diffIds: [DIFF_ID] });
    expect(await readAll(file)).toEqual(new Map([[DIFF_ID, DIFF_ID]]));
  });

  test('may have a layer behind a link', async () => {
    const file = writeImage(
      { name: 'b/layer.tar', content: LAYER },
      { name: 'a/layer.tar', type: '2', target: '../b/layer.tar' },
      config,
      manifestJson(listed),
    );
    expect(await readAll(file)).toEqual(new Map([[DIFF_ID, DIFF_ID]]));
  });

  test.each<[string, readonly TestEntry[], string]>([
    ['has several images', [config, manifestJson(listed, listed)], '2 images'],
    ['lacks its layer', [config, manifestJson(listed)], `lacks the layers ${DIFF_ID}`],
    ['lacks its configuration', [manifestJson(listed)], `lacks ${CONFIG_ID}.json`],
    ['has another configuration', [{ ...config, content: '{}' }, manifestJson(listed)], 'has the sha256'],
    ['lists other layers', [config, manifestJson({ ...listed, Layers: [] })], '0 layers'],
    ['has no list', [config], 'neither manifest.json nor index.json'],
    ['has a list of something else', [manifestJson({ Config: 1 })], 'manifest.json is not as expected at 0.Config'],
  ])('is refused when it %s', async (_, entries, problem) => {
    await expect(readAll(writeImage(...entries))).rejects.toMatchObject({
      code: 'IMAGE_FILE_INVALID',
      message: expect.stringContaining(problem),
    });
  });

  test.each([
    ['gzip', gzipSync(LAYER)],
    ['zstd', zstdCompressSync(LAYER)],
  ])('with a layer in %s that is cut off is refused', async (_, layer) => {
    const cut = layer.subarray(0, layer.length - 9);
    const file = writeImage({ name: 'a/layer.tar', content: cut }, config, manifestJson(listed));
    await expect(readAll(file)).rejects.toMatchObject({ code: 'IMAGE_FILE_INVALID' });
  });
});

test('an OCI layout in a folder leads to no file outside of it', async () => {
  const folder = makeFolder();
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
  for (const digest of ['sha256:../../../etc/passwd', 'sha512:0', 'sha256']) {
    writeFileSync(join(folder, 'index.json'), JSON.stringify({ manifests: [{ digest }] }));
    await expect(openImageFile(folder)).rejects.toMatchObject({
      code: 'IMAGE_FILE_INVALID',
      message: expect.stringContaining('expected a sha256'),
    });
  }
});

describe('compressed bytes', () => {
  const piecesOf = async function* (bytes: Buffer, length: number): AsyncGenerator<Buffer, void, undefined> {
    for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
  };

  test.each([1, 3, 1000])('are known by their first bytes, also when they come %d by %d', async (length) => {
    for (const bytes of [LAYER, gzipSync(LAYER), zstdCompressSync(LAYER), Buffer.from('ab'), Buffer.alloc(0)]) {
      const pieces: Buffer[] = [];
      for await (const piece of await uncompressed(piecesOf(bytes, length))) pieces.push(piece);
      expect(Buffer.concat(pieces).equals(bytes.length > 2 ? LAYER : bytes)).toBe(true);
    }
  });

  test('that are cut off are an error for the reader, not one that nobody catches', async () => {
    for (const bytes of [gzipSync(LAYER), zstdCompressSync(LAYER)]) {
      const read = async (): Promise<void> => {
        for await (const _ of await uncompressed(piecesOf(bytes.subarray(0, bytes.length - 9), 10)));
      };
      await expect(read()).rejects.toThrow('unexpected end of file');
    }
  });
});
