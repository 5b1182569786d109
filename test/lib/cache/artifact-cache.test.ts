import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type CacheStore, createArtifactCache, createStore, type PublishRequest } from '../../../lib/cache/index.ts';
import { createLog, type EventKind, type LogEvent } from '../../../lib/log/index.ts';
import { createRunner } from '../../../lib/process/index.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { digestOf, listTree, noise, ODD_NAMES, writeFileAt } from '../../helpers/temp-files.ts';

const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: {} });

const setUp = () => {
  const dir = join(makeFolder('cache'), 'cache');
  const events: LogEvent[] = [];
  const log = createLog((event) => events.push(event));
  const store = createStore({ user: '', pathPrefix: '/', sshPort: 22, dir }, { runner });
  const cache = createArtifactCache({ store, log, secondTryMs: 10 });
  const texts = (kind: 'info' | 'warning') => events.flatMap((event) => (event.kind === kind ? [event.text] : []));
  const told = (...kinds: EventKind[]) => events.filter(({ kind }) => kinds.includes(kind));
  return {
    dir,
    cache,
    work: makeFolder('work'),
    to: makeFolder('to'),
    warnings: () => texts('warning'),
    told,
  };
};

const request = (files: readonly string[], more: Partial<PublishRequest> = {}): PublishRequest => ({
  folder: 'images/amd64/1.2.3',
  files,
  ...more,
});

