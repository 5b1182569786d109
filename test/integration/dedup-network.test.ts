import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createChunkStore, type DedupParts } from '../../lib/dedup/index.ts';
import { silentLog } from '../../lib/log/index.ts';
import { type ChildJob, type ImageRecipe, imageOf, startChild } from '../helpers/dedup-child.ts';
import type { TestImage } from '../helpers/dedup-images.ts';
import { isRoot, makeNetwork, type TestNetwork } from '../helpers/dedup-limits.ts';
import { SHORT_PATIENCE, useCacheServers } from '../helpers/dedup-servers.ts';
import { fetchImage, manifestPathOf, publishImage } from '../helpers/dedup-world.ts';
import type { Fault } from '../helpers/https-server.ts';
import { startProxy } from '../helpers/sshd-proxy.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { listTree, writeFileAt } from '../helpers/temp-files.ts';

// Servers are waited for, on machines that may be busy.
jest.setTimeout(120_000);

const makeFolder = useTempFolders();
const servers = useCacheServers(makeFolder);
const spool = makeFolder('spool');

const WANTED: ImageRecipe = { name: 'sdk', version: '1', files: 120 };
let image: TestImage;

beforeAll(async () => {
  image = await imageOf(WANTED);
  await publishImage({ store: servers.open(), log: silentLog }, image, spool);
});

afterEach(() => {
  servers.https().onRequest = () => undefined;
});

const reader = (): DedupParts => ({
  store: servers.open({}, { patience: SHORT_PATIENCE }),
  chunkStore: createChunkStore({ dir: makeFolder('chunks'), limitBytes: 2 ** 30 }),
  log: silentLog,
});

const sizeIfThere = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

const isData = (path: string): boolean => path.endsWith('.pack') || path.endsWith('.recipe');

const FAULTS: [string, Fault][] = [
  ['resets the connection', { kind: 'cut', afterBytes: 100_000 }],
  ['resets the connection before the first byte', { kind: 'cut', afterBytes: 0 }],
  ['stalls', { kind: 'stall', afterBytes: 50_000 }],
  ['truncates what it sends', { kind: 'truncate', toBytes: 1000 }],
  ['answers with 500', { kind: 'status', status: 500 }],
  ['answers with 503', { kind: 'status', status: 503 }],
  ['ignores ranges', { kind: 'whole' }],
  ['answers with another range', { kind: 'shift', start: 512, end: 512 }],
  ['answers with a longer range', { kind: 'shift', start: 0, end: 700 }],
  ['sends more than it was asked for', { kind: 'more', bytes: 4096 }],
];

describe('a web server that', () => {
  test.each(FAULTS)('%s now and then: the fetch recovers, and the bytes are right', async (_what, fault) => {
    let requests = 0;
    servers.https().onRequest = (path) => {
      if (!isData(path)) return undefined;
      requests += 1;
      return requests % 3 === 1 ? fault : undefined;
    };
    await fetchImage(reader(), image, spool);
    expect(requests).toBeGreaterThan(2);
  });

  test.each(FAULTS.filter(([what]) => what !== 'ignores ranges'))(
    '%s always: a clear error soon, never wrong bytes; the next fetch goes on from what came',
    async (_what, fault) => {
      const parts = reader();
      let requests = 0;
      servers.https().onRequest = (path) => {
        if (!path.endsWith('.pack')) return undefined;
        requests += 1;
        return requests > 2 ? fault : undefined;
      };
      const bytes = fetchImage(parts, image, spool);
      // A cut or a short body after some progress is gone on from, again and again: that ends well, too.
      const outcome = await bytes.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (outcome !== undefined) {
        expect(outcome).toMatchObject({
          code: expect.stringMatching(/^CACHE_(UNREACHABLE|BAD_RESPONSE|RANGE_BEYOND_END)$/),
        });
      }
      servers.https().onRequest = () => undefined;
      const next = await fetchImage(parts, image, spool);
      expect(next.localBytes).toBeGreaterThan(0);
      expect(listTree(spool)).toEqual([]);
    },
  );

  test('redirects elsewhere in mid-fetch is not followed to another host', async () => {
    const location = 'https://localhost:1/elsewhere';
    servers.https().onRequest = (path) =>
      path.endsWith('.pack') ? { kind: 'status', status: 302, location } : undefined;
    await expect(fetchImage(reader(), image, spool)).rejects.toMatchObject({
      code: 'CACHE_BAD_RESPONSE',
      message: expect.stringContaining('https://localhost:1'),
    });
  });

  test('has no pack any more is told from one that is out of order', async () => {
    servers.https().onRequest = (path) => (path.endsWith('.pack') ? { kind: 'status', status: 404 } : undefined);
    await expect(fetchImage(reader(), image, spool)).rejects.toMatchObject({ code: 'DEDUP_PACK_LOST' });
  });
});

