import { readdirSync, renameSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type CacheStore, createMirrorStore, createStore, type StoreParts } from '../../lib/cache/index.ts';
import { createLog, type LogEvent } from '../../lib/log/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { type Fault, makeCertificates, startHttpsServer, type TestHttpsServer } from '../helpers/https-server.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { noise, writeFileAt } from '../helpers/temp-files.ts';

// Servers are started, on machines that may be busy.
jest.setTimeout(60_000);

const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: {} });
const SIZE = 8 * 1024 * 1024;
const DATA = noise(SIZE);
const [OFFSET, LENGTH] = [1_000_001, 3_000_000];
const WANTED = DATA.subarray(OFFSET, OFFSET + LENGTH);

let root: string;
let caFile: string;
let server: TestHttpsServer;
let other: TestHttpsServer;
const stores: CacheStore[] = [];

beforeAll(async () => {
  root = makeFolder('root');
  const certificates = makeCertificates(makeFolder('pki'));
  caFile = certificates.caFile;
  server = await startHttpsServer(root, certificates);
  other = await startHttpsServer(root, certificates);
  writeFileAt(join(root, 'packs', 'big'), DATA);
});

afterAll(async () => {
  for (const store of stores) await store.close();
  await server.stop();
  await other.stop();
});

beforeEach(() => {
  server.onRequest = () => undefined;
  server.requests.length = 0;
  other.requests.length = 0;
});

const open = (parts: Partial<StoreParts> = {}): CacheStore => {
  const patience = { tries: 4, firstDelayMs: 20, idleMs: 20_000 };
  const settings = { server: '127.0.0.1', user: '', pathPrefix: '/', dir: '', url: server.url, caFile };
  const store = createStore(settings, { runner, patience, ...parts });
  stores.push(store);
  return store;
};

/** For servers that stall: so long without a byte on a busy machine says nothing of one that does not. */
const impatient = (): CacheStore => open({ patience: { tries: 4, firstDelayMs: 20, idleMs: 400 } });

/** The next requests go wrong in these ways, one after the other; those after them are fine. */
const inject = (...faults: (Fault | undefined)[]): void => {
  server.onRequest = () => faults.shift();
};

const ranges = (): (string | undefined)[] => server.requests.map(({ range }) => range);
const sentBytes = (): number => server.requests.reduce((sum, one) => sum + one.bodyBytes(), 0);
const read = (store = open()): Promise<Buffer> => store.readRange('packs/big', OFFSET, LENGTH);

describe('a range of a file', () => {
  test('just the bytes asked for cross the network, in one request', async () => {
    expect((await read()).equals(WANTED)).toBe(true);
    expect(ranges()).toEqual([`bytes=${OFFSET}-${OFFSET + LENGTH - 1}`]);
    expect(sentBytes()).toBe(LENGTH);
  });

  test('the first byte, the last byte, the whole, nothing', async () => {
    const store = open();
    for (const [offset, length] of [
      [0, 1],
      [SIZE - 1, 1],
      [0, SIZE],
      [SIZE, 0],
      [17, 0],
    ] as const) {
      const bytes = await store.readRange('packs/big', offset, length);
      expect(bytes.equals(DATA.subarray(offset, offset + length))).toBe(true);
    }
  });

  test('many at once over connections that stay open', async () => {
    const store = open();
    const before = server.connections();
    const starts = Array.from({ length: 60 }, (_, at) => at * 100_003);
    const parts = await Promise.all(starts.map((start) => store.readRange('packs/big', start, 65_537)));
    for (const [at, start] of starts.entries())
      expect(parts[at]?.equals(DATA.subarray(start, start + 65_537))).toBe(true);
    expect(server.requests).toHaveLength(60);
    expect(server.connections() - before).toBeLessThanOrEqual(8);
  });

  test('a file that is not there is missing at once', async () => {
    await expect(open().readRange('packs/none', 0, 10)).rejects.toMatchObject({
      code: 'CACHE_ARTIFACT_MISSING',
      data: { path: 'packs/none' },
    });
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    [SIZE - 10, 11],
    [SIZE, 1],
    [SIZE + 5, 10],
  ])('a range from %d, %d long, is longer than the file: named, not asked again', async (offset, length) => {
    await expect(open().readRange('packs/big', offset, length)).rejects.toMatchObject({
      code: 'CACHE_RANGE_BEYOND_END',
      kind: 'unverified',
      data: { path: 'packs/big', offset, length, sizeBytes: SIZE },
    });
    expect(server.requests).toHaveLength(1);
    inject({ kind: 'whole' });
    await expect(open().readRange('packs/big', offset, length)).rejects.toMatchObject({
      code: 'CACHE_RANGE_BEYOND_END',
    });
  });

  test('numbers that cannot be, and paths outside', async () => {
    const store = open();
    for (const [offset, length] of [
      [-1, 5],
      [0.5, 5],
      [0, -1],
      [0, 2 ** 40],
      [2 ** 53, 1],
      [Number.NaN, 1],
    ] as const) {
      await expect(store.readRange('packs/big', offset, length)).rejects.toThrow(RangeError);
    }
    await expect(store.readRange('../x', 0, 1)).rejects.toMatchObject({ code: 'CACHE_PATH_INVALID' });
    expect(server.requests).toHaveLength(0);
  });

  test('a mirror gives ranges and bytes as the cache does', async () => {
    const mirror = createMirrorStore({ url: server.url, caFile });
    stores.push(mirror);
    expect((await read(mirror)).equals(WANTED)).toBe(true);
    await expect(mirror.readBytes('packs/big', SIZE)).resolves.toHaveLength(SIZE);
    await expect(mirror.rename('packs/big', 'x')).rejects.toMatchObject({ code: 'CACHE_SETTING_INVALID' });
    await expect(mirror.entries('packs')).rejects.toMatchObject({ code: 'CACHE_SETTING_INVALID' });
  });
});

