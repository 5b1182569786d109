import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type CacheStore, createArtifactCache, createStore } from '../../lib/cache/index.ts';
import {
  type CacheTools,
  collectCache,
  type MirrorReport,
  measureUsage,
  mirrorCache,
  repairCache,
  verifyCache,
} from '../../lib/cache-tools/index.ts';
import { silentLog } from '../../lib/log/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { age, filesIn, openLocalWorld, readImage } from '../helpers/cache-tools-world.ts';
import { makeCertificates, startHttpsServer, type TestHttpsServer } from '../helpers/https-server.ts';
import { startSshd, type TestSshd } from '../helpers/sshd.ts';
import { makeLayer, noise, publishSynthetic } from '../helpers/synthetic-image.ts';
import { useTempFolders } from '../helpers/temp.ts';

// Programs are started, on machines that may be busy.
jest.setTimeout(120_000);

const CACHE = join(import.meta.dirname, '../../ci-automation/cache.ts');
const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: { PATH: process.env.PATH } });
const DAY_MS = 24 * 3600_000;
const policy = { keepReleases: true, keep: [] };

let sshd: TestSshd;
let https: TestHttpsServer;
let root: string;
let caFile: string;
let store: CacheStore;
let tools: CacheTools;

beforeAll(async () => {
  const certificates = makeCertificates(makeFolder('pki'));
  root = makeFolder('root');
  ({ caFile } = certificates);
  https = await startHttpsServer(root, certificates);
  sshd = await startSshd({ folder: makeFolder('sshd') });
  const settings = {
    server: '127.0.0.1',
    user: sshd.user,
    pathPrefix: root,
    sshPort: sshd.port,
    sshKey: sshd.clientKey,
    knownHosts: sshd.knownHosts,
    url: https.url,
    caFile: certificates.caFile,
    dir: '',
  };
  store = createStore(settings, { runner, tempFolder: makeFolder('temp') });
  tools = { store, temp: makeFolder('tools'), log: silentLog };
});

afterAll(async () => {
  await store.close();
  await sshd.stop();
  await https.stop();
});

const layerOf = (seed: string): Buffer => makeLayer({ [seed]: noise(seed, 120_000) });
const publish = (version: string, ...seeds: readonly string[]) =>
  publishSynthetic(store, join(makeFolder(), 'p'), { name: 'sdk', version, layers: seeds.map(layerOf) });
const verify = (own = tools) => verifyCache(own, { fromStart: false, deep: true });

test('on a server: garbage goes to the trash, comes back for an image that needs it, is verified, repaired and mirrored both ways', async () => {
  await publish('1.0.0-a', 'base', 'one');
  await publish('1.0.0-b', 'base', 'two');
  const file = join(makeFolder(), 'disk.bin');
  writeFileSync(file, noise('disk', 200_000));
  await createArtifactCache({ store }).publish({ folder: 'images/amd64/1.0.0+a', files: [file] });
  expect((await verify()).problems).toEqual([]);
  expect((await measureUsage(tools)).total.storedBytes).toBeGreaterThan(300_000);

  // To a folder, and from the folder to another one.
  const copy = openLocalWorld(makeFolder());
  const dry = await mirrorCache(tools, copy.store, { dryRun: true, deletes: true });
  const report = await mirrorCache(tools, copy.store, { dryRun: false, deletes: true });
  expect({ ...report, dryRun: true }).toEqual(dry);
  expect(filesIn(copy.dir)).toEqual(filesIn(root));
  for (const path of filesIn(root))
    expect(readFileSync(join(copy.dir, path)).equals(readFileSync(join(root, path)))).toBe(true);
  expect((await mirrorCache(tools, copy.store, { dryRun: false, deletes: true })).copied).toEqual([]);
  expect((await verify(copy.tools)).problems).toEqual([]);

  // A version is deleted, and collected by the server's clock.
  age(root, 3, (path) => path.startsWith('dedup/'));
  await store.remove('containers/1.0.0-b');
  const wanted = { policy, graceMs: DAY_MS, dryRun: false };
  const planned = await collectCache(tools, { ...wanted, dryRun: true });
  const done = await collectCache(tools, wanted);
  expect({ ...done, dryRun: true }).toEqual(planned);
  expect(done.trashed.length).toBe(3);
  expect(done.deleted).toEqual([]);
  expect(await readImage(store, 'sdk', '1.0.0-a')).toBeGreaterThan(200_000);
  const later = { ...wanted, clock: async () => Date.now() + 2 * DAY_MS };
  expect((await collectCache(tools, later)).deleted.length).toBe(3);
  expect((await verify()).problems).toEqual([]);

  // What is gone here goes there, and what was damaged there is not copied.
  const second = await mirrorCache(tools, copy.store, { dryRun: false, deletes: true });
  expect(second.deleted.some((path) => path.includes('1.0.0-b'))).toBe(true);
  expect(filesIn(copy.dir)).toEqual(filesIn(root));
  expect((await verify(copy.tools)).problems).toEqual([]);

  const [index = ''] = filesIn(root).filter((path) => path.endsWith('.idx'));
  rmSync(join(root, index));
  expect((await repairCache(tools, { dryRun: false })).indexes).toEqual([index]);
  expect((await verify()).problems).toEqual([]);
});

