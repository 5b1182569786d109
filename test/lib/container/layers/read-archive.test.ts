import { hash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { Engine } from '../../../../lib/container/index.ts';
import { type ImageSource, openImageSource } from '../../../../lib/container/layers/index.ts';
import { silentLog } from '../../../../lib/log/index.ts';
import { configOf, type TestEntry, tarOf } from '../../../helpers/layer-tar.ts';
import { fakeEngine } from '../fake-engine.ts';

const layers = ['lowest', 'middle', 'top'].map((name) => tarOf({ name, content: name.repeat(500) }));
const diffIds = layers.map((bytes) => hash('sha256', bytes));
const config = configOf(layers);
const imageId = hash('sha256', config);

/** An engine that saves these archives, one after the other. */
const savingEngine = (...archives: readonly Buffer[]) => {
  const left = [...archives];
  const engine: Engine = {
    ...fakeEngine(new Map()).engine,
    inspectImage: async () => ({ imageId, diffIds }),
    save: () => ({
      stdin: new PassThrough(),
      stdout: Readable.from([left.shift() ?? Buffer.alloc(0)]),
      pid: undefined,
      done: Promise.resolve({ exitCode: 0, stdout: '', stderr: '', durationMs: 1 }),
      stop() {},
    }),
  };
  return { engine, left };
};

const open = (engine: Engine): Promise<ImageSource> => openImageSource({ engine, log: silentLog }, 'image:1');

const readAll = async (source: ImageSource, wanted: readonly string[] = diffIds) => {
  const read = new Map<string, Buffer>();
  await source.streamLayers(new Set(wanted), async (diffId, bytes) => {
    const pieces: Buffer[] = [];
    for await (const piece of bytes) pieces.push(piece);
    read.set(diffId, Buffer.concat(pieces));
  });
  return read;
};

const whole = new Map(diffIds.map((diffId, at) => [diffId, layers[at]]));
const blob = (bytes: Buffer): TestEntry => ({ name: `blobs/sha256/${hash('sha256', bytes)}`, content: bytes });
const manifestOf = (configFile: string, files: readonly string[]): TestEntry => ({
  name: 'manifest.json',
  content: JSON.stringify([{ Config: configFile, RepoTags: null, Layers: files }]),
});

/** What docker from version 25 saves: an OCI layout whose layers are named by their digests. */
const ociArchive = (blobs: readonly Buffer[]): Buffer =>
  tarOf(
    { name: 'blobs/', type: '5' },
    { name: 'blobs/sha256/', type: '5' },
    blob(blobs[2] ?? config),
    blob(config),
    blob(blobs[0] ?? config),
    blob(blobs[1] ?? config),
    { name: 'index.json', content: '{}' },
    manifestOf(
      `blobs/sha256/${imageId}`,
      blobs.map((bytes) => `blobs/sha256/${hash('sha256', bytes)}`),
    ),
  );

describe('an archive of docker from version 25', () => {
  test('is read once', async () => {
    const { engine, left } = savingEngine(ociArchive(layers), Buffer.from('second'));
    const source = await open(engine);
    expect(await readAll(source)).toEqual(whole);
    expect(await source.readConfig()).toEqual({ bytes: config, digest: imageId });
    expect(left).toHaveLength(1);
  });

  test('with compressed layers is read again, when its list has told which is which', async () => {
    const compressed = [gzipSync(layers[0] ?? ''), zstdCompressSync(layers[1] ?? ''), layers[2] ?? config];
    const { engine, left } = savingEngine(ociArchive(compressed), ociArchive(compressed));
    const source = await open(engine);
    const read = await readAll(source);
    expect(read).toEqual(whole);
    expect([...read.keys()][0]).toBe(diffIds[2]);
    expect(left).toEqual([]);
  });

  test('with a compressed layer that nobody reads to its end goes on', async () => {
    const compressed = layers.map((bytes) => gzipSync(bytes));
    const { engine } = savingEngine(ociArchive(compressed), ociArchive(compressed));
    const seen: string[] = [];
    await (await open(engine)).streamLayers(new Set(diffIds), async (diffId) => {
      seen.push(diffId);
    });
    expect(new Set(seen)).toEqual(new Set(diffIds));
    expect(seen).toHaveLength(3);
  });
});

test("an archive of podman, and links to layers' files", async () => {
  const file = (at: number): string => `${diffIds[at]}.tar`;
  const archive = tarOf(
    { name: file(0), content: layers[0] },
    { name: file(1), content: layers[1] },
    { name: file(2), content: layers[2] },
    { name: `${imageId}.json`, content: config },
    ...diffIds.map((_, at) => ({ name: `${'ab'.repeat(31)}0${at}/layer.tar`, type: '2', target: `../${file(at)}` })),
    manifestOf(
      `${imageId}.json`,
      diffIds.map((_, at) => `${'ab'.repeat(31)}0${at}/layer.tar`),
    ),
  );
  const { engine } = savingEngine(archive);
  expect(await readAll(await open(engine), [diffIds[1] ?? ''])).toEqual(new Map([[diffIds[1], layers[1]]]));
});

test("folders of docker before version 25 whose IDs are none that we can compute: the second archive's list tells", async () => {
  const id = (at: number): string => `${'cd'.repeat(31)}0${at}`;
  const archive = tarOf(
    ...layers.flatMap((content, at) => [
      { name: `${id(at)}/json`, content: '{"id":"x"}' },
      { name: `${id(at)}/layer.tar`, content: Buffer.concat([content, Buffer.alloc(2 ** 20)]) },
    ]),
    { name: `${imageId}.json`, content: config },
    manifestOf(
      `${imageId}.json`,
      diffIds.map((_, at) => `${id(at)}/layer.tar`),
    ),
  );
  const { engine, left } = savingEngine(archive, archive);
  const read = await readAll(await open(engine));
  expect([...read.keys()]).toEqual(diffIds);
  expect(left).toEqual([]);
});

describe('refuses', () => {
  const [first = ''] = diffIds;
  const list = manifestOf(
    `${imageId}.json`,
    diffIds.map((diffId) => `${diffId}.tar`),
  );
  const conf = { name: `${imageId}.json`, content: config };
  test.each([
    ['what is no tar', Buffer.from('Error: no such image'), 'without end marker'],
    ['an archive without a list', tarOf(conf), 'no manifest.json'],
    ['an archive of two images', tarOf(conf, { name: 'manifest.json', content: '{}' }), 'no manifest.json'],
    ['an archive without a configuration', tarOf(list), `lacks the configuration ${imageId}.json`],
    ['another configuration', tarOf(list, { name: `${imageId}.json`, content: '{}' }), 'has the sha256'],
    ['an archive without the layers', tarOf(list, conf), `lacks the layers ${first}`],
    ['fewer layers', tarOf(manifestOf(`${imageId}.json`, []), conf), '0 layers and the image 3'],
  ])('%s', async (_, archive, reason) => {
    const { engine } = savingEngine(archive, archive);
    await expect(readAll(await open(engine))).rejects.toMatchObject({
      code: 'IMAGE_ARCHIVE_INVALID',
      message: expect.stringContaining(reason),
    });
  });

  test('layers that the image has not', async () => {
    const { engine } = savingEngine();
    await expect(readAll(await open(engine), ['00'])).rejects.toThrow(RangeError);
  });
});
