import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { createArtifactCache, createStore } from '../../../lib/cache/index.ts';
import { createLocalFs } from '../../../lib/cache/local-fs.ts';
import { takePublishLock } from '../../../lib/cache/publish-lock.ts';
import { createRunner } from '../../../lib/process/index.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { digestOf, listTree, noise, writeFileAt } from '../../helpers/temp-files.ts';
import { REFUSED, startPublisher } from '../../helpers/temp-publisher.ts';

const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: {} });
const NAMES = ['a.bin', 'b.bin', 'c.id'];
const FOLDER = 'containers/1.2.3';

const settingsOf = (dir: string) => ({ user: '', pathPrefix: '/', sshPort: 22, dir });

const makeSet = (seed: string, sizeBytes: number): string[] => {
  const work = makeFolder(seed);
  return NAMES.map((name) => writeFileAt(join(work, name), noise(sizeBytes, seed + name)));
};

describe('kill -9 of a publisher', () => {
  test('readers see whole files in order, and running it again completes the set', async () => {
    const files = makeSet('killed', 6 * 1024 * 1024);
    const digests = files.map((file) => digestOf(file));
    let interrupted = 0;
    for (let round = 0; round < 4; round += 1) {
      const dir = makeFolder('cache');
      const job = { settings: settingsOf(dir), folder: FOLDER, files, last: ['c.id'], tempFolder: makeFolder() };
      const { child, ended } = startPublisher(job);
      // Early while digesting, later while copying or renaming: wherever it is when the first staged bytes are seen.
      const staged = () => existsSync(join(dir, '.staging')) && listTree(join(dir, '.staging')).length > round % 3;
      while (child.exitCode === null && !staged()) await sleep(1);
      await sleep(round * 4);
      child.kill('SIGKILL');
      interrupted += (await ended) === null ? 1 : 0;

      const seen = NAMES.map((name) => existsSync(join(dir, FOLDER, name)));
      for (const [at, name] of NAMES.entries())
        if (seen[at]) expect(digestOf(join(dir, FOLDER, name))).toBe(digests[at]);
      if (seen[2]) expect(listTree(join(dir, FOLDER))).toHaveLength(6);

      await expect(startPublisher(job).ended).resolves.toBe(0);
      const cache = createArtifactCache({ store: createStore(settingsOf(dir), { runner }) });
      for (const name of NAMES) await cache.fetch(`${FOLDER}/${name}`, join(dir, 'fetched'));
      expect(listTree(join(dir, '.staging'))).toEqual([]);
      rmSync(dir, { recursive: true });
    }
    expect(interrupted).toBeGreaterThan(1);
  }, 120_000);
});

describe('two publishers at once', () => {
  test.each([
    { name: 'of different content: one wins whole, the other is refused', replace: false },
    { name: 'of different content that may be replaced: what is there in the end is one whole set', replace: true },
  ])(
    '$name, and readers never take a mixture',
    async ({ replace }) => {
      const dir = makeFolder('cache');
      const sets = ['one', 'two'].map((seed) => makeSet(seed, 300_000));
      const known = new Set(sets.flat().map((file) => digestOf(file)));
      const running = sets.map((files) =>
        startPublisher({
          settings: settingsOf(dir),
          folder: FOLDER,
          files,
          last: ['c.id'],
          replace,
          tempFolder: makeFolder(),
          rounds: 10,
        }),
      );
      const ended = Promise.all(running.map((one) => one.ended));
      let isOver = false;
      void ended.then(() => {
        isOver = true;
      });
      const cache = createArtifactCache({ store: createStore(settingsOf(dir), { runner }), secondTryMs: 5 });
      let taken = 0;
      while (!isOver) {
        const to = makeFolder('reader');
        for (const name of NAMES) {
          const result = await cache.fetch(`${FOLDER}/${name}`, to).catch((error) => error);
          if (result instanceof Error)
            expect(result).toMatchObject({ code: expect.stringMatching(/^(CACHE_ARTIFACT_MISSING|ARTIFACT_DIGEST)/) });
          else expect(known.has(digestOf(result.file))).toBe(true);
          taken += result instanceof Error ? 0 : 1;
        }
        await sleep(1);
      }
      expect((await ended).toSorted()).toEqual(replace ? [0, 0] : [0, REFUSED]);
      expect(taken).toBeGreaterThan(0);

      const to = makeFolder('final');
      for (const name of NAMES) await cache.fetch(`${FOLDER}/${name}`, to);
      const winner = sets.find((files) => digestOf(files[0] ?? '') === digestOf(join(to, 'a.bin'))) ?? [];
      expect(NAMES.map((name) => digestOf(join(to, name)))).toEqual(winner.map((file) => digestOf(file)));
      expect(listTree(join(dir, '.staging'))).toEqual([]);
    },
    120_000,
  );
});

describe('the publishing lock', () => {
  const times = { beatMs: 20, staleMs: 200, pollMs: 5, patienceMs: 600 };
  const take = (dir: string, folder = FOLDER) => takePublishLock(createLocalFs(dir), folder, dir, { times });
  const setUp = (): string => {
    const dir = makeFolder('lock');
    writeFileAt(join(dir, '.staging', 'x'), '');
    return dir;
  };

  test('is had by one at a time, and by each in turn', async () => {
    const dir = setUp();
    let inside = 0;
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const lock = await take(dir);
        inside += 1;
        expect(inside).toBe(1);
        await sleep(10);
        inside -= 1;
        await lock.release();
      }),
    );
    expect(listTree(dir)).toEqual(['.staging/x']);
  });

  test('of a living owner is not broken, and waiting has an end', async () => {
    const dir = setUp();
    const lock = await take(dir);
    await expect(take(dir)).rejects.toMatchObject({ code: 'CACHE_BUSY', data: { folder: FOLDER, location: dir } });
    lock.check();
    await (await take(dir, 'other')).release();
    await lock.release();
    expect(listTree(dir)).toEqual(['.staging/x']);
  });

  test('of an owner on another machine who is silent is broken; the owner finds out', async () => {
    const dir = setUp();
    const lock = await takePublishLock(createLocalFs(dir), FOLDER, dir, { times: { ...times, beatMs: 400 } });
    const startedMs = performance.now();
    const other = await take(dir);
    expect(performance.now() - startedMs).toBeGreaterThan(150);
    await sleep(400);
    expect(() => lock.check()).toThrow(expect.objectContaining({ code: 'CACHE_BUSY' }));
    other.check();
    await lock.release();
    other.check();
    expect(readFileSync(join(dir, '.staging/x'), 'utf8')).toBe('');
    expect(listTree(dir).filter((name) => name.includes('lock-'))).toHaveLength(1);
    await other.release();
  });
});