test('a damaged pack is not mirrored, nor are the marks of the images that need it; all else is', async () => {
  const [first, other] = [openLocalWorld(makeFolder()), openLocalWorld(makeFolder())];
  const own = (version: string, seed: string) =>
    publishSynthetic(first.store, join(first.tools.temp, 'p'), { name: 'sdk', version, layers: [layerOf(seed)] });
  await own('1.0.0-a', 'one');
  const [pack = ''] = filesIn(first.dir).filter((path) => path.endsWith('.pack'));
  await own('1.0.0-b', 'two');
  const bytes = readFileSync(join(first.dir, pack));
  const { atime, mtime } = statSync(join(first.dir, pack));
  bytes[5000] = (bytes[5000] as number) ^ 1;
  writeFileSync(join(first.dir, pack), bytes);
  utimesSync(join(first.dir, pack), atime, mtime);
  const { problems } = await mirrorCache(first.tools, other.store, { dryRun: false, deletes: false });
  expect(problems).toEqual([{ path: pack, problem: expect.stringContaining('damaged'), affects: ['sdk:1.0.0-a'] }]);
  await readImage(other.store, 'sdk', '1.0.0-b');
  await expect(readImage(other.store, 'sdk', '1.0.0-a')).rejects.toThrow(/^no containers/);
  expect(filesIn(other.dir).filter((path) => /1\.0\.0-a\.(id|image\.json)$/.test(path))).toEqual([]);
});

test('the command mirrors a folder to a server, says the same before, and later only what changed', async () => {
  const from = openLocalWorld(makeFolder());
  const own = (version: string, seed: string) =>
    publishSynthetic(from.store, join(from.tools.temp, 'p'), { name: 'sdk', version, layers: [layerOf(seed)] });
  await own('1.0.0-a', 'one');
  const file = join(makeFolder(), 'disk.bin');
  writeFileSync(file, noise('disk', 3_000_000));
  await createArtifactCache({ store: from.store }).publish({ folder: 'images/amd64/1.0.0+a', files: [file] });
  mkdirSync(join(root, 'copy'));
  const mirror = (...flags: string[]): MirrorReport => {
    const words = ['mirror', `${sshd.user}@127.0.0.1:${root}/copy`, '--json', '--delete', ...flags];
    const to = ['--to-ssh-port', `${sshd.port}`, '--to-ssh-key', sshd.clientKey, '--to-known-hosts', sshd.knownHosts];
    const web = ['--to-url', `${https.url}/copy`, '--to-ca-file', caFile];
    const env = { ...process.env, BUILDCACHE_SERVER: '', BUILDCACHE_DIR: from.dir };
    return JSON.parse(
      execFileSync(CACHE, [...words, ...to, ...web], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  };
  const planned = mirror('--dry-run');
  expect(filesIn(join(root, 'copy'))).toEqual([]);
  expect({ ...mirror(), dryRun: true }).toEqual(planned);
  expect(planned.copied).toEqual(expect.arrayContaining(filesIn(from.dir)));
  const isEqual = (path: string): boolean =>
    readFileSync(join(root, 'copy', path)).equals(readFileSync(join(from.dir, path)));
  expect(filesIn(join(root, 'copy'))).toEqual(filesIn(from.dir));
  expect(filesIn(from.dir).filter((path) => !isEqual(path))).toEqual([]);

  // A night more here, and a version less: only that moves.
  await own('1.0.0-b', 'two');
  await from.store.remove('images/amd64/1.0.0+a');
  const { copied, deleted } = mirror();
  expect(copied.filter((path) => path.endsWith('.pack'))).toHaveLength(1);
  expect(deleted).toContain('images/amd64/1.0.0+a/disk.bin');
  expect(filesIn(join(root, 'copy'))).toEqual(filesIn(from.dir));
  rmSync(join(root, 'copy'), { recursive: true });
});
