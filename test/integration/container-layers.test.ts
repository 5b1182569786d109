import { createCipheriv, hash, randomBytes, randomUUID } from 'node:crypto';
import { chmod, cp, link, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createEngine, type Engine, findEngine, openEngineSocket } from '../../lib/container/index.ts';
import {
  type ImageSource,
  type LayerToLoad,
  type LayerTools,
  loadLayers,
  missingLayers,
  openImageSource,
} from '../../lib/container/layers/index.ts';
import { silentLog } from '../../lib/log/index.ts';
import { createRunner, type Runner } from '../../lib/process/index.ts';
import { makeOwnName } from '../../lib/process/process-identity.ts';
import { configOf, paxRecord, tarEntry, tarOf } from '../helpers/layer-tar.ts';

const folder = await mkdtemp(join(tmpdir(), 'slipway-layers-'));
const runner = createRunner({ cwd: folder, env: process.env });

/** The engines of this machine; docker is there, podman may be. */
const engines = new Map<string, { engine: Engine; call: (...args: string[]) => ReturnType<Runner['run']> }>();
for (const docker of ['docker', 'podman']) {
  const { found } = await findEngine({ env: { ...process.env, docker }, query: runner });
  if (!found) continue;
  const socket = openEngineSocket(found, { env: process.env, cwd: folder, log: silentLog });
  const engine = createEngine({ ...found, query: runner, effects: runner, socket });
  const call = (...args: string[]) =>
    runner.run([...found.command, ...args] as unknown as Parameters<Runner['run']>[0], {
      env: found.env,
      stdout: 'capture',
    });
  engines.set(docker, { engine, call });
}
const names = [...engines.keys()];
const on = (name: string) => {
  const found = engines.get(name);
  if (!found) throw new Error(`${name} is not here`);
  return { ...found, tools: { engine: found.engine, log: silentLog } as LayerTools };
};

const made: string[] = [];
const newName = (): string => {
  const reference = `slipway-test-${randomUUID()}:1`;
  made.push(reference);
  return reference;
};

/** What is hard to keep bit for bit in a tar, and a static program. */
const makeRoot = async (): Promise<string> => {
  const root = join(folder, 'root');
  await mkdir(join(root, 'etc/deep', 'long-'.repeat(30), 'name-'.repeat(30)), { recursive: true });
  await mkdir(join(root, 'usr/bin'), { recursive: true });
  await writeFile(join(root, 'etc/deep', 'long-'.repeat(30), 'name-'.repeat(30), 'file-'.repeat(30)), 'long');
  await runner.run(['cp', '/sbin/ldconfig', join(root, 'usr/bin/ldconfig')]);
  await symlink('usr/bin', join(root, 'bin'));
  await symlink('/nowhere', join(root, 'dangling'));
  await link(join(root, 'usr/bin/ldconfig'), join(root, 'usr/bin/second-name'));
  await runner.run(['mknod', join(root, 'zero'), 'c', '1', '5']);
  await runner.run(['mkfifo', join(root, 'pipe')]);
  await writeFile(Buffer.concat([Buffer.from(join(root, 'etc/no-utf8-')), Buffer.from([0xff, 0xfe])]), 'bytes of it');
  await writeFile(join(root, 'größe-ő'), 'umlauts');
  await writeFile(join(root, 'empty'), '');
  await writeFile(join(root, 'large'), Buffer.alloc(3_000_000, 'noise '));
  await writeFile(join(root, 'to-be-removed'), 'soon');
  await chmod(join(root, 'usr/bin/ldconfig'), 0o4755);
  await utimes(join(root, 'empty'), 1.5, 1_500_000_000.123);
  return root;
};

/** A tar entry that no program here would write: a file with capabilities, as pax keeps them. */
const withCapability = (): Buffer => {
  const value = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  return Buffer.concat([
    tarEntry({ name: 'pax', type: 'x', content: paxRecord('SCHILY.xattr.security.capability', value) }),
    tarEntry({ name: 'with-capability', content: 'x' }),
  ]);
};

/** Commits a container of `image` with something new in it. */
const addLayer = async (engineName: string, image: string, reference: string, change: string): Promise<void> => {
  const { call, engine } = on(engineName);
  const container = `slipway-test-${randomUUID()}`;
  await call('create', '--name', container, '--network', 'none', image, '/bin/ldconfig');
  await writeFile(join(folder, change), `${change} ${randomUUID()}`);
  await call('cp', join(folder, change), `${container}:/etc/${change}`);
  await engine.commit(container, reference);
  await engine.removeContainer(container);
};

