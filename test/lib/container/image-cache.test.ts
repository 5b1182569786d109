import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createContainerCache, createPlanningContainerCache } from '../../../lib/container/index.ts';
import { createLog, type LogEvent, silentLog } from '../../../lib/log/index.ts';
import { createRunner } from '../../../lib/process/index.ts';
import { fakeCache } from './fake-cache.ts';
import { fakeEngine } from './fake-engine.ts';

const [ID, OTHER] = ['a'.repeat(64), 'b'.repeat(64)];
const sdk = { name: 'sdk-amd64', version: '1.2.3-x', registry: '' };
const format = { extension: 'tar.gz', compress: ['gzip', '-c'], decompress: ['gzip', '-d', '-c'] } as const;

let folder = '';
let work = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-images-'));
  work = join(folder, 'work');
  await mkdir(work);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const make = (images: Record<string, string>, registry: Record<string, string> = {}) => {
  const known = new Map(Object.entries(images));
  const cache = fakeCache(join(folder, 'cache'));
  const { engine, pulls } = fakeEngine(known, new Map(Object.entries(registry)));
  const effects = createRunner({ cwd: folder, env: { PATH: '/usr/bin:/bin' } });
  const containers = createContainerCache({
    engine,
    cache,
    effects,
    log: silentLog,
    workFolder: work,
    format,
    layout: 'flat',
  });
  return { containers, cache, images: known, pulls, engine };
};

/** Publishes `id` and an archive that says `archived`. */
const publishBy = async (id: string, archived = id): Promise<void> => {
  const { containers, cache } = make({ 'sdk-amd64:1.2.3-x': archived });
  await containers.publish(sdk);
  await writeFile(join(cache.store.location, 'containers/1.2.3-x/sdk-amd64-1.2.3-x.id'), `${id}\n`);
};

describe('publish', () => {
  test('puts archive and ID into the folder of the version, the ID last, and leaves nothing behind', async () => {
    const { containers, cache } = make({ 'sdk-amd64:1.2.3-x': ID });
    const records = await containers.publish(sdk);
    expect(cache.asked).toEqual([
      'publish containers/1.2.3-x sdk-amd64-1.2.3-x.tar.gz sdk-amd64-1.2.3-x.id last sdk-amd64-1.2.3-x.id',
    ]);
    expect(records.map(({ path }) => path)).toEqual([
      'containers/1.2.3-x/sdk-amd64-1.2.3-x.tar.gz',
      'containers/1.2.3-x/sdk-amd64-1.2.3-x.id',
    ]);
    expect(await readFile(join(folder, 'cache', records[1]?.path ?? ''), 'utf8')).toBe(`${ID}\n`);
    expect(await readdir(work)).toEqual([]);
  });

  test('takes the image by its registry name too', async () => {
    const { containers } = make({ 'ghcr.io/x/sdk-amd64:1.2.3-x': ID });
    expect(await containers.publish({ ...sdk, registry: 'ghcr.io/x' })).toHaveLength(2);
  });

  test('takes what was built for the registry, not what lies about under the short name', async () => {
    const { containers, cache } = make({ 'sdk-amd64:1.2.3-x': OTHER, 'ghcr.io/x/sdk-amd64:1.2.3-x': ID });
    await containers.publish({ ...sdk, registry: 'ghcr.io/x' });
    const id = join(cache.store.location, 'containers/1.2.3-x/sdk-amd64-1.2.3-x.id');
    expect(await readFile(id, 'utf8')).toBe(`${ID}\n`);
  });

  test('names where it looked for an image that is not there', async () => {
    const { containers } = make({});
    await expect(containers.publish(sdk)).rejects.toMatchObject({
      code: 'CONTAINER_IMAGE_MISSING',
      hint: expect.stringContaining('this machine: no image sdk-amd64:1.2.3-x'),
    });
  });
});