test('an sshd that is killed in mid-upload and started again is waited for, and the publication succeeds', async () => {
  const prefix = join(servers.root(), 'restarted');
  const proxy = await startProxy(servers.sshd().port);
  proxy.throttle(20_000_000);
  const knownHosts = writeFileAt(
    join(makeFolder('ssh'), 'hosts'),
    `[127.0.0.1]:${proxy.port} ${servers.sshd().hostKey}\n`,
  );
  const store = servers.open({ pathPrefix: prefix, sshPort: proxy.port, knownHosts });
  const publishing = publishImage({ store, log: silentLog }, image, spool);
  while (proxy.upBytes() < 4_000_000) await sleep(5);
  expect(existsSync(join(prefix, manifestPathOf(image)))).toBe(false);
  proxy.cutAfter(0);
  await servers.restartSshd();
  await publishing;
  await proxy.stop();
  await fetchImage({ store: servers.open({ pathPrefix: prefix }), log: silentLog }, image, spool);
  // Some 17 MB in all: what had come before the cut was not sent again.
  expect(readdirSync(join(prefix, '.staging')).filter((name) => name !== 'partial')).toEqual([]);
});

/** Longer than a connection may be idle, so that it is given up. */
const OUTAGE_MS = 1200;

const describeAsRoot = isRoot ? describe : describe.skip;

describeAsRoot('over a real line in a network namespace (left out without root)', () => {
  let network: TestNetwork;

  beforeAll(async () => {
    network = makeNetwork();
    await network.lead(servers.https().port);
    await network.lead(servers.sshd().port);
  });

  afterAll(() => network.remove());

  const job = (action: 'publish' | 'fetch', more: Partial<ChildJob> = {}): ChildJob => {
    const { port, hostKey } = servers.sshd();
    const knownHosts = writeFileAt(join(makeFolder('ssh'), 'hosts'), `[${network.address}]:${port} ${hostKey}\n`);
    const url = `https://${network.address}:${servers.https().port}`;
    const settings = servers.settings({ server: network.address, knownHosts, url });
    const patience = { tries: 6, firstDelayMs: 200, idleMs: 700 };
    return {
      settings,
      image: WANTED,
      action,
      spool: makeFolder('spool'),
      chunkDir: makeFolder('chunks'),
      patience,
      ...more,
    };
  };

  const untilServed = async (bytes: number): Promise<void> => {
    const before = servers.https().servedBytes();
    while (servers.https().servedBytes() - before < bytes) await sleep(5);
  };

  test('a slow line that is cut for a while in mid-fetch: the fetch goes on', async () => {
    network.throttle('60mbit');
    const { ended } = startChild(job('fetch'), network.command);
    await untilServed(6_000_000);
    network.setUp(false);
    await sleep(OUTAGE_MS);
    network.setUp(true);
    network.throttle('1gbit');
    const { code, report, errors } = await ended;
    expect({ code, errors, error: report?.error }).toEqual({ code: 0, errors: '', error: undefined });
  });

  test('a line that is cut for good in mid-fetch: an error that names the server, and nothing is left behind', async () => {
    network.throttle('60mbit');
    const wanted = job('fetch', { patience: { tries: 2, firstDelayMs: 100, idleMs: 700 } });
    const { ended } = startChild(wanted, network.command);
    await untilServed(6_000_000);
    network.setUp(false);
    const { code, report } = await ended;
    network.setUp(true);
    network.throttle('1gbit');
    expect(code).toBe(0);
    expect(report?.error).toMatchObject({
      code: 'CACHE_UNREACHABLE',
      message: expect.stringContaining(network.address),
    });
    expect(report?.openFiles).toEqual([]);
    expect(listTree(wanted.spool)).toEqual([]);
    expect(listTree(wanted.chunkDir as string).filter((name) => name.endsWith('.partial'))).toEqual([]);
    const again = await startChild(wanted, network.command).ended;
    expect(again.report?.error).toBeUndefined();
  });

  test('a slow line that is cut for a while in mid-publication: the publication goes on', async () => {
    const other: ImageRecipe = { ...WANTED, version: '7', seed: 'other' };
    network.throttleUp('60mbit');
    const { ended } = startChild(job('publish', { image: other }), network.command);
    // In the middle of the upload: a part has come, and the rest is still to come.
    const staging = join(servers.root(), '.staging');
    const arrived = (): number => listTree(staging).reduce((sum, path) => sum + sizeIfThere(join(staging, path)), 0);
    while (arrived() < 3_000_000) await sleep(5);
    expect(existsSync(join(servers.root(), manifestPathOf(other)))).toBe(false);
    network.setUp(false);
    await sleep(OUTAGE_MS);
    network.setUp(true);
    network.throttleUp('1gbit');
    const { code, report, errors } = await ended;
    expect({ code, errors, error: report?.error }).toEqual({ code: 0, errors: '', error: undefined });
    await fetchImage(reader(), await imageOf(other), spool);
    rmSync(join(servers.root(), manifestPathOf(other)));
  });
});