describe('publish', () => {
  test('files and folders, each with digests; records say what was published', async () => {
    const { dir, cache, work } = setUp();
    const file = writeFileAt(join(work, 'image.bin'), noise(100_000));
    writeFileAt(join(work, 'tree', 'sub', 'inner.txt'), 'inner');
    writeFileAt(join(work, 'tree', 'top.txt'), 'top');
    const records = await cache.publish(request([file, join(work, 'tree')]));
    expect(records).toMatchObject([
      { path: 'images/amd64/1.2.3/image.bin', sizeBytes: 100_000, sha256: digestOf(file) },
      { path: 'images/amd64/1.2.3/sub/inner.txt', sizeBytes: 5, sha256: digestOf(join(work, 'tree/sub/inner.txt')) },
      { path: 'images/amd64/1.2.3/top.txt', sizeBytes: 3, sha256: digestOf(join(work, 'tree/top.txt')) },
    ]);
    const names = ['image.bin', 'sub/inner.txt', 'top.txt'].flatMap((name) => [name, `${name}.DIGESTS`]);
    expect(listTree(dir)).toEqual(names.map((name) => `images/amd64/1.2.3/${name}`).sort());
  });

  test('without digests when that is wanted', async () => {
    const { dir, cache, work } = setUp();
    await cache.publish(request([writeFileAt(join(work, 'f'), 'x')], { digests: false }));
    expect(listTree(dir)).toEqual(['images/amd64/1.2.3/f']);
  });

  test('digests that came along are kept and get none of their own; our own temporary files stay away', async () => {
    const { dir, cache, work } = setUp();
    writeFileAt(join(work, 'set', 'f'), 'x');
    writeFileAt(join(work, 'set', 'f.CONTENTS.gz'), 'y');
    writeFileAt(join(work, 'set', 'g.sig'), 'handed in');
    writeFileAt(join(work, 'set', '.slipway-123.partial'), 'z');
    await cache.publish(request([join(work, 'set')]));
    const names = ['f', 'f.CONTENTS.gz', 'f.CONTENTS.gz.DIGESTS', 'f.DIGESTS', 'g.sig'];
    expect(listTree(dir)).toEqual(names.map((name) => `images/amd64/1.2.3/${name}`));
  });

  test('what is there with the same digest is not sent again', async () => {
    const { dir, cache, work, told, warnings } = setUp();
    const file = writeFileAt(join(work, 'f'), noise(1000));
    const [first] = await cache.publish(request([file]));
    const published = join(dir, 'images/amd64/1.2.3/f');
    const before = statSync(published, { bigint: true });
    const [second] = await cache.publish(request([file]));
    expect(second).toEqual(first);
    expect(statSync(published, { bigint: true }).ino).toBe(before.ino);
    expect(told('cache-hit')).toMatchObject([
      {
        what: 'published files',
        path: 'images/amd64/1.2.3',
        sizeBytes: 1000,
        reason: expect.stringMatching(/^1 of 1 /),
      },
    ]);
    // Of the second time nothing crossed.
    expect(told('transfer')).toMatchObject([{ direction: 'up', what: 'images/amd64/1.2.3', reusedBytes: 0 }]);
    expect(warnings()).toEqual([]);
  });

  test('what may be replaced is, with a warning that tells both digests', async () => {
    const { cache, work, to, warnings } = setUp();
    const file = writeFileAt(join(work, 'f'), 'one');
    await cache.publish(request([file]));
    const old = digestOf(file, 'sha512');
    writeFileSync(file, 'two');
    await cache.publish(request([file], { replace: true }));
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toContain(old);
    expect(warnings()[0]).toContain(digestOf(file, 'sha512'));
    await cache.fetch('images/amd64/1.2.3/f', to);
    expect(readFileSync(join(to, 'f'), 'utf8')).toBe('two');
  });

  test('a damaged copy in the cache is replaced, although its digests are those of ours', async () => {
    const { dir, cache, work, to } = setUp();
    const file = writeFileAt(join(work, 'f'), noise(1000));
    await cache.publish(request([file]));
    writeFileSync(join(dir, 'images/amd64/1.2.3/f'), noise(500));
    await cache.publish(request([file]));
    await expect(cache.fetch('images/amd64/1.2.3/f', to)).resolves.toMatchObject({ sizeBytes: 1000 });
  });

  test('two files for one place, places outside, files that are none', async () => {
    const { dir, cache, work } = setUp();
    const [a, b] = ['a', 'b'].map((name) => writeFileAt(join(work, name, 'same'), name));
    const code = (wanted: PublishRequest) =>
      cache.publish(wanted).then(
        () => '',
        (error) => error.code,
      );
    await expect(code(request([a ?? '', b ?? '']))).resolves.toBe('CACHE_PATH_INVALID');
    await expect(code(request([a ?? ''], { folder: '../x' }))).resolves.toBe('CACHE_PATH_INVALID');
    await expect(code(request([a ?? ''], { last: ['../x'] }))).resolves.toBe('CACHE_PATH_INVALID');
    await expect(code(request([join(work, 'none')]))).resolves.toBe('ARTIFACT_FILE_INVALID');
    expect(existsSync(dir)).toBe(false);
  });

  test('a pipe or a device is no artifact', async () => {
    const { cache } = setUp();
    await expect(cache.publish(request(['/dev/null']))).rejects.toMatchObject({ code: 'ARTIFACT_FILE_INVALID' });
  });

  test('digests for some names only, as for a tarball that came with digests of its contents', async () => {
    const { dir, cache, work } = setUp();
    const files = ['t.tar', 't.tar.CONTENTS.gz'].map((name) => writeFileAt(join(work, name), name));
    await cache.publish(request(files, { digests: ['t.tar'] }));
    const names = ['t.tar', 't.tar.CONTENTS.gz', 't.tar.DIGESTS'];
    expect(listTree(dir)).toEqual(names.map((name) => `images/amd64/1.2.3/${name}`));
  });

  test('what somebody else replaces while it is left out as the same is sent after all', async () => {
    const { dir, cache, work, warnings } = setUp();
    const files = ['a', 'b'].map((name) => writeFileAt(join(work, name), name));
    const may = { replace: true };
    await cache.publish(request(files));
    writeFileSync(files[0] ?? '', 'new a');
    const { store } = cache;
    let isFirst = true;
    const disturbed: CacheStore = {
      ...store,
      async publish(uploads, options) {
        if (isFirst) await cache.publish(request([writeFileAt(join(makeFolder(), 'b'), 'of somebody else')], may));
        isFirst = false;
        await store.publish(uploads, options);
      },
    };
    await createArtifactCache({ store: disturbed }).publish(request(files, may));
    expect(['a', 'b'].map((name) => readFileSync(join(dir, 'images/amd64/1.2.3', name), 'utf8'))).toEqual([
      'new a',
      'b',
    ]);
    expect(warnings()).toHaveLength(1);
  });

  test('hasAll', async () => {
    const { cache, work } = setUp();
    await cache.publish(request([writeFileAt(join(work, 'f'), 'x')]));
    await expect(cache.hasAll(['images/amd64/1.2.3/f', 'images/amd64/1.2.3/f.DIGESTS'])).resolves.toBe(true);
    await expect(cache.hasAll(['images/amd64/1.2.3/f', 'none'])).resolves.toBe(false);
    await expect(cache.hasAll([])).resolves.toBe(true);
  });
});

