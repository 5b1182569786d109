import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ArtifactCache } from '../../../lib/cache/index.ts';
import { createContainerCache, createPlanningContainerCache } from '../../../lib/container/index.ts';
import { slipwayError } from '../../../lib/errors/index.ts';
import { createLog, type LogEvent, silentLog } from '../../../lib/log/index.ts';
import { createRunner } from '../../../lib/process/index.ts';
import { fakeCache } from './fake-cache.ts';
import { fakeEngine } from './fake-engine.ts';

const [ID, OTHER] = ['a'.repeat(64), 'b'.repeat(64)];
const NAME = 'sdk-amd64:1.2.3-x';
const REMOTE = `ghcr.io/x/${NAME}`;
const BASE = 'containers/1.2.3-x/sdk-amd64-1.2.3-x';
const sdk = { name: 'sdk-amd64', version: '1.2.3-x', registry: '' };
/** Old archives end in `.tar.gz`; one program reads both. */
const format = { extension: 'tar.zst', compress: ['gzip', '-c'], decompress: ['gzip', '-d', '-c'] } as const;

let folder = '';
let work = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-places-'));
  work = join(folder, 'work');
  await mkdir(work);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A place that does not answer. */
const silentPlace = (name: string): ArtifactCache & { readonly asked: string[] } => {
  const place = fakeCache(join(folder, name));
  return {
    ...place,
    fetch(path) {
      place.asked.push(`fetch ${path}`);
      const facts = { host: name, tries: 6, doing: 'read', problem: 'the connection was refused' };
      return Promise.reject(slipwayError('CACHE_UNREACHABLE', facts));
    },
  };
};

/** Puts an image into a place. */
const put = async (place: ArtifactCache, id: string | undefined, archived = id ?? ID, extension = 'tar.zst') => {
  const at = join(place.store.location, BASE);
  await mkdir(join(at, '..'), { recursive: true });
  await writeFile(`${at}.${extension}`, gzipSync(`${NAME} ${archived}`));
  if (id) await writeFile(`${at}.id`, `${id}\n`);
};

const make = (
  images: Record<string, string>,
  parts: { cache?: ArtifactCache; mirror?: ArtifactCache; registry?: Record<string, string> } = {},
) => {
  const cache = parts.cache ?? fakeCache(join(folder, 'cache'));
  const known = new Map(Object.entries(images));
  const { engine, pulls } = fakeEngine(known, new Map(Object.entries(parts.registry ?? {})));
  const effects = createRunner({ cwd: folder, env: { PATH: '/usr/bin:/bin' } });
  const events: LogEvent[] = [];
  const log = createLog((event) => events.push(event));
  const { mirror } = parts;
  const containers = createContainerCache({
    engine,
    cache,
    mirror,
    effects,
    log,
    workFolder: work,
    format,
    layout: 'flat',
  });
  const warnings = () => events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []));
  const planned = () => events.flatMap((event) => (event.kind === 'planned' ? [event.effect] : []));
  const plan = createPlanningContainerCache({ engine, cache, mirror, log, extension: 'tar.zst', layout: 'flat' });
  return { containers, cache, images: known, pulls, warnings, plan, planned };
};

