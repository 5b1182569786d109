import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ArtifactCache, createArtifactCache, createStore } from '../../lib/cache/index.ts';
import {
  createContainerCache,
  createEngine,
  type Engine,
  findEngine,
  type ImageName,
  openEngineSocket,
} from '../../lib/container/index.ts';
import { silentLog } from '../../lib/log/index.ts';
import { createRunner, type Runner } from '../../lib/process/index.ts';
import { fakeCache } from '../lib/container/fake-cache.ts';

const format = {
  extension: 'tar.zst',
  compress: ['zstd', '-T0', '-q', '-c'],
  decompress: ['zstd', '-d', '-q', '-c'],
} as const;
const folder = await mkdtemp(join(tmpdir(), 'slipway-container-'));
const runner = createRunner({ cwd: folder, env: process.env });

/** The engines of this machine; docker is there, podman may be. */
const engines = new Map<string, { engine: Engine; call: (...args: string[]) => ReturnType<Runner['run']> }>();
for (const [name, docker, isBySocket] of [
  ['docker', 'docker', false],
  ['docker by its socket', 'docker', true],
  ['podman', 'podman', false],
] as const) {
  const { found } = await findEngine({ env: { ...process.env, docker }, query: runner });
  if (!found) continue;
  const reach = { env: process.env, cwd: folder, log: silentLog };
  const socket = isBySocket ? openEngineSocket(found, reach) : undefined;
  const engine = createEngine({ ...found, query: runner, effects: runner, socket });
  const call = (...args: string[]) => {
    const command = [...found.command, ...args] as unknown as Parameters<Runner['run']>[0];
    return runner.run(command, { env: found.env, stdout: 'capture' });
  };
  engines.set(name, { engine, call });
}
const names = [...engines.keys()];
const on = (name: string) => {
  const found = engines.get(name);
  if (!found) throw new Error(`${name} is not here`);
  return found;
};

/** Each image gets a name of its own, so that runs do not meet. */
const made: ImageName[] = [];
const newImage = (): ImageName => {
  const image = { name: `slipway-test-${randomUUID()}`, version: '1.2.3-x', registry: '' };
  made.push(image);
  return image;
};
const referenceOf = ({ name, version }: ImageName): string => `${name}:${version}`;

/** An image of one static program, /ldconfig, and some bytes. */
const importImage = async (engine: string, image: ImageName): Promise<string> => {
  const root = join(folder, image.name);
  await mkdir(root);
  await copyFile('/sbin/ldconfig', join(root, 'ldconfig'));
  await writeFile(join(root, 'noise'), randomBytes(2_000_000));
  await runner.run(['tar', '--create', '--file', `${root}.tar`, '--directory', root, '.']);
  await on(engine).call('import', `${root}.tar`, referenceOf(image));
  const id = await on(engine).engine.imageId(referenceOf(image));
  if (!id) throw new Error('The imported image is not there.');
  return id;
};

/** The layer of an imported image. */
const layerOf = async ({ name }: ImageName): Promise<string> =>
  createHash('sha256')
    .update(await readFile(join(folder, `${name}.tar`)))
    .digest('hex');

const work = join(folder, 'work');
const cache: ArtifactCache = createArtifactCache({
  store: createStore(
    { dir: join(folder, 'cache'), user: '', pathPrefix: '', sshPort: 22 },
    { log: silentLog, runner, signal: new AbortController().signal },
  ),
});
const containersOn = (engine: string, artifacts: ArtifactCache = cache, workFolder = work) =>
  createContainerCache({
    engine: on(engine).engine,
    cache: artifacts,
    effects: runner,
    log: silentLog,
    workFolder,
    format,
    layout: 'flat',
  });

beforeAll(() => mkdir(work));
afterAll(async () => {
  for (const image of made) for (const { engine } of engines.values()) await engine.removeImage(referenceOf(image));
  await cache.store.close();
  await rm(folder, { recursive: true, force: true });
});

test('this machine has docker', () => {
  expect(names).toContain('docker');
});