/** An image of three layers: imported, one that removes a file, one with new files. */
const makeImage = async (engineName: string, reference: string): Promise<void> => {
  const { call } = on(engineName);
  const root = join(folder, 'root');
  const [base, middle] = [newName(), newName()];
  await runner.run(['tar', '--format=pax', '-C', root, '-cf', `${root}.tar`, '.']);
  const plain = await readFile(`${root}.tar`);
  await writeFile(`${root}.tar`, Buffer.concat([withCapability(), plain]));
  await call('import', `${root}.tar`, base);
  await addLayer(engineName, base, middle, 'first');
  await addLayer(engineName, middle, reference, 'second');
};

const readAll = async (source: ImageSource, wanted: Iterable<string>, options?: { fast?: boolean }) => {
  const layers = new Map<string, Buffer>();
  await source.streamLayers(
    new Set(wanted),
    async (diffId, bytes) => {
      const pieces: Buffer[] = [];
      for await (const piece of bytes) pieces.push(piece);
      layers.set(diffId, Buffer.concat(pieces));
    },
    options,
  );
  return layers;
};

const digestsOf = (layers: ReadonlyMap<string, Buffer>) => [...layers.values()].map((bytes) => hash('sha256', bytes));

const toLoad = (source: ImageSource, layers: ReadonlyMap<string, Buffer>, opened: string[] = []): LayerToLoad[] =>
  source.diffIds.map((diffId) => {
    const bytes = layers.get(diffId) ?? Buffer.alloc(0);
    return {
      diffId,
      sizeBytes: bytes.length,
      async *open() {
        opened.push(diffId);
        for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
      },
    };
  });

const layerOf = (bytes: Buffer): LayerToLoad => ({
  diffId: hash('sha256', bytes),
  sizeBytes: bytes.length,
  async *open() {
    for (let at = 0; at < bytes.length; at += 1_000_000) yield bytes.subarray(at, at + 1_000_000);
  },
});

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: { code?: string }) => error.code ?? error,
  );

const sorted = (ids: Iterable<string>): string[] => [...ids].sort((a, b) => (a < b ? -1 : 1));

/** Engines do all of this in seconds; several of them at once on a busy machine do not. */
const PATIENT_MS = 240_000;

beforeAll(makeRoot);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('this machine has docker', () => {
  expect(names).toContain('docker');
});