describe('the mirror', () => {
  test('is not asked for what the cache has', async () => {
    const mirror = silentPlace('mirror');
    const { containers, cache, warnings } = make({}, { mirror });
    await put(cache, ID);
    expect((await containers.ensure(sdk)).how).toBe('fetched');
    expect((await make({ [NAME]: ID }, { mirror }).containers.ensure(sdk)).how).toBe('local');
    expect([mirror.asked, warnings()]).toEqual([[], []]);
  });

  test('has the image that the cache does not have', async () => {
    const mirror = fakeCache(join(folder, 'mirror'));
    await put(mirror, ID);
    const { containers, images } = make({ [NAME]: OTHER }, { mirror });
    expect(await containers.ensure(sdk)).toMatchObject({ how: 'fetched', fetched: [{ path: `${BASE}.tar.zst` }] });
    expect(images.get(NAME)).toBe(ID);
    expect(await readdir(work)).toEqual([]);
  });

  test('tells that the image here is current', async () => {
    const mirror = fakeCache(join(folder, 'mirror'));
    await put(mirror, ID);
    expect((await make({ [NAME]: ID }, { mirror }).containers.ensure(sdk)).how).toBe('local');
  });

  test('is overruled by the cache', async () => {
    const mirror = fakeCache(join(folder, 'mirror'));
    await put(mirror, ID);
    const { containers, cache, images } = make({ [NAME]: ID }, { mirror });
    await put(cache, OTHER);
    await containers.ensure(sdk);
    expect(images.get(NAME)).toBe(OTHER);
  });

  test('is not asked for what the registry has', async () => {
    const mirror = silentPlace('mirror');
    const { containers } = make({}, { mirror, registry: { [REMOTE]: ID } });
    expect((await containers.ensure({ ...sdk, registry: 'ghcr.io/x' })).how).toBe('pulled');
    expect(mirror.asked).toEqual([]);
  });

  test('that is down is no error of its own: the image is missing, and both places are named', async () => {
    const mirror = silentPlace('mirror');
    const { containers, cache } = make({}, { mirror });
    await expect(containers.ensure(sdk)).rejects.toMatchObject({
      code: 'CONTAINER_IMAGE_MISSING',
      hint: expect.stringMatching(
        new RegExp(
          `artifact cache ${cache.store.location}: no ${BASE}.id.*\\n.*mirror .*/mirror: The cache server mirror could not`,
        ),
      ),
    });
    // Once is enough to know.
    expect(mirror.asked).toHaveLength(1);
  });

  test('steps in for a cache that is down, which is what the error tells when it cannot', async () => {
    const mirror = fakeCache(join(folder, 'mirror'));
    const cache = silentPlace('cache');
    await expect(make({}, { cache, mirror }).containers.ensure(sdk)).rejects.toMatchObject({
      code: 'CACHE_UNREACHABLE',
    });
    expect(cache.asked).toHaveLength(1);
    await put(mirror, ID);
    const { containers, warnings } = make({}, { cache, mirror });
    expect((await containers.ensure(sdk)).how).toBe('fetched');
    expect(warnings()).toEqual([expect.stringContaining('The cache server cache could not be reached')]);
  });

  test('with another image than the published one is refused', async () => {
    const mirror = fakeCache(join(folder, 'mirror'));
    await put(mirror, ID, OTHER);
    const { containers, images } = make({}, { mirror });
    await expect(containers.ensure(sdk)).rejects.toMatchObject({ code: 'CONTAINER_IMAGE_WRONG_ID' });
    expect([...images]).toEqual([]);
  });

  test('is in the plan', async () => {
    const mirror = fakeCache(join(folder, 'mirror'));
    await put(mirror, ID);
    const { plan, planned } = make({}, { mirror });
    await plan.ensure(sdk);
    expect(planned()).toEqual([
      expect.stringMatching(/^fetch \S+\.tar\.zst \(\d+ B\) from \S+\/mirror, verify it and load it$/),
    ]);
    expect(mirror.asked).toEqual([]);
  });
});

describe('images of old releases', () => {
  test('are packed with gzip', async () => {
    const { containers, cache, images } = make({});
    await put(cache, ID, ID, 'tar.gz');
    expect(await containers.ensure(sdk)).toMatchObject({ how: 'fetched', fetched: [{ path: `${BASE}.tar.gz` }] });
    expect(images.get(NAME)).toBe(ID);
  });

  test('have no published ID: the archive has to do, with a warning', async () => {
    const { containers, cache, images, warnings } = make({ [NAME]: OTHER });
    await put(cache, undefined, ID, 'tar.gz');
    expect(await containers.ensure(sdk)).toMatchObject({ how: 'fetched', reference: NAME });
    expect(images.get(NAME)).toBe(ID);
    expect(warnings()).toEqual([expect.stringContaining('No ID is published')]);
  });

  test('without a published ID must still have the right name', async () => {
    const { containers, cache } = make({});
    await put(cache, undefined);
    await rename(join(cache.store.location, `${BASE}.tar.zst`), join(cache.store.location, 'x'));
    await writeFile(join(cache.store.location, `${BASE}.tar.zst`), gzipSync(`another:1 ${ID}`));
    await expect(containers.ensure(sdk)).rejects.toMatchObject({ code: 'CONTAINER_IMAGE_WRONG_ID' });
  });
});

describe('an engine that counts IDs in another way', () => {
  /** It calls every image of the name OTHER. */
  const ensureWith = async (config: string, tag: string) => {
    const { cache } = make({});
    await put(cache, ID);
    await writeFile(
      join(work, 'manifest.json'),
      JSON.stringify([{ Config: `blobs/sha256/${config}`, RepoTags: [tag] }]),
    );
    const tar = execFileSync('tar', ['-c', '-C', work, 'manifest.json']);
    await writeFile(join(cache.store.location, `${BASE}.tar.zst`), gzipSync(tar));
    const images = new Map<string, string>();
    const { engine } = fakeEngine(images);
    const load = async () => {
      const running = await engine.load();
      const done = running.done.then((result) => {
        images.clear();
        images.set(NAME, OTHER);
        return result;
      });
      return { ...running, done };
    };
    const effects = createRunner({ cwd: folder, env: { PATH: '/usr/bin:/bin' } });
    const settings = {
      engine: { ...engine, load },
      cache,
      effects,
      log: silentLog,
      workFolder: work,
      format,
      layout: 'flat' as const,
    };
    return createContainerCache(settings).ensure(sdk);
  };

  test('has the published image all the same, when the archive says that it is that one', async () => {
    await expect(ensureWith(ID, NAME)).resolves.toMatchObject({ how: 'fetched', reference: NAME });
  });

  test.each([
    ['another image', OTHER, NAME],
    ['an image of another name', ID, 'another:1'],
  ])('refuses an archive with %s', async (_what, config, tag) => {
    await expect(ensureWith(config, tag)).rejects.toMatchObject({ code: 'CONTAINER_IMAGE_WRONG_ID' });
  });
});