describe.each(names)('%s', (name) => {
  const { engine, call } = on(name);

  test('publishes an image, and has it again after it was removed', async () => {
    const image = newImage();
    const id = await importImage(name, image);
    const records = await containersOn(name).publish(image);
    expect(records.map(({ path }) => path.replace(image.name, 'NAME'))).toEqual([
      'containers/1.2.3-x/NAME-1.2.3-x.tar.zst',
      'containers/1.2.3-x/NAME-1.2.3-x.id',
    ]);
    await engine.removeImage(referenceOf(image));
    expect(await engine.imageId(referenceOf(image))).toBeUndefined();

    const fetched = await containersOn(name).ensure(image);
    expect([fetched.how, fetched.reference]).toEqual(['fetched', referenceOf(image)]);
    expect(records[0]).toMatchObject(fetched.fetched[0] ?? {});
    expect(await engine.imageId(referenceOf(image))).toBe(id);
    expect((await containersOn(name).ensure(image)).how).toBe('local');
    expect(await readdir(work)).toEqual([]);
  });

  test('runs a container and commits it; removing is safe to repeat', async () => {
    const image = newImage();
    await importImage(name, image);
    const container = `${image.name}-box`;
    try {
      const run = await call(
        'run',
        '--name',
        container,
        '--network',
        'none',
        referenceOf(image),
        '/ldconfig',
        '--version',
      );
      expect(run.stdout).toContain('ldconfig');
      const committed = { ...newImage(), version: '2-y' };
      made.push(committed);
      await engine.commit(container, referenceOf(committed));
      const id = await engine.imageId(referenceOf(committed));
      await containersOn(name).publish(committed);
      await engine.removeImage(referenceOf(committed));
      await containersOn(name).ensure(committed);
      expect(await engine.imageId(referenceOf(committed))).toBe(id);
    } finally {
      await engine.removeContainer(container);
      await engine.removeContainer(container);
    }
    expect((await call('ps', '--all', '--quiet', '--filter', `name=^${container}$`)).stdout).toBe('');
  });

  test('refuses an archive with another image under that name, and removes it', async () => {
    const image = newImage();
    await importImage(name, image);
    const tampered = fakeCache(join(folder, `tampered-${name.replaceAll(' ', '-')}`));
    await containersOn(name, tampered).publish(image);
    await engine.removeImage(referenceOf(image));
    const idFile = join(tampered.store.location, `containers/1.2.3-x/${image.name}-1.2.3-x.id`);
    await writeFile(idFile, `${'a'.repeat(64)}\n`);
    await expect(containersOn(name, tampered).ensure(image)).rejects.toMatchObject({
      code: 'CONTAINER_IMAGE_WRONG_ID',
    });
    expect(await engine.imageId(referenceOf(image))).toBeUndefined();
  });

  test('loads an archive while it comes, and gets no image, not even one without a name, of one that is damaged', async () => {
    const image = newImage();
    await importImage(name, image);
    const dir = join(folder, `streamed-${name.replaceAll(' ', '-')}`);
    const store = createStore({ dir, user: '', pathPrefix: '' }, { log: silentLog, runner });
    const downloads: string[] = [];
    const streaming = createArtifactCache({
      store: {
        ...store,
        download: (path, toFile, options) => {
          downloads.push(path);
          return store.download(path, toFile, options);
        },
      },
      secondTryMs: 0,
    });
    await containersOn(name, streaming).publish(image);
    await engine.removeImage(referenceOf(image));
    await containersOn(name, streaming).ensure(image);
    expect(downloads.filter((path) => path.endsWith('.tar.zst'))).toEqual([]);
    await engine.removeImage(referenceOf(image));

    const archive = join(dir, `containers/1.2.3-x/${image.name}-1.2.3-x.tar.zst`);
    const bytes = await readFile(archive);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await writeFile(archive, bytes);
    const layersBefore = JSON.stringify(await engine.layersOfAllImages());
    await expect(containersOn(name, streaming).ensure(image)).rejects.toMatchObject({
      code: 'ARTIFACT_DIGEST_MISMATCH',
    });
    expect(await engine.imageId(referenceOf(image))).toBeUndefined();
    // Others work with this engine, too; an image of ours without a name would have our layer.
    const added = (await engine.layersOfAllImages()).filter((layers) => !layersBefore.includes(JSON.stringify(layers)));
    const ours = await layerOf(image);
    expect(added.flat().filter((layer) => layer === ours)).toEqual([]);
    expect(await readdir(work)).toEqual([]);
  }, 60_000);

  test('does not have an image of which it never heard', async () => {
    await expect(containersOn(name).ensure(newImage())).rejects.toMatchObject({ code: 'CONTAINER_IMAGE_MISSING' });
  });
});

const pairs = names.flatMap((from) => names.filter((to) => to !== from).map((to) => [from, to] as const));
if (pairs.length > 0) {
  test.each(pairs)('what %s published %s can load, with the same ID', async (from, to) => {
    const image = newImage();
    const id = await importImage(from, image);
    await containersOn(from).publish(image);
    expect((await containersOn(to).ensure(image)).reference).toBe(referenceOf(image));
    expect(await on(to).engine.imageId(referenceOf(image))).toBe(id);
  });
}

test('a daemon that does not run is named as such', async () => {
  const env = { DOCKER_HOST: `unix://${folder}/no.sock` };
  const engine = createEngine({
    name: 'docker',
    command: ['docker'],
    info: { storage: { kind: 'graph' } },
    env,
    query: runner,
    effects: runner,
  });
  await expect(engine.imageId('sdk:1')).rejects.toMatchObject({ code: 'ENGINE_NOT_RUNNING' });
  const search = await findEngine({
    env: { docker: 'docker' },
    query: createRunner({ cwd: folder, env: { ...process.env, ...env } }),
  });
  expect(search).toMatchObject({ tried: [{ detail: expect.stringContaining('no.sock') }] });
});
