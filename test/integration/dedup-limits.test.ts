import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { createStore, type StoreSettings } from '../../lib/cache/index.ts';
import { createChunkStore, type DedupParts, type PublishedBytes } from '../../lib/dedup/index.ts';
import { createRunner, waitForAll } from '../../lib/process/index.ts';
import { type ChildJob, type ImageRecipe, imageOf, runChild } from '../helpers/dedup-child.ts';
import { isRoot, mountSmallDisk, type SmallDisk } from '../helpers/dedup-limits.ts';
import { useCacheServers } from '../helpers/dedup-servers.ts';
import { collectWarnings, fetchImage, publishImage } from '../helpers/dedup-world.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { listTree } from '../helpers/temp-files.ts';

// Half a gigabyte is compressed, on machines that may be busy.
jest.setTimeout(400_000);

const makeFolder = useTempFolders();
const servers = useCacheServers(makeFolder);
const runner = createRunner({ cwd: '/', env: {} });
const MIB = 1024 * 1024;

/** About 10 MB, 8 of them in the packs. */
const WANTED: ImageRecipe = { name: 'sdk', version: '1', files: 50 };
const settingsOf = (dir: string): StoreSettings => ({ user: '', pathPrefix: '/', dir });

const describeAsRoot = isRoot ? describe : describe.skip;

describeAsRoot('a disk that is full (left out without root, who may mount a small one)', () => {
  const disks: SmallDisk[] = [];
  const smallDisk = (megabytes: number): SmallDisk => {
    const disk = mountSmallDisk(makeFolder('disk'), megabytes);
    disks.push(disk);
    return disk;
  };

  afterEach(() => {
    for (const disk of disks.splice(0)) disk.remove();
  });

  const partsOf = (dir: string): DedupParts => ({
    store: createStore(settingsOf(dir), { runner }),
    log: collectWarnings().log,
  });

  test('of a local store: said with its name, nothing is left behind, and it works when there is space', async () => {
    const [disk, spool, image] = [smallDisk(4), makeFolder('spool'), await imageOf(WANTED)];
    const parts = partsOf(disk.dir);
    await expect(publishImage(parts, image, spool)).rejects.toMatchObject({
      code: 'CACHE_DISK_FULL',
      message: expect.stringContaining(disk.dir),
    });
    expect([listTree(spool), listTree(disk.dir)]).toEqual([[], []]);
    disk.resize(64);
    await publishImage(parts, image, spool);
    await fetchImage(parts, image, spool);
  });

  test('of the spool folder: said with its name, nothing is left behind, and it works when there is space', async () => {
    const [disk, dir, image] = [smallDisk(4), makeFolder('cache'), await imageOf(WANTED)];
    const parts = partsOf(dir);
    await expect(publishImage(parts, image, disk.dir)).rejects.toMatchObject({
      code: 'CACHE_DISK_FULL',
      message: expect.stringContaining(disk.dir),
    });
    expect([listTree(disk.dir), listTree(dir)]).toEqual([[], []]);
    disk.resize(64);
    await publishImage(parts, image, disk.dir);
    await fetchImage(parts, image, disk.dir);
  });

  test('of a server: said with its name, nothing is left behind, and it works when there is space', async () => {
    const [spool, image] = [makeFolder('spool'), await imageOf(WANTED)];
    const prefix = join(servers.root(), 'small');
    mkdirSync(prefix);
    const disk = mountSmallDisk(prefix, 4);
    disks.push(disk);
    const parts = { ...partsOf('/unused'), store: servers.open({ pathPrefix: prefix }) };
    await expect(publishImage(parts, image, spool)).rejects.toMatchObject({
      code: 'CACHE_DISK_FULL',
      message: expect.stringContaining(prefix),
    });
    expect([listTree(spool), listTree(prefix)]).toEqual([[], []]);
    disk.resize(64);
    await publishImage(parts, image, spool);
    await fetchImage(parts, image, spool);
  });

  test('of the chunk store: said once, and neither a publication nor a fetch fails for it', async () => {
    const [spool, image] = [makeFolder('spool'), await imageOf(WANTED)];
    const prefix = join(servers.root(), 'roomy');
    for (const work of [publishImage, fetchImage]) {
      const disk = smallDisk(3);
      const { log, warnings } = collectWarnings();
      const chunkStore = createChunkStore({ dir: disk.dir, limitBytes: 1024 * MIB, log });
      await work({ store: servers.open({ pathPrefix: prefix }), log, chunkStore }, image, spool);
      expect(warnings).toEqual([expect.stringContaining('ENOSPC')]);
      expect(listTree(disk.dir).filter((name) => name.endsWith('.partial'))).toEqual([]);
    }
  });
});