describe('a server that fails in the middle of a range', () => {
  test('a cut connection is gone on from where it was cut', async () => {
    const cut = { kind: 'cut', afterBytes: 1_000_000 } as const;
    // More cuts than tries that may fail: each gets something done.
    inject(
      cut,
      cut,
      { kind: 'cut', afterBytes: 300_000 },
      { kind: 'cut', afterBytes: 300_000 },
      { kind: 'cut', afterBytes: 200_000 },
    );
    expect((await read()).equals(WANTED)).toBe(true);
    const starts = ranges().map((range) => Number(/=(\d+)-/.exec(range ?? '')?.[1]));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(starts.at(-1)).toBeGreaterThan(OFFSET + 2_000_000);
    expect(new Set(ranges().map((range) => range?.split('-')[1]))).toEqual(new Set([String(OFFSET + LENGTH - 1)]));
    expect(sentBytes()).toBeLessThan(LENGTH * 1.4);
  });

  test('a stall is noticed, and gone on from', async () => {
    inject({ kind: 'stall', afterBytes: 1_000_000 });
    expect((await read(impatient())).equals(WANTED)).toBe(true);
    expect(server.requests.length).toBeGreaterThan(1);
  });

  test('a stall before the first byte, for ever, is named after all tries', async () => {
    server.onRequest = () => ({ kind: 'stall', afterBytes: 0 });
    await expect(read(impatient())).rejects.toMatchObject({
      code: 'CACHE_UNREACHABLE',
      data: { tries: 4, problem: 'nothing came for 0.4 s', doing: 'read a part of big' },
    });
  });

  test('500, 503 and 429 are asked again', async () => {
    inject({ kind: 'status', status: 500 }, { kind: 'status', status: 503 }, { kind: 'status', status: 429 });
    expect((await read()).equals(WANTED)).toBe(true);
    expect(server.requests).toHaveLength(4);
  });

  test('404 after a cut is a missing file', async () => {
    inject({ kind: 'cut', afterBytes: 1_000_000 }, { kind: 'status', status: 404 });
    await expect(read()).rejects.toMatchObject({ code: 'CACHE_ARTIFACT_MISSING' });
  });

  test('403 is told at once', async () => {
    inject({ kind: 'status', status: 403 });
    await expect(read()).rejects.toMatchObject({ code: 'CACHE_BAD_RESPONSE' });
    expect(server.requests).toHaveLength(1);
  });

  test('a file that becomes another one between two tries is read from the start: never a mixture', async () => {
    const [before, after] = ['before', 'after'].map((seed) => noise(SIZE, seed));
    const file = writeFileAt(join(root, 'changing'), before ?? '');
    const next = writeFileAt(join(root, 'next'), after ?? '');
    utimesSync(next, 1, 1);
    server.onRequest = (_path, _method, count) => {
      if (count === 2) renameSync(next, file);
      return count === 1 ? { kind: 'cut', afterBytes: 1_000_000 } : undefined;
    };
    const bytes = await open().readRange('changing', OFFSET, LENGTH);
    expect(bytes.equals((after ?? Buffer.alloc(0)).subarray(OFFSET, OFFSET + LENGTH))).toBe(true);
  });

  test('an interruption ends it at once, with its reason', async () => {
    const controller = new AbortController();
    const reason = new Error('interrupted');
    server.onRequest = () => {
      setImmediate(() => controller.abort(reason));
      return { kind: 'stall', afterBytes: 1000 };
    };
    await expect(read(open({ signal: controller.signal }))).rejects.toBe(reason);
  });
});

