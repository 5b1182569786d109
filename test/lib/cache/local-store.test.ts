import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalStore } from '../../../lib/cache/local-store.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { listTree, noise, ODD_NAMES, writeFileAt } from '../../helpers/temp-files.ts';

const makeFolder = useTempFolders();
const byCode = (a: string, b: string): number => (a < b ? -1 : 1);

/** A cache folder that is not there yet, and a folder for files. */
const setUp = () => {
  const dir = join(makeFolder('cache'), 'deep', 'cache');
  const work = makeFolder('work');
  return { dir, work, store: createLocalStore({ dir }) };
};

describe('an empty cache', () => {
  test('has nothing, and asking does not make it', async () => {
    const { dir, work, store } = setUp();
    await expect(store.size('a/b')).resolves.toBeUndefined();
    await expect(store.list('a')).resolves.toEqual([]);
    await expect(store.list('')).resolves.toEqual([]);
    await expect(store.readText('a')).resolves.toBeUndefined();
    await store.remove('a');
    await store.publish([]);
    const missing = { code: 'CACHE_ARTIFACT_MISSING', kind: 'failure', data: { path: 'a/b', location: dir } };
    await expect(store.download('a/b', join(work, 'x'))).rejects.toMatchObject(missing);
    expect(existsSync(dir)).toBe(false);
    expect(listTree(work)).toEqual([]);
  });
});

