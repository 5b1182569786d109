import { cpSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { argumentsOf, BUILD, buildUpTo } from '../helpers/fixture-pipeline.ts';
import { mustRun, runStep } from '../helpers/fixture-step.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';

/** Each test starts many programs, and on a busy machine each of them takes seconds. */
const PATIENT_MS = 120_000;

const { cacheForm } = BUILD;
const worlds = useWorlds();
let built: FixtureWorld;
let server: Server;
let mirror = '';
let asked: string[] = [];

/** A static web server on the folder `mirror`. */
const serve = (): Server =>
  createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    asked.push(path);
    const file = join(mirror, path);
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    const bytes = readFileSync(file);
    response.writeHead(200, { 'content-length': bytes.length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  });

beforeAll(async () => {
  built = worlds.fresh();
  await buildUpTo(built, 'image');
  mirror = join(worlds.copyOf(built).folder, 'cache');
  server = serve();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
}, PATIENT_MS);
afterAll(() => new Promise((resolve) => server.close(resolve)));

const withMirror = () => ({ BUILDCACHE_MIRROR_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });

/** A copy of the world whose cache lacks some folders. */
const without = (...folders: string[]): FixtureWorld => {
  const world = worlds.copyOf(built);
  for (const folder of folders) rmSync(join(world.cache, folder), { recursive: true });
  asked = [];
  return world;
};

test(
  'the SDK tarball, the generic image and binary packages that only the mirror has are read there',
  async () => {
    const sdk = without('sdk', 'containers', 'provenance');
    rmSync(join(sdk.tree, '__build__'), { recursive: true });
    const { result: made } = await mustRun(sdk, 'sdk_container', [], { env: withMirror() });
    expect(made?.inputs.map(({ path }) => path)).toEqual([
      `sdk/amd64/${cacheForm}/skiff-sdk-amd64-${cacheForm}.tar.zst`,
    ]);
    expect(asked).toContain(`/sdk/amd64/${cacheForm}/skiff-sdk-amd64-${cacheForm}.tar.zst`);

    const images = without('images');
    const { result: vendor } = await mustRun(images, 'vms', argumentsOf('vms'), { env: withMirror() });
    expect(vendor?.inputs.map(({ path }) => path)).toContain(
      `images/amd64/${cacheForm}/skiff_production_image.bin.zst`,
    );
    // What is made goes to the cache.
    expect(images.read(`cache/images/amd64/${cacheForm}/skiff_production_qemu_image.img`)).not.toBe('');
  },
  PATIENT_MS,
);

test(
  'what the mirror has does not count as published, and without a mirror it is missing',
  async () => {
    const world = without('images', 'provenance');
    const { result } = await mustRun(world, 'image', ['amd64'], { env: withMirror() });
    expect(result?.summary?.outcome).toBeUndefined();
    expect(world.read(`cache/images/amd64/${cacheForm}/version.txt`)).toContain(cacheForm);

    const alone = without('images');
    const end = await runStep(alone, 'vms', argumentsOf('vms'));
    expect([end.exitCode, end.result?.error?.code]).toEqual([1, 'CACHE_ARTIFACT_MISSING']);
  },
  PATIENT_MS,
);

test(
  'verify reads statements and artifacts there',
  async () => {
    const world = without('images', 'provenance');
    // A folder on a web server without listings says nothing of what is in it; a copy of the statements is enough here.
    cpSync(join(mirror, 'provenance'), join(world.cache, 'provenance'), { recursive: true });
    cpSync(join(mirror, 'images'), join(world.cache, 'images'), {
      recursive: true,
      filter: (name) => !name.includes('version.txt'),
    });
    const { stdout, exitCode } = await runStep(world, 'verify', [cacheForm, '--arch', 'amd64'], { env: withMirror() });
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`images/amd64/${cacheForm}/version.txt`);
    expect(asked).toContain(`/images/amd64/${cacheForm}/version.txt`);
    const alone = await runStep(world, 'verify', [cacheForm, '--arch', 'amd64']);
    expect(alone.stdout).not.toContain(`images/amd64/${cacheForm}/version.txt  sha256`);
  },
  PATIENT_MS,
);
