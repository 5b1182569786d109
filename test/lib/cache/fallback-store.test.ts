import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createFallbackStore } from '../../../lib/cache/fallback-store.ts';
import { type CacheStore, createArtifactCache } from '../../../lib/cache/index.ts';
import { createLocalStore } from '../../../lib/cache/local-store.ts';
import { slipwayError } from '../../../lib/errors/index.ts';
import { createLog, type LogEvent } from '../../../lib/log/index.ts';
import { useTempFolders } from '../../helpers/temp.ts';

const makeTemp = useTempFolders();
let first = '';
let second = '';
let nowMs = 0;
let events: LogEvent[] = [];
beforeEach(() => {
  first = makeTemp();
  second = makeTemp();
  nowMs = 0;
  events = [];
});

const put = (dir: string, path: string, text: string): void => {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
};

const publish = async (dir: string, path: string, text: string): Promise<void> => {
  const file = join(makeTemp(), path.split('/').at(-1) ?? '');
  writeFileSync(file, text);
  await createArtifactCache({ store: createLocalStore({ dir }) }).publish({ folder: dirname(path), files: [file] });
};

/** A store whose every answer is that it cannot be reached; counts how often it is asked. */
const silentStore = () => {
  const asked: string[] = [];
  const refuse = async (): Promise<never> => {
    asked.push('');
    throw slipwayError('CACHE_UNREACHABLE', { host: 'cache.example', doing: 'read', tries: 6, problem: 'it is down' });
  };
  const store = new Proxy(createLocalStore({ dir: first }), {
    get: (target, name) => (name === 'location' || name === 'close' ? Reflect.get(target, name) : refuse),
    ownKeys: (target) => Reflect.ownKeys(target),
  });
  return { asked, store };
};

const open = (store: CacheStore = createLocalStore({ dir: first }), mirror = createLocalStore({ dir: second })) => {
  const log = createLog((event) => events.push(event));
  return createFallbackStore({ store, mirror, log, now: () => nowMs });
};

const warnings = (): string[] => events.flatMap((event) => (event.kind === 'warning' ? event.text : []));

describe('a store with a mirror', () => {
  test('has what either of the two has, and the cache comes first', async () => {
    put(first, 'a/both', 'of the cache');
    put(second, 'a/both', 'of the mirror');
    put(second, 'b/only', 'of the mirror');
    const store = open();
    expect(await store.readText('a/both')).toBe('of the cache');
    expect(await store.readText('b/only')).toBe('of the mirror');
    expect((await store.readBytes('b/only'))?.toString()).toBe('of the mirror');
    expect((await store.readRange('b/only', 3, 3)).toString()).toBe('the');
    expect([await store.size('b/only'), await store.rangedSize?.('b/only'), await store.size('b/none')]).toEqual([
      13,
      13,
      undefined,
    ]);
    expect([await store.list('a'), await store.list('b'), await store.list('c')]).toEqual([['both'], ['only'], []]);
    const file = join(makeTemp(), 'only');
    await store.download('b/only', file);
    expect(readFileSync(file, 'utf8')).toBe('of the mirror');
    await expect(store.download('b/none', file)).rejects.toMatchObject({
      code: 'CACHE_ARTIFACT_MISSING',
      data: { location: first },
    });
    expect(warnings()).toEqual([]);
  });

  test('writes to the cache and nowhere else', async () => {
    const file = join(makeTemp(), 'x');
    writeFileSync(file, 'x');
    put(second, 'gone', '');
    const store = open();
    await store.publish([{ file, path: 'made/x' }]);
    await store.remove('gone');
    expect(readFileSync(join(first, 'made/x'), 'utf8')).toBe('x');
    expect(await createLocalStore({ dir: second }).list('')).toEqual(['gone']);
  });

  test('does not wait for a cache that does not answer more than once a minute, and says so each time', async () => {
    put(second, 'a', '1');
    const { asked, store: silent } = silentStore();
    const store = open(silent);
    expect([await store.readText('a'), await store.size('a')]).toEqual(['1', 1]);
    expect([asked.length, warnings().length]).toEqual([1, 1]);
    expect(warnings()[0]).toContain(`Reading from the mirror ${second}`);
    nowMs = 60_001;
    expect(await store.readText('a')).toBe('1');
    expect([asked.length, warnings().length]).toEqual([2, 2]);
    // What nobody has is not known to be missing: the cache may have it.
    await expect(store.readText('b')).rejects.toMatchObject({ code: 'CACHE_UNREACHABLE' });
    await expect(store.readRange('b', 0, 1)).rejects.toMatchObject({ code: 'CACHE_UNREACHABLE' });
  });

  test('with a mirror that does not answer is the cache alone', async () => {
    put(first, 'a', '1');
    const { store: silent } = silentStore();
    const store = open(undefined, silent);
    expect([await store.readText('a'), await store.readText('b')]).toEqual(['1', undefined]);
    await expect(store.download('b', join(makeTemp(), 'b'))).rejects.toMatchObject({ code: 'CACHE_ARTIFACT_MISSING' });
  });
});

describe('artifacts', () => {
  test('are verified wherever they are from, and what does not verify is not made good by the mirror', async () => {
    await publish(second, 'sdk/1/sdk.tar', 'the SDK');
    const cache = createArtifactCache({ store: open(), secondTryMs: 0 });
    const to = makeTemp();
    expect((await cache.fetch('sdk/1/sdk.tar', to)).sizeBytes).toBe(7);
    rmSync(join(to, 'sdk.tar'));
    put(second, 'sdk/1/sdk.tar', 'another');
    await expect(cache.fetch('sdk/1/sdk.tar', to)).rejects.toMatchObject({ code: 'ARTIFACT_DIGEST_MISMATCH' });

    await publish(first, 'sdk/2/sdk.tar', 'the SDK');
    await publish(second, 'sdk/2/sdk.tar', 'the SDK');
    put(first, 'sdk/2/sdk.tar', 'another');
    await expect(cache.fetch('sdk/2/sdk.tar', to)).rejects.toMatchObject({ code: 'ARTIFACT_DIGEST_MISMATCH' });
  });
});