describe('fetch', () => {
  const path = 'images/amd64/1.2.3/f';

  const publishOne = async (content: Buffer | string = noise(200_000)) => {
    const world = setUp();
    const file = writeFileAt(join(world.work, 'f'), content);
    await world.cache.publish(request([file]));
    return { ...world, file, published: join(world.dir, path) };
  };

  test.each(ODD_NAMES)('an artifact named %s', async (name) => {
    const { cache, work, to } = setUp();
    await cache.publish(request([writeFileAt(join(work, name), name)]));
    const fetched = await cache.fetch(`images/amd64/1.2.3/${name}`, to);
    expect(fetched).toMatchObject({
      path: `images/amd64/1.2.3/${name}`,
      file: join(to, name),
      sizeBytes: Buffer.byteLength(name),
      sha256: digestOf(join(work, name)),
    });
    expect(listTree(to)).toEqual([name]);
  });

  test('what is here already and right is not fetched; what is here and wrong is replaced', async () => {
    const { cache, to, file, told } = await publishOne();
    const inFolder = join(to, 'new', 'folder');
    await cache.fetch(path, inFolder);
    const before = statSync(join(inFolder, 'f'), { bigint: true }).ino;
    await cache.fetch(path, inFolder);
    expect(statSync(join(inFolder, 'f'), { bigint: true }).ino).toBe(before);
    expect(told('cache-hit', 'cache-miss')).toMatchObject([{ kind: 'cache-hit', what: 'artifact', path }]);
    writeFileSync(join(inFolder, 'f'), 'something else');
    await cache.fetch(path, inFolder);
    expect(digestOf(join(inFolder, 'f'))).toBe(digestOf(file));
    expect(readdirSync(inFolder)).toEqual(['f']);
    expect(told('cache-hit', 'cache-miss').at(-1)).toMatchObject({ kind: 'cache-miss', what: 'artifact', path });
    const down = told('transfer').filter((event) => 'direction' in event && event.direction === 'down');
    const { size } = statSync(file);
    expect(down).toMatchObject(Array(2).fill({ what: path, movedBytes: size, reusedBytes: 0 }));
  });

  test.each([
    ['first', 0],
    ['middle', 100_000],
    ['last', 199_999],
  ])('a flipped bit in the %s byte: both digests are told, nothing is kept', async (_name, at) => {
    const { dir, cache, to, file, published } = await publishOne();
    const bytes = readFileSync(published);
    bytes[at] = (bytes[at] ?? 0) ^ 0x80;
    writeFileSync(published, bytes);
    await expect(cache.fetch(path, to)).rejects.toMatchObject({
      code: 'ARTIFACT_DIGEST_MISMATCH',
      kind: 'unverified',
      data: {
        file: join(to, 'f'),
        path,
        location: dir,
        algorithm: 'sha512',
        expected: digestOf(file, 'sha512'),
        found: digestOf(published, 'sha512'),
      },
    });
    expect(listTree(to)).toEqual([]);
  });

  test('a file that was here stays when the cache has a wrong one', async () => {
    const { cache, to, published } = await publishOne();
    writeFileSync(published, 'tampered');
    writeFileSync(join(to, 'f'), 'mine');
    await expect(cache.fetch(path, to)).rejects.toMatchObject({ code: 'ARTIFACT_DIGEST_MISMATCH' });
    expect(readFileSync(join(to, 'f'), 'utf8')).toBe('mine');
  });

  test('no artifact, no digests, digests of something else, digests of nothing', async () => {
    const { dir, cache, to, published } = await publishOne();
    const code = () =>
      cache.fetch(path, to).then(
        () => '',
        (error) => error.code,
      );
    const digests = readFileSync(`${published}.DIGESTS`, 'utf8');
    writeFileSync(`${published}.DIGESTS`, digests.replaceAll('  f\n', '  g\n'));
    await expect(code()).resolves.toBe('ARTIFACT_DIGESTS_MISSING');
    writeFileSync(`${published}.DIGESTS`, '');
    await expect(code()).resolves.toBe('ARTIFACT_DIGESTS_MISSING');
    rmSync(`${published}.DIGESTS`);
    await expect(cache.fetch(path, to)).rejects.toMatchObject({ code: 'ARTIFACT_DIGESTS_MISSING', kind: 'unverified' });
    rmSync(published);
    await expect(cache.fetch(path, to)).rejects.toMatchObject({
      code: 'CACHE_ARTIFACT_MISSING',
      kind: 'failure',
      data: { path, location: dir },
    });
    expect(listTree(to)).toEqual([]);
  });

  test('a set that is being replaced is fetched once more', async () => {
    const { cache, to, published } = await publishOne('old');
    const { work } = setUp();
    const digests = readFileSync(`${published}.DIGESTS`);
    const file = writeFileAt(join(work, 'f'), 'new');
    await cache.publish(request([file], { replace: true }));
    const newDigests = readFileSync(`${published}.DIGESTS`);
    writeFileSync(`${published}.DIGESTS`, digests);
    const original = cache.store.download;
    (cache.store as { download: typeof original }).download = async (...args) => {
      await original(...args);
      writeFileSync(`${published}.DIGESTS`, newDigests);
    };
    await expect(cache.fetch(path, to)).resolves.toMatchObject({ sizeBytes: 3 });
    expect(readFileSync(join(to, 'f'), 'utf8')).toBe('new');
  });

  test('several at once into one folder, also the same one', async () => {
    const { cache, to, file } = await publishOne(noise(2_000_000));
    const fetched = await Promise.all(Array.from({ length: 8 }, () => cache.fetch(path, to)));
    for (const one of fetched) expect(one.sha256).toBe(digestOf(file));
    expect(listTree(to)).toEqual(['f']);
  });

  test('what a killed process left half-checked is removed', async () => {
    const { cache, to } = await publishOne();
    const { makeOwnName } = await import('../../../lib/process/process-identity.ts');
    const dead = join(to, `.slipway-${makeOwnName().replace(/-\d+-/, '-4194303-')}.unverified`);
    mkdirSync(dead);
    utimesSync(dead, 0, 0);
    await cache.fetch(path, to);
    expect(readdirSync(to)).toEqual(['f']);
  });
});