describe.each(names)('%s', (name) => {
  const { engine, tools, call } = on(name);
  const image = newName();
  let source: ImageSource;
  let layers: ReadonlyMap<string, Buffer>;
  let config: Buffer;
  const removeAll = async (): Promise<void> => {
    for (const reference of made) await engine.removeImage(reference);
  };

  beforeAll(async () => {
    await makeImage(name, image);
    source = await openImageSource(tools, image);
    layers = await readAll(source, source.diffIds, { fast: false });
    config = (await source.readConfig()).bytes;
  }, PATIENT_MS);
  afterAll(removeAll, PATIENT_MS);

  test('what the engine saves has every layer bit for bit, and the configuration', () => {
    expect(source.diffIds).toHaveLength(3);
    expect(sorted(layers.keys())).toEqual(sorted(source.diffIds));
    expect(digestsOf(layers)).toEqual([...layers.keys()]);
    expect(hash('sha256', config)).toBe(source.imageId);
  });

  test(
    'the fast way gives the same, where there is one',
    async () => {
      expect(source.how).toBe(name === 'docker' ? 'folder' : 'archive');
      const fast = await readAll(source, source.diffIds);
      expect(sorted(fast.keys())).toEqual(sorted(source.diffIds));
      expect(digestsOf(fast)).toEqual([...fast.keys()]);
    },
    PATIENT_MS,
  );

  test(
    'hands out wanted layers only, and goes on when one of them is not read to its end',
    async () => {
      const [first = '', , last = ''] = source.diffIds;
      for (const fast of [true, false]) {
        expect([...(await readAll(source, [last], { fast })).keys()]).toEqual([last]);
        const seen: string[] = [];
        const onLayer = async (diffId: string, bytes: AsyncIterable<Buffer>): Promise<void> => {
          seen.push(diffId);
          for await (const _ of bytes) break;
        };
        await source.streamLayers(new Set([first, last]), onLayer, { fast });
        expect(sorted(seen)).toEqual(sorted([first, last]));
      }
    },
    PATIENT_MS,
  );

  test(
    'an archive is saved once: each layer is told by what came before it',
    async () => {
      let saves = 0;
      const counting: Engine = {
        ...engine,
        save(reference) {
          saves += 1;
          return engine.save(reference);
        },
      };
      const opened = await openImageSource({ ...tools, engine: counting }, image);
      await readAll(opened, source.diffIds, { fast: false });
      await opened.readConfig();
      expect(saves).toBe(1);
    },
    PATIENT_MS,
  );

  test(
    'passes on what goes wrong where the layer is taken',
    async () => {
      for (const fast of [true, false]) {
        const failing = source.streamLayers(new Set(source.diffIds), () => Promise.reject(new Error('disk on fire')), {
          fast,
        });
        await expect(failing).rejects.toThrow('disk on fire');
      }
    },
    PATIENT_MS,
  );

  test(
    'stays at its image when the name is gone, and reads its configuration without any layer',
    async () => {
      const [second, third] = [newName(), newName()];
      await engine.tag(image, second);
      await engine.tag(image, third);
      const opened = await openImageSource(tools, second);
      await engine.removeImage(second);
      expect((await opened.readConfig()).bytes).toEqual(config);
      expect(await codeOf(openImageSource(tools, second))).toBe('CONTAINER_IMAGE_ABSENT');
    },
    PATIENT_MS,
  );

  test(
    'loads an image from its layers with the same ID; then only the layer that is missing',
    async () => {
      const [base, ...above] = source.diffIds;
      await removeAll();
      const opened: string[] = [];
      const loaded = await loadLayers(tools, { config, names: [image], layers: toLoad(source, layers, opened) });
      expect([loaded.imageId, await engine.imageId(image)]).toEqual([source.imageId, source.imageId]);
      expect([loaded.leftOutLayers, loaded.sentLayers, opened.length]).toEqual([0, 3, 3]);
      const sizes = [...layers.values()].reduce((total, { length }) => total + length, 0);
      expect([loaded.leftOutBytes, loaded.sentBytes]).toEqual([0, sizes]);

      // The same with one more layer, which the engine then loses.
      const next = newName();
      await addLayer(name, image, next, 'more');
      const nextSource = await openImageSource(tools, next);
      const nextLayers = await readAll(nextSource, nextSource.diffIds);
      const nextConfig = (await nextSource.readConfig()).bytes;
      await engine.removeImage(next);
      const newest = nextSource.diffIds[3] ?? '';
      expect([...(await missingLayers(tools, nextSource.diffIds))]).toEqual([newest]);
      const openedNext: string[] = [];
      const again = await loadLayers(tools, {
        config: nextConfig,
        names: [next],
        layers: toLoad(nextSource, nextLayers, openedNext),
      });
      expect(openedNext).toEqual([newest]);
      expect([again.imageId, again.leftOutLayers, again.sentLayers]).toEqual([nextSource.imageId, 3, 1]);
      expect([again.leftOutBytes, again.sentBytes]).toEqual([sizes, nextLayers.get(newest)?.length]);
      // Nothing of it is a placeholder.
      const back = await readAll(await openImageSource(tools, next), [base ?? '', ...above, newest], { fast: false });
      expect(sorted(digestsOf(back))).toEqual(sorted(nextSource.diffIds));
      const run = await call('run', '--rm', '--network', 'none', next, '/bin/ldconfig', '--version');
      expect(run.stdout).toContain('ldconfig');
    },
    PATIENT_MS,
  );

  test(
    'sends all layers when the engine refuses what was left out',
    async () => {
      await removeAll();
      const opened: string[] = [];
      // As an engine says that loses its layers a moment later.
      const forgetful: Engine = { ...engine, layersOfAllImages: async () => [source.diffIds] };
      const parts = { config, names: [image], layers: toLoad(source, layers, opened) };
      const loaded = await loadLayers({ ...tools, engine: forgetful }, parts);
      expect([loaded.imageId, loaded.sentLayers, loaded.leftOutLayers]).toEqual([source.imageId, 3, 0]);
      expect(sorted(opened)).toEqual(sorted(source.diffIds));
    },
    PATIENT_MS,
  );

  test.each([
    [
      'wrong bytes',
      'LAYER_DIGEST_MISMATCH',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from('x')]),
    ],
    ['too few bytes', 'LAYER_SIZE_MISMATCH', (bytes: Buffer) => bytes.subarray(0, -512)],
    ['too many bytes', 'LAYER_SIZE_MISMATCH', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(512)])],
  ])(
    'loads nothing when a layer comes with %s',
    async (_, code, spoil) => {
      await removeAll();
      const spoiled = toLoad(source, layers).map((layer, at) => {
        const open = async function* () {
          yield spoil(layers.get(layer.diffId) ?? Buffer.alloc(0));
        };
        return at === 1 ? { ...layer, open } : layer;
      });
      expect(await codeOf(loadLayers(tools, { config, names: [image], layers: spoiled }))).toBe(code);
      expect(await engine.imageId(image)).toBeUndefined();
    },
    PATIENT_MS,
  );

  test(
    'an image with the same layer twice, and that one empty',
    async () => {
      const bytes = tarOf();
      const diffId = hash('sha256', bytes);
      const text = configOf([bytes, bytes]).toString();
      const reference = newName();
      const parts = { config: Buffer.from(text), names: [reference], layers: [layerOf(bytes), layerOf(bytes)] };
      const loaded = await loadLayers(tools, parts);
      expect(loaded.imageId).toBe(hash('sha256', text));
      const twice = await openImageSource(tools, reference);
      expect(twice.diffIds).toEqual([diffId, diffId]);
      for (const fast of [true, false]) {
        expect([...(await readAll(twice, [diffId], { fast }))]).toEqual([[diffId, bytes]]);
      }
      expect((await twice.readConfig()).bytes.toString()).toBe(text);
    },
    PATIENT_MS,
  );

  test(
    'whiteouts come back as they were',
    async () => {
      const below = tarOf(
        { name: 'gone', content: 'x' },
        { name: 'dir/', type: '5' },
        { name: 'dir/old', content: 'y' },
      );
      const above = tarOf({ name: '.wh.gone' }, { name: 'dir/', type: '5' }, { name: 'dir/.wh..wh..opq' });
      const reference = newName();
      const [lower, upper] = [layerOf(below), layerOf(above)];
      await loadLayers(tools, { config: configOf([below, above]), names: [reference], layers: [lower, upper] });
      const opened = await openImageSource(tools, reference);
      for (const fast of [true, false]) {
        const read = await readAll(opened, opened.diffIds, { fast });
        expect([read.get(lower.diffId), read.get(upper.diffId)]).toEqual([below, above]);
      }
    },
    PATIENT_MS,
  );
});