describe('publish and download', () => {
  test('odd names come through, with time and mode of the file, readable for all whatever the umask', async () => {
    const { dir, work, store } = setUp();
    const uploads = ODD_NAMES.map((name) => ({ file: writeFileAt(join(work, name), name), path: `a ${name}/${name}` }));
    chmodSync(uploads[0]?.file ?? '', 0o400);
    chmodSync(uploads[1]?.file ?? '', 0o750);
    const made = new Date('2020-02-02T02:02:02.5Z');
    utimesSync(uploads[0]?.file ?? '', made, made);
    const before = process.umask(0o077);
    await store.publish(uploads).finally(() => process.umask(before));
    for (const [at, name] of ODD_NAMES.entries()) {
      const to = join(work, `to-${at}`);
      await store.download(`a ${name}/${name}`, to);
      expect(readFileSync(to, 'utf8')).toBe(name);
      await expect(store.size(`a ${name}/${name}`)).resolves.toBe(Buffer.byteLength(name));
      await expect(store.list(`a ${name}`)).resolves.toEqual([name]);
      expect(statSync(join(dir, `a ${name}`)).mode & 0o777).toBe(0o755);
      expect(statSync(join(dir, `a ${name}`, name)).mode & 0o777).toBe([0o444, 0o754][at] ?? 0o644);
    }
    expect(statSync(join(dir, uploads[0]?.path ?? '')).mtimeMs).toBe(made.getTime());
    await expect(store.list('')).resolves.toEqual(ODD_NAMES.map((name) => `a ${name}`).sort(byCode));
    expect(listTree(join(dir, '.staging'))).toEqual([]);
  });

  test('a folder is no file', async () => {
    const { work, store } = setUp();
    await store.publish([{ file: writeFileAt(join(work, 'f'), 'x'), path: 'a/b/f' }]);
    await expect(store.size('a/b')).resolves.toBeUndefined();
    await expect(store.readText('a/b')).resolves.toBeUndefined();
    await expect(store.size('a/b/f/g')).resolves.toBeUndefined();
    await expect(store.publish([{ file: join(work, 'f'), path: 'a/b' }])).rejects.toMatchObject({
      code: 'CACHE_WRITE_FAILED',
    });
  });

  test('what cannot be published is refused before anything is written', async () => {
    const { dir, work, store } = setUp();
    const file = writeFileAt(join(work, 'f'), 'x');
    const code = (uploads: { file: string; path: string }[]) =>
      store.publish(uploads).then(
        () => '',
        (error) => error.code,
      );
    await expect(
      code([
        { file, path: 'ok' },
        { file, path: '../f' },
      ]),
    ).resolves.toBe('CACHE_PATH_INVALID');
    await expect(
      code([
        { file, path: 'ok' },
        { file, path: 'ok' },
      ]),
    ).resolves.toBe('CACHE_PATH_INVALID');
    await expect(
      code([
        { file, path: 'ok' },
        { file: work, path: 'g' },
      ]),
    ).resolves.toBe('ARTIFACT_FILE_INVALID');
    await expect(
      code([
        { file, path: 'ok' },
        { file: join(work, 'none'), path: 'g' },
      ]),
    ).resolves.toBe('ARTIFACT_FILE_INVALID');
    symlinkSync('nowhere', join(work, 'dangling'));
    await expect(code([{ file: join(work, 'dangling'), path: 'g' }])).resolves.toBe('ARTIFACT_FILE_INVALID');
    expect(existsSync(dir)).toBe(false);
  });

  test('remove takes files and folders, and does not mind when there is nothing', async () => {
    const { dir, work, store } = setUp();
    const file = writeFileAt(join(work, 'f'), 'x');
    await store.publish(['a/1', 'a/b/2', 'c'].map((path) => ({ file, path })));
    await store.remove('a');
    await store.remove('a');
    await store.remove('c');
    expect(listTree(dir)).toEqual([]);
    await expect(store.remove('../x')).rejects.toMatchObject({ code: 'CACHE_PATH_INVALID' });
  });

  test('an interruption leaves nothing', async () => {
    const { dir, work } = setUp();
    const controller = new AbortController();
    const reason = new Error('interrupted');
    const store = createLocalStore({ dir, signal: controller.signal });
    const file = writeFileAt(join(work, 'f'), noise(20_000_000));
    const onBytes = (): void => controller.abort(reason);
    const small = writeFileAt(join(work, 'small'), 'x');
    const set = [
      { file: small, path: 'small' },
      { file, path: 'f' },
    ];
    await expect(store.publish(set, { onBytes })).rejects.toBe(reason);
    expect(listTree(dir)).toEqual([]);
  });

  test('left-overs of the dead go, those of the living and of others stay for a day', async () => {
    const { dir, work, store } = setUp();
    const file = writeFileAt(join(work, 'f'), 'x');
    await store.publish([{ file, path: 'f' }]);
    const dead = execFileSync(process.execPath, ['-p', 'process.pid']).toString().trim();
    const { makeOwnName } = await import('../../../lib/process/process-identity.ts');
    const own = makeOwnName();
    const names = {
      dead: `tmp-${own.replace(/-\d+-/, `-${dead}-`)}`,
      alive: `tmp-${own}`,
      other: 'tmp-000000000000-1-00',
      old: 'tmp-000000000000-2-00',
    };
    for (const name of Object.values(names)) writeFileAt(join(dir, '.staging', name), 'x');
    const longAgo = new Date(Date.now() - 25 * 3600 * 1000);
    utimesSync(join(dir, '.staging', names.old), longAgo, longAgo);
    // An artifact that was made long ago and is on its way now.
    utimesSync(join(dir, '.staging', names.other), new Date(), longAgo);
    mkdirSync(join(dir, '.staging', `claim-${names.dead.slice(4)}`));
    await store.publish([{ file, path: 'f' }]);
    expect(listTree(join(dir, '.staging'))).toEqual([names.alive, names.other].sort(byCode));
    expect(existsSync(join(dir, '.staging', `claim-${names.dead.slice(4)}`))).toBe(false);
  });
});

// A small disk of its own takes a mount.
const describeAsRoot = userInfo().uid === 0 ? describe : describe.skip;