describe('an interruption', () => {
  const IMAGE: ImageRecipe = { name: 'sdk', version: '9', files: 100 };

  const interrupt = async (more: Pick<ChildJob, 'settings' | 'action'> & Partial<ChildJob>): Promise<void> => {
    const spool = makeFolder('spool');
    const job = { image: IMAGE, spool, abortAfterBytes: 8 * MIB, ...more };
    // The process runs with --unhandled-rejections=strict and must end well; what it was doing failed with the reason of the interruption.
    const report = await runChild(job);
    expect(report.error?.message).toBe('interrupted');
    expect(report.endedAfterMs).toBeLessThan(10_000);
    expect(report.openFiles).toEqual([]);
    expect(listTree(spool)).toEqual([]);
    const { chunkDir } = job;
    if (chunkDir) expect(listTree(chunkDir).filter((name) => name.endsWith('.partial'))).toEqual([]);
    const again = await runChild({ ...job, spool, abortAfterBytes: undefined });
    expect(again.error).toBeUndefined();
    expect(listTree(spool)).toEqual([]);
  };

  const onLocalStore = async (): Promise<void> => {
    const dir = join(makeFolder('cache'), 'cache');
    await interrupt({ settings: settingsOf(dir), action: 'publish' });
    await interrupt({ settings: settingsOf(dir), action: 'fetch' });
  };

  const onServer = async (): Promise<void> => {
    const prefix = join(servers.root(), 'interrupted');
    const settings = servers.settings({ pathPrefix: prefix });
    await interrupt({ settings, action: 'publish', chunkDir: makeFolder('chunks') });
    expect(listTree(join(prefix, '.staging'))).toEqual([]);
    await interrupt({ settings, action: 'fetch', chunkDir: makeFolder('chunks') });
  };

  test('in mid-publication and in mid-fetch, on a local store and on a server, ends it soon, and nothing stays open or behind', async () => {
    await waitForAll([onLocalStore(), onServer()]);
  });
});

describe('memory', () => {
  const LARGE: ImageRecipe = { name: 'large', version: '1', files: 0, streamed: 160 };
  const MOST_BYTES = 400 * MIB;

  test('of a process that publishes a layer of 640 MiB, and of one that fetches it from a server, stays below 400 MB', async () => {
    const prefix = join(servers.root(), 'memory');
    const spool = makeFolder('spool');
    const publisher: ChildJob = { settings: settingsOf(prefix), image: LARGE, action: 'publish', spool };
    const published = await runChild(publisher);
    expect(published.error).toBeUndefined();
    const settings = servers.settings({ pathPrefix: prefix });
    const fetched = await runChild({ ...publisher, settings, action: 'fetch', chunkDir: makeFolder('chunks') });
    expect(fetched.error).toBeUndefined();
    const figures = { publish: published.peakBytes / MIB, fetch: fetched.peakBytes / MIB };
    expect(figures).toEqual({ publish: expect.any(Number), fetch: expect.any(Number) });
    expect(published.peakBytes).toBeLessThan(MOST_BYTES);
    expect(fetched.peakBytes).toBeLessThan(MOST_BYTES);
  });

  test('of a process that stores all of a layer as differences, on a server and with a chunk store, is less than 320 MB', async () => {
    const prefix = join(servers.root(), 'differences');
    const [spool, chunkDir] = [makeFolder('spool'), makeFolder('chunks')];
    const settings = servers.settings({ pathPrefix: prefix });
    const publish = (build: number) => {
      const image: ImageRecipe = { name: 'large', version: `${build}`, files: 0, streamed: 24, build };
      return runChild({ settings, image, action: 'publish', spool, chunkDir });
    };
    const reports = [await publish(1), await publish(2)];
    expect(reports.map(({ error }) => error)).toEqual([undefined, undefined]);
    const [first, second] = reports.map(({ bytes }) => bytes as PublishedBytes);
    // The second build has no chunk of the first, and yet hardly anything was sent.
    expect([second?.duplicateBytes, second?.newBytes]).toEqual([0, first?.newBytes]);
    expect(second?.packBytes).toBeLessThan((first?.packBytes ?? 0) / 20);
    expect(Math.max(...reports.map(({ peakBytes }) => peakBytes))).toBeLessThan(320 * MIB);
  });
});