describe('a lowest layer that docker unpacks while it comes', () => {
  const { engine, tools, call } = on('docker');
  // Other bytes at each run: what an earlier run left in the engine, which was killed, is not these layers.
  const noise = createCipheriv('aes-128-ctr', randomBytes(16), Buffer.alloc(16)).update(Buffer.alloc(40 * 1024 * 1024));
  const below = tarOf({ name: 'large', content: noise }, { name: 'gone', content: 'x' });
  const above = tarOf({ name: '.wh.gone' }, { name: 'small', content: 'y' });
  const [lower, upper] = [layerOf(below), layerOf(above)];
  const config = configOf([below, above]);
  const incoming = async (): Promise<readonly string[]> => engine.tagsOf('slipway-incoming');

  test(
    'gives the same image, whose layers are what they were, and no other one',
    async () => {
      const [reference, before] = [newName(), await incoming()];
      const loaded = await loadLayers(tools, { config, names: [reference], layers: [lower, upper] });
      expect([loaded.imageId, loaded.sentLayers]).toEqual([hash('sha256', config), 2]);
      expect((await incoming()).filter((tag) => !before.includes(tag))).toEqual([]);
      const opened = await openImageSource(tools, reference);
      for (const fast of [true, false]) {
        const read = await readAll(opened, opened.diffIds, { fast });
        expect([read.get(lower.diffId)?.equals(below), read.get(upper.diffId)?.equals(above)]).toEqual([true, true]);
      }
      await engine.removeImage(reference);
      expect((await missingLayers(tools, opened.diffIds)).size).toBe(2);
    },
    PATIENT_MS,
  );

  test(
    'and is all that the image has, comes once',
    async () => {
      const reference = newName();
      let opened = 0;
      const only = {
        ...lower,
        open: () => {
          opened += 1;
          return lower.open();
        },
      };
      const alone = configOf([below]);
      const loaded = await loadLayers(tools, { config: alone, names: [reference], layers: [only] });
      expect([loaded.imageId, opened]).toEqual([hash('sha256', alone), 1]);
      await engine.removeImage(reference);
    },
    PATIENT_MS,
  );

  test.each([
    ['a byte is wrong', 'LAYER_DIGEST_MISMATCH', (bytes: Buffer) => bytes.fill(1, 5_000_000, 5_000_001)],
    ['only the end is missing', 'LAYER_SIZE_MISMATCH', (bytes: Buffer) => bytes.subarray(0, -512)],
  ])(
    'and of which %s leaves nothing in the engine',
    async (_, code, spoil) => {
      const [reference, before] = [newName(), await incoming()];
      const spoiled = { ...lower, open: layerOf(spoil(Buffer.from(below))).open };
      expect(await codeOf(loadLayers(tools, { config, names: [reference], layers: [spoiled, upper] }))).toBe(code);
      expect(await engine.imageId(reference)).toBeUndefined();
      expect((await incoming()).filter((tag) => !before.includes(tag))).toEqual([]);
    },
    PATIENT_MS,
  );

  test(
    'and that a killed process left is used, and then removed',
    async () => {
      // No process has this number.
      const tag = makeOwnName().replace(/-\d+-/, '-4194305-');
      made.push(`slipway-incoming:${tag}`);
      await writeFile(join(folder, 'lower.tar'), below);
      await call('import', join(folder, 'lower.tar'), `slipway-incoming:${tag}`);
      const [reference, opened] = [newName(), [] as string[]];
      const layers = [lower, upper].map((layer) => ({
        ...layer,
        open: () => {
          opened.push(layer.diffId);
          return layer.open();
        },
      }));
      const loaded = await loadLayers(tools, { config, names: [reference], layers });
      expect([loaded.imageId, opened]).toEqual([hash('sha256', config), [upper.diffId]]);
      expect(await incoming()).not.toContain(tag);
    },
    PATIENT_MS,
  );
});