describeAsRoot('a full disk', () => {
  let disk = '';

  beforeAll(() => {
    disk = makeFolder('disk');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
  });

  afterAll(() => {
    execFileSync('umount', [disk]);
  });

  test('is noticed before anything is copied', async () => {
    const store = createLocalStore({ dir: join(disk, 'cache') });
    const file = writeFileAt(join(makeFolder(), 'big'), noise(5_000_000));
    await expect(store.publish([{ file, path: 'big' }])).rejects.toMatchObject({
      code: 'CACHE_DISK_FULL',
      data: { location: join(disk, 'cache'), neededBytes: expect.any(Number), freeBytes: expect.any(Number) },
    });
    expect(listTree(disk)).toEqual([]);
  });

  test('that fills up meanwhile is told, and what was written is removed', async () => {
    const store = createLocalStore({ dir: join(disk, 'cache') });
    const work = makeFolder();
    const first = writeFileAt(join(work, 'first'), noise(100_000));
    const file = writeFileAt(join(work, 'big'), noise(2_500_000));
    let isFilled = false;
    const onBytes = (): void => {
      if (!isFilled) writeFileSync(join(disk, 'filler'), noise(2_500_000));
      isFilled = true;
    };
    const set = [
      { file: first, path: 'first' },
      { file, path: 'big' },
    ];
    await expect(store.publish(set, { onBytes })).rejects.toMatchObject({ code: 'CACHE_DISK_FULL' });
    expect(listTree(disk)).toEqual(['filler']);
  });

  test('where a download goes to', async () => {
    const { work, store } = setUp();
    await store.publish([{ file: writeFileAt(join(work, 'big'), noise(5_000_000)), path: 'big' }]);
    const into = join(disk, 'into');
    await expect(store.download('big', join(into, 'big'))).rejects.toMatchObject({
      code: 'CACHE_DISK_FULL',
      data: { location: into },
    });
    expect(listTree(into)).toEqual([]);
  });
});

describe('parts, names and times', () => {
  const FILE = 'packs/p';

  test('a range, several at once; what is not there, and what is beyond the end', async () => {
    const { store, dir } = setUp();
    const data = noise(300_000);
    writeFileAt(join(dir, FILE), data);
    const parts = await Promise.all([0, 1000, 299_999].map((start) => store.readRange(FILE, start, 1)));
    expect(Buffer.concat(parts).equals(Buffer.from([data[0] ?? 0, data[1000] ?? 0, data[299_999] ?? 0]))).toBe(true);
    expect((await store.readRange(FILE, 0, 300_000)).equals(data)).toBe(true);
    await expect(store.readRange(FILE, 300_000, 0)).resolves.toHaveLength(0);
    await expect(store.readRange('packs/none', 0, 1)).rejects.toMatchObject({ code: 'CACHE_ARTIFACT_MISSING' });
    await expect(store.readRange('packs', 0, 1)).rejects.toMatchObject({ code: 'CACHE_ARTIFACT_MISSING' });
    await expect(store.readRange(FILE, 299_999, 2)).rejects.toMatchObject({
      code: 'CACHE_RANGE_BEYOND_END',
      kind: 'unverified',
      data: { path: FILE, offset: 299_999, length: 2, sizeBytes: 300_000 },
    });
    await expect(store.readRange(FILE, 0, 2 ** 40)).rejects.toThrow(RangeError);
    await expect(store.readRange('../x', 0, 1)).rejects.toMatchObject({ code: 'CACHE_PATH_INVALID' });
  });

  test('small files as bytes, up to a limit', async () => {
    const { store, dir } = setUp();
    writeFileAt(join(dir, FILE), Buffer.from([0, 255, 128]));
    expect((await store.readBytes(FILE, 3))?.equals(Buffer.from([0, 255, 128]))).toBe(true);
    await expect(store.readBytes(FILE, 2)).rejects.toMatchObject({ code: 'CACHE_FILE_TOO_LONG' });
    await expect(store.readBytes('none')).resolves.toBeUndefined();
  });

  test('names with sizes and times', async () => {
    const { store, dir } = setUp();
    await expect(store.entries('')).resolves.toEqual([]);
    writeFileAt(join(dir, '.staging', 'x'), '');
    const file = writeFileAt(join(dir, 'b'), 'four');
    utimesSync(file, 1000, 1000);
    writeFileAt(join(dir, 'a', 'f'), '');
    await expect(store.entries('')).resolves.toMatchObject([
      { name: 'a', kind: 'folder' },
      { name: 'b', kind: 'file', sizeBytes: 4, modifiedMs: 1_000_000 },
    ]);
  });

  test('a new name, in a folder that is made; again; for nothing', async () => {
    const { store, dir } = setUp();
    writeFileAt(join(dir, FILE), 'pack');
    await expect(store.rename(FILE, 'trash/p')).resolves.toBe(true);
    await expect(store.rename(FILE, 'trash/p')).resolves.toBe(true);
    await expect(store.rename('none', 'trash/none')).resolves.toBe(false);
    expect(readFileSync(join(dir, 'trash/p'), 'utf8')).toBe('pack');
    await expect(store.rename('trash/p', '../p')).rejects.toMatchObject({ code: 'CACHE_PATH_INVALID' });
  });
});