describe('a server that does not answer what was asked', () => {
  const WRONG: [string, Fault][] = [
    ['begins too late', { kind: 'shift', start: 1, end: 0 }],
    ['begins too early', { kind: 'shift', start: -1, end: 0 }],
    ['is another of the same length', { kind: 'shift', start: 5, end: 5 }],
    ['ends too early', { kind: 'shift', start: 0, end: -1 }],
    ['ends too late', { kind: 'shift', start: 0, end: 1 }],
    ['is announced shorter than it is to be', { kind: 'truncate', toBytes: LENGTH - 1 }],
    ['has more bytes than announced', { kind: 'more', bytes: 1 }],
  ];

  test.each(WRONG)('a range that %s is not accepted', async (_name, fault) => {
    inject(fault);
    expect((await read()).equals(WANTED)).toBe(true);
    expect(server.requests.length).toBeGreaterThan(1);
    server.onRequest = () => fault;
    await expect(read()).rejects.toMatchObject({ code: 'CACHE_UNREACHABLE', data: { tries: 4 } });
  });

  test('of a server that ignores ranges the wanted part is taken, and the rest is not waited for', async () => {
    const events: LogEvent[] = [];
    inject({ kind: 'whole' });
    expect((await read(open({ log: createLog((event) => events.push(event)) }))).equals(WANTED)).toBe(true);
    expect(server.requests).toHaveLength(1);
    expect(events).toEqual([]);
    // What comes after the range: stalled, it would be waited for if it were wanted.
    inject({ kind: 'whole' });
    expect((await open().readRange('packs/big', 0, 10)).equals(DATA.subarray(0, 10))).toBe(true);
    expect(sentBytes()).toBeLessThan(SIZE * 2);
  });

  test('of a server that ignores ranges, cut in the middle: gone on without what came', async () => {
    server.onRequest = () => (server.requests.length > 1 ? { kind: 'whole' } : { kind: 'cut', afterBytes: 1_500_000 });
    expect((await read()).equals(WANTED)).toBe(true);
  });

  test('a redirect to another host or port is not followed for a range, and nothing is asked there', async () => {
    const places = ['https://elsewhere.test/packs/big', `http://127.0.0.1:${server.port}/packs/big`];
    for (const location of places) {
      inject({ kind: 'status', status: 302, location });
      await expect(read()).rejects.toMatchObject({
        code: 'CACHE_BAD_RESPONSE',
        message: expect.stringContaining('redirects to another place'),
      });
    }
    inject({ kind: 'status', status: 302, location: `https://localhost:${other.port}/packs/big` });
    await expect(read()).rejects.toMatchObject({ code: 'CACHE_BAD_RESPONSE' });
    expect(other.requests).toHaveLength(0);
  });

  test('a redirect on this host is followed with the range', async () => {
    server.onRequest = (path) =>
      path === '/moved' ? { kind: 'status', status: 301, location: '/packs/big' } : undefined;
    expect((await open().readRange('moved', OFFSET, LENGTH)).equals(WANTED)).toBe(true);
    expect(sentBytes()).toBe(LENGTH);
  });
});

describe('small files as bytes', () => {
  test('bytes as they are, an empty file, none', async () => {
    const store = open();
    const odd = Buffer.from([0, 255, 254, 10, 13, 0, 128]);
    writeFileAt(join(root, 'small', 'odd'), odd);
    writeFileAt(join(root, 'small', 'empty'), '');
    expect((await store.readBytes('small/odd'))?.equals(odd)).toBe(true);
    await expect(store.readBytes('small/empty')).resolves.toHaveLength(0);
    await expect(store.readBytes('small/none')).resolves.toBeUndefined();
    expect(readdirSync(join(root, 'small'))).toEqual(['empty', 'odd']);
  });

  test('a file that is longer than the limit is refused before it is read', async () => {
    await expect(open().readBytes('packs/big')).rejects.toMatchObject({
      code: 'CACHE_FILE_TOO_LONG',
      data: { path: 'packs/big', maxBytes: 4 * 1024 * 1024 },
    });
    await expect(open().readBytes('packs/big', SIZE - 1)).rejects.toMatchObject({ code: 'CACHE_FILE_TOO_LONG' });
    expect((await open().readBytes('packs/big', SIZE))?.equals(DATA)).toBe(true);
  });

  test('a cut is tried again', async () => {
    inject({ kind: 'cut', afterBytes: 1_000_000 });
    expect((await open().readBytes('packs/big', SIZE))?.equals(DATA)).toBe(true);
  });
});

describe('names with sizes and times', () => {
  test('a web server alone does not tell, nor can it rename', async () => {
    await expect(open().entries('packs')).rejects.toMatchObject({
      code: 'CACHE_SETTING_INVALID',
      data: { setting: 'BUILDCACHE_USER' },
    });
    await expect(open().rename('packs/big', 'packs/small')).rejects.toMatchObject({ code: 'CACHE_SETTING_INVALID' });
  });
});