describe('ensure', () => {
  test('downloads nothing but the ID when the image is here and current', async () => {
    await publishBy(ID);
    const { containers, cache } = make({ 'sdk-amd64:1.2.3-x': ID });
    expect(await containers.ensure(sdk)).toEqual({
      reference: 'sdk-amd64:1.2.3-x',
      id: ID,
      how: 'local',
      fetched: [],
    });
    expect(cache.asked).toEqual(['fetch containers/1.2.3-x/sdk-amd64-1.2.3-x.id']);
  });

  test.each([
    ['absent', {}],
    ['outdated', { 'sdk-amd64:1.2.3-x': OTHER }],
  ])('fetches an image that is %s, and leaves no archive behind', async (_state, here: Record<string, string>) => {
    await publishBy(ID);
    const { containers, images } = make(here);
    const { how, reference, fetched } = await containers.ensure(sdk);
    expect([how, reference, fetched.map(({ path }) => path)]).toEqual([
      'fetched',
      'sdk-amd64:1.2.3-x',
      ['containers/1.2.3-x/sdk-amd64-1.2.3-x.tar.gz'],
    ]);
    expect(images.get('sdk-amd64:1.2.3-x')).toBe(ID);
    expect(await readdir(work)).toEqual([]);
  });

  test('of two images of the name the published one is taken, and there is one reference', async () => {
    await publishBy(ID);
    const [plain, remote] = ['sdk-amd64:1.2.3-x', 'ghcr.io/x/sdk-amd64:1.2.3-x'];
    const image = { ...sdk, registry: 'ghcr.io/x' };
    const ensure = async (images: Record<string, string>) => (await make(images).containers.ensure(image)).reference;
    expect(await ensure({ [plain]: OTHER, [remote]: ID })).toBe(remote);
    expect(await ensure({ [plain]: ID, [remote]: OTHER })).toBe(plain);
    expect(await ensure({ [plain]: ID, [remote]: ID })).toBe(plain);
  });

  test('asks the registry first, where the image has one', async () => {
    await publishBy(ID);
    const remote = 'ghcr.io/x/sdk-amd64:1.2.3-x';
    const { containers, pulls } = make({}, { [remote]: ID });
    const ensured = await containers.ensure({ ...sdk, registry: 'ghcr.io/x' });
    expect([ensured.how, ensured.reference, pulls]).toEqual(['pulled', remote, [remote]]);
  });

  test('takes the image of the cache when the registry has another one or none', async () => {
    await publishBy(ID);
    const remote = 'ghcr.io/x/sdk-amd64:1.2.3-x';
    const image = { ...sdk, registry: 'ghcr.io/x' };
    expect((await make({}, { [remote]: OTHER }).containers.ensure(image)).how).toBe('fetched');
    expect((await make({}).containers.ensure(image)).how).toBe('fetched');
  });

  test('needs no cache for an image that the registry has', async () => {
    const remote = 'ghcr.io/x/sdk-amd64:1.2.3-x';
    const { containers } = make({}, { [remote]: ID });
    expect((await containers.ensure({ ...sdk, registry: 'ghcr.io/x' })).how).toBe('pulled');
  });

  test('refuses an archive whose image is not the published one, and removes that image', async () => {
    await publishBy(ID, OTHER);
    const { containers, images } = make({});
    await expect(containers.ensure(sdk)).rejects.toMatchObject({
      code: 'CONTAINER_IMAGE_WRONG_ID',
      kind: 'unverified',
      data: { expected: ID, found: OTHER },
    });
    expect([...images]).toEqual([]);
    expect(await readdir(work)).toEqual([]);
  });

  test('an ID that is none does not verify', async () => {
    await publishBy('not an id');
    await expect(make({}).containers.ensure(sdk)).rejects.toMatchObject({
      code: 'CONTAINER_IMAGE_ID_INVALID',
      kind: 'unverified',
    });
  });

  test('says where it looked when nobody has the image', async () => {
    const { containers } = make({ 'sdk-amd64:1.2.3-x': OTHER });
    await expect(containers.ensure({ ...sdk, registry: 'ghcr.io/x' })).rejects.toMatchObject({
      code: 'CONTAINER_IMAGE_MISSING',
      hint: expect.stringMatching(
        /this machine[\s\S]*registry[\s\S]*artifact cache [\s\S]*no containers\/1\.2\.3-x\/sdk-amd64-1\.2\.3-x\.id/,
      ),
    });
  });

  test('renames what podman published', async () => {
    await publishBy(ID);
    const { containers, cache, images } = make({ 'localhost/sdk-amd64:1.2.3-x': ID });
    await containers.publish(sdk).catch(() => undefined);
    const archive = join(cache.store.location, 'containers/1.2.3-x/sdk-amd64-1.2.3-x.tar.gz');
    const { gzipSync } = await import('node:zlib');
    await writeFile(archive, gzipSync(`localhost/sdk-amd64:1.2.3-x ${ID}`));
    images.clear();
    expect((await containers.ensure(sdk)).reference).toBe('sdk-amd64:1.2.3-x');
    expect([...images.keys()]).toEqual(['sdk-amd64:1.2.3-x']);
  });

  test.each([['1.2.3+x'], ['../1'], ['']])('a version that is no tag is refused: %s', async (version) => {
    await expect(make({}).containers.ensure({ ...sdk, version })).rejects.toMatchObject({
      code: 'CONTAINER_NAME_INVALID',
    });
  });
});

describe('the plan', () => {
  const planned = async (here: Record<string, string>, registry = '') => {
    const { engine, cache } = make(here);
    const events: LogEvent[] = [];
    const log = createLog((event) => events.push(event));
    const containers = createPlanningContainerCache({ engine, cache, log, extension: 'tar.gz', layout: 'flat' });
    const ensured = await containers.ensure({ ...sdk, registry });
    return { ensured, effects: events.map((event) => (event.kind === 'planned' ? event.effect : event.kind)), cache };
  };

  test('says what would be fetched, and fetches nothing', async () => {
    await publishBy(ID);
    const { effects, cache } = await planned({ 'sdk-amd64:1.2.3-x': OTHER });
    expect(effects).toEqual([
      expect.stringMatching(/^fetch containers\/\S+\.tar\.gz \(\d+ B\), verify it and load it$/),
    ]);
    expect(cache.asked).toEqual([]);
  });

  test('is empty for an image that is here and current', async () => {
    await publishBy(ID);
    expect((await planned({ 'sdk-amd64:1.2.3-x': ID })).effects).toEqual([]);
  });
});
