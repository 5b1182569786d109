import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { createStore, type StoreSettings } from '../../lib/cache/index.ts';
import type { DedupParts } from '../../lib/dedup/index.ts';
import { silentLog } from '../../lib/log/index.ts';
import { inParallel } from '../../lib/process/in-parallel.ts';
import { createRunner, waitForAll } from '../../lib/process/index.ts';
import { type ChildReport, type ImageRecipe, imageOf, runChild, startChild } from '../helpers/dedup-child.ts';
import { useCacheServers } from '../helpers/dedup-servers.ts';
import { fetchImage, manifestPathOf, publishImage } from '../helpers/dedup-world.ts';
import { startProxy } from '../helpers/sshd-proxy.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { digestOf, listTree, writeFileAt } from '../helpers/temp-files.ts';

// A process for each point at which one is killed, on machines that may be busy.
jest.setTimeout(300_000);

const makeFolder = useTempFolders();
const servers = useCacheServers(makeFolder);
const runner = createRunner({ cwd: '/', env: {} });

const FIRST: ImageRecipe = { name: 'sdk', version: '1', files: 6 };
const NEXT: ImageRecipe = { ...FIRST, version: '2', changed: 3 };

const settingsOf = (dir: string): StoreSettings => ({ user: '', pathPrefix: '/', dir });
const partsOf = (dir: string): DedupParts => ({ store: createStore(settingsOf(dir), { runner }), log: silentLog });

/** What is published, without what is on its way. */
const published = (dir: string): string[] =>
  listTree(dir)
    .filter((name) => !name.startsWith('.staging/'))
    .map((name) => `${name} ${digestOf(join(dir, name))}`);

/** Every how manyth change. */
const STEP = 7;

describe('a publisher that is killed', () => {
  test('before changes all along its way in a local store leaves nothing half, and the next one finishes the same', async () => {
    const [first, next] = await Promise.all([imageOf(FIRST), imageOf(NEXT)]);
    const [before, whole, spool] = [makeFolder('before'), makeFolder('whole'), makeFolder('spool')];
    await publishImage(partsOf(before), first, spool);
    cpSync(before, whole, { recursive: true });
    const job = { settings: settingsOf(whole), image: NEXT, action: 'publish', spool } as const;
    const { changes } = await runChild(job);
    expect(changes).toBeGreaterThan(40);
    const complete = published(whole);
    const manifest = manifestPathOf(NEXT);
    let resumed = 0;

    const killAt = async (at: number): Promise<void> => {
      const dir = join(makeFolder('killed'), 'cache');
      cpSync(before, dir, { recursive: true });
      const { signal } = await startChild({ ...job, settings: settingsOf(dir), killAt: at }).ended;
      expect(signal).toBe('SIGKILL');
      const parts = partsOf(dir);
      await fetchImage(parts, first, spool);
      // The id is what readers go by; the manifest may be there a moment earlier, and then all that it needs is there.
      const isVisible = existsSync(join(dir, manifest));
      if (isVisible && existsSync(join(dir, `${manifest}.DIGESTS`))) await fetchImage(parts, next, spool);
      const hadPack = readdirSync(join(dir, 'dedup/v1/packs')).filter((name) => name.endsWith('.pack')).length === 2;
      const hadPointers = readdirSync(join(dir, 'dedup/v1/layers')).length === 2;
      const bytes = await publishImage(parts, next, spool);
      expect(published(dir)).toEqual(complete);
      expect(listTree(join(dir, '.staging'))).toEqual([]);
      await fetchImage(parts, next, spool);
      if (hadPack) expect(bytes.packBytes).toBe(0);
      if (hadPack && !hadPointers) {
        expect(bytes.resumedBytes).toBeGreaterThan(0);
        resumed += 1;
      }
    };

    // Each takes a process. With a step of 1 it is every change: that passed when the test was written.
    const points = Array.from({ length: Math.ceil(changes / STEP) }, (_, at) => 1 + at * STEP);
    await inParallel(points, 2, killAt);
    expect(resumed).toBeGreaterThan(0);
  });

  test('at several bytes of its way to a server leaves nothing half, and the next one finishes', async () => {
    const large: ImageRecipe = { name: 'sdk', version: '2', files: 40, changed: 3 };
    const [first, next] = await Promise.all([imageOf(FIRST), imageOf(large)]);
    const spool = makeFolder('spool');
    const killAfter = async (bytes: number, at: number): Promise<void> => {
      const prefix = join(servers.root(), `killed-${at}`);
      const store = servers.open({ pathPrefix: prefix });
      const parts = { store, log: silentLog };
      await publishImage(parts, first, spool);
      const proxy = await startProxy(servers.sshd().port);
      const knownHosts = writeFileAt(
        join(spool, `hosts-${at}`),
        `[127.0.0.1]:${proxy.port} ${servers.sshd().hostKey}\n`,
      );
      const settings = servers.settings({ pathPrefix: prefix, sshPort: proxy.port, knownHosts });
      const { child, ended } = startChild({ settings, image: large, action: 'publish', spool: makeFolder('child') });
      while (proxy.upBytes() < bytes && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 2));
      child.kill('SIGKILL');
      expect((await ended).signal).toBe('SIGKILL');
      await proxy.stop();
      expect(existsSync(join(prefix, manifestPathOf(large)))).toBe(false);
      await fetchImage(parts, first, spool);
      const sent = await publishImage(parts, next, spool);
      expect(sent.layerBytes).toBeGreaterThan(0);
      await fetchImage(parts, next, spool);
      expect(listTree(join(prefix, '.staging')).filter((name) => !name.includes('partial'))).toEqual([]);
    };
    await waitForAll([3_000, 400_000, 3_000_000].map(killAfter));
  });
});

describe('publishers of the same image and of one with common contents at once,', () => {
  const rounds = async (settings: StoreSettings, count: number, images: readonly ImageRecipe[]): Promise<void> => {
    const run = (image: ImageRecipe): Promise<ChildReport> =>
      runChild({ settings, image, action: 'publish', spool: makeFolder('spool'), rounds: count });
    const reports = await Promise.all(images.map(run));
    for (const { error } of reports) expect(error).toBeUndefined();
    const store = settings.server ? servers.open({ pathPrefix: settings.pathPrefix }) : partsOf(settings.dir).store;
    const spool = makeFolder('spool');
    for (const image of new Set(images)) {
      for (let round = 0; round < count; round += 1) {
        await fetchImage({ store, log: silentLog }, await imageOf(image, round), spool);
      }
    }
  };

  const local = (): StoreSettings => settingsOf(join(makeFolder('cache'), 'cache'));
  const remote = (name: string): StoreSettings => {
    const pathPrefix = join(servers.root(), name);
    mkdirSync(pathPrefix);
    return servers.settings({ pathPrefix });
  };
  const OTHER: ImageRecipe = { ...FIRST, name: 'packages', changed: 2 };

  // The first two have the same image, and the third has contents in common with them.
  test('20 rounds on a local store and 4 on a server: all succeed, and everything comes back', async () => {
    const images = [FIRST, FIRST, OTHER];
    await waitForAll([rounds(local(), 20, images), rounds(remote('at-once'), 4, images)]);
  });
});
