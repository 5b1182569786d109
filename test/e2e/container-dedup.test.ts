import { createCipheriv, hash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createArtifactCache, createStore } from '../../lib/cache/index.ts';
import {
  createContainerCache,
  createEngine,
  findEngine,
  type ImageTraffic,
  openEngineSocket,
} from '../../lib/container/index.ts';
import { loadLayers } from '../../lib/container/layers/index.ts';
import { createChunkStore } from '../../lib/dedup/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { collectWarnings } from '../helpers/dedup-world.ts';
import { configOf, tarOf } from '../helpers/layer-tar.ts';

/**
 * Images that are large enough for threads that unpack, and for a lowest layer that is imported beside the archive with the others. Not beside the integration tests:
 * each loading takes away lowest layers that killed processes left, and they have one that is to be found.
 */

const PATIENT_MS = 180_000;
const MIB = 1024 * 1024;
const folder = await mkdtemp(join(tmpdir(), 'slipway-container-dedup-'));
const runner = createRunner({ cwd: folder, env: process.env });
const name = `slipway-test-${randomUUID()}`;

// Other bytes at each run; what the layers have in common is fetched for the one and used for the other.
const noise = createCipheriv('aes-128-ctr', randomBytes(16), Buffer.alloc(16)).update(Buffer.alloc(40 * MIB));
const text = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => `line ${at}\n`).join(''));
const below = tarOf({ name: 'noise', content: noise }, { name: 'text', content: text });
const above = tarOf({ name: 'small', content: 'y' }, { name: 'again', content: noise.subarray(7 * MIB, 19 * MIB) });
const layerOf = (bytes: Buffer) => ({
  diffId: hash('sha256', bytes),
  sizeBytes: bytes.length,
  async *open() {
    yield bytes;
  },
});

const open = async (docker: string) => {
  const { found } = await findEngine({ env: { ...process.env, docker }, query: runner });
  if (!found) return undefined;
  const { log, warnings } = collectWarnings();
  const socket = openEngineSocket(found, { env: process.env, cwd: folder, log });
  const engine = createEngine({ ...found, query: runner, effects: runner, socket });
  const traffic: ImageTraffic[] = [];
  const cache = createArtifactCache({
    store: createStore({ dir: join(folder, 'cache'), user: '', pathPrefix: '' }, { log, runner }),
  });
  const containers = (chunks: string) =>
    createContainerCache({
      engine,
      cache,
      effects: runner,
      log,
      workFolder: join(folder, 'work'),
      format: { extension: 'tar.zst', compress: ['zstd', '-q', '-c'], decompress: ['zstd', '-d', '-q', '-c'] },
      layout: 'dedup',
      chunkStore: createChunkStore({ dir: join(folder, chunks), limitBytes: 1024 * MIB }),
      onTraffic: (one) => traffic.push(one),
    });
  return { engine, log, warnings, traffic, containers };
};
const docker = await open('docker');
const podman = await open('podman');

beforeAll(() => mkdir(join(folder, 'work')));
afterAll(async () => {
  for (const version of ['one', 'two']) {
    for (const engines of [docker, podman]) await engines?.engine.removeImage(`${name}:${version}`);
  }
  await rm(folder, { recursive: true, force: true });
});

test('this machine has docker', () => {
  expect(docker).toBeDefined();
});

test.each([
  ['one', 'one layer', [below]],
  ['two', 'two layers', [below, above]],
] as const)(
  'version %s with %s is what it was, and each layer comes once',
  async (version, _, tars) => {
    if (!docker) throw new Error('docker is not here');
    const { engine, log, warnings, traffic, containers } = docker;
    const [image, reference] = [{ name, version, registry: '' }, `${name}:${version}`];
    const config = configOf([...tars]);
    await loadLayers({ engine, log }, { config, names: [reference], layers: tars.map(layerOf) });
    await containers('builder').publish(image);
    for (const to of [docker, podman]) {
      if (!to) continue;
      await to.engine.removeImage(reference);
      to.traffic.length = 0;
      await to.containers(`worker-${version}-${to.engine.name}`).ensure(image);
      expect(await to.engine.imageId(reference)).toBe(hash('sha256', config));
      expect(to.traffic).toMatchObject([
        { way: 'fetched', bytes: { layerBytes: tars.reduce((sum, { length }) => sum + length, 0), againBytes: 0 } },
      ]);
      await to.engine.removeImage(reference);
    }
    expect([warnings, traffic.length]).toEqual([[], 1]);
  },
  PATIENT_MS,
);