describe("a fault in docker's folder", () => {
  const { engine, tools } = on('docker');
  const reference = newName();
  const bytes = tarOf(
    { name: 'first', content: Buffer.alloc(3_000_000, 'noise ') },
    { name: 'second', content: 'small' },
  );
  const layer = layerOf(bytes);
  let diff = '';
  let source: ImageSource;

  /** A copy of what the engine has of the image, because its own folder is not to be touched. */
  beforeAll(async () => {
    await loadLayers(tools, { config: configOf([bytes]), names: [reference], layers: [layer] });
    const { overlayRoot = '' } = engine.storage;
    const id = (await engine.imageId(reference)) ?? '';
    const copy = join(folder, 'engine');
    const cacheId = await readFile(
      join(overlayRoot, 'image/overlay2/layerdb/sha256', layer.diffId, 'cache-id'),
      'utf8',
    );
    const parts = [`image/overlay2/imagedb/content/sha256/${id}`, `image/overlay2/layerdb/sha256/${layer.diffId}`];
    for (const part of [...parts, `overlay2/${cacheId}/diff`]) {
      await cp(join(overlayRoot, part), join(copy, part), { recursive: true });
    }
    diff = join(copy, 'overlay2', cacheId, 'diff');
    const storage = { kind: 'graph' as const, overlayRoot: copy };
    source = await openImageSource({ ...tools, engine: { ...engine, storage } }, reference);
  }, PATIENT_MS);
  afterAll(() => engine.removeImage(reference), PATIENT_MS);

  const read = async (fast = true): Promise<string[]> => digestsOf(await readAll(source, [layer.diffId], { fast }));

  test('there is none yet', async () => {
    expect([source.how, ...(await read())]).toEqual(['folder', layer.diffId]);
  });

  test('after a part of the layer was handed out: an error, and the slow way does it', async () => {
    await rm(join(diff, 'second'));
    expect(await codeOf(read())).toBe('LAYER_FAST_READ_FAILED');
    expect(await read(false)).toEqual([layer.diffId]);
  });

  test('a link in the place of a file is not followed', async () => {
    await writeFile(join(folder, 'secret'), 'small');
    await symlink(join(folder, 'secret'), join(diff, 'second'));
    expect(await codeOf(read())).toBe('LAYER_FAST_READ_FAILED');
  });

  test('before anything was handed out: the engine is asked instead', async () => {
    await writeFile(join(diff, 'first'), 'shorter');
    expect(await read()).toEqual([layer.diffId]);
    await rm(diff, { recursive: true });
    expect(await read()).toEqual([layer.diffId]);
  });
});
