import { execFile, execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createArtifactCache, createStore } from '../../lib/cache/index.ts';
import { type CacheLayout, createContainerCache, createEngine, requireEngine } from '../../lib/container/index.ts';
import { silentLog } from '../../lib/log/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { root } from '../contract/source-files.ts';
import { filesIn } from '../helpers/cache-tools-world.ts';
import { makeTestKey } from '../helpers/gpg.ts';
import { useTempFolders } from '../helpers/temp.ts';

// Programs start often, on machines that may be busy.
jest.setTimeout(120_000);

const makeFolder = useTempFolders();
const folder = makeFolder('export');
const runner = createRunner({ cwd: '/', env: process.env });
const engine = createEngine({
  ...(await requireEngine({ env: { ...process.env, docker: 'docker' }, query: runner })),
  query: runner,
  effects: runner,
});
const image = { name: `slipway-test-${randomUUID()}`, version: '1.2.3-x', registry: '' };
const reference = `${image.name}:${image.version}`;
const dir = join(folder, 'cache');
let id = '';

const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();

const containersIn = (cacheDir: string, layout: CacheLayout) => {
  const workFolder = makeFolder('work');
  const store = createStore({ user: '', pathPrefix: '/', dir: cacheDir }, { runner });
  return createContainerCache({
    engine,
    cache: createArtifactCache({ store }),
    effects: runner,
    log: silentLog,
    workFolder,
    format: { extension: 'tar.zst', compress: ['zstd', '-q', '-c'], decompress: ['zstd', '-d', '-q', '-c'] },
    layout,
  });
};

interface End {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the operators' command on a cache in a folder. */
const run = (cacheDir: string, ...args: readonly string[]): Promise<End> => runWith({}, cacheDir, ...args);

const runWith = (
  settings: Readonly<Record<string, string>>,
  cacheDir: string,
  ...args: readonly string[]
): Promise<End> => {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const cwd = makeFolder('cwd');
  const env = { PATH, NODE_COMPILE_CACHE, HOME: cwd, BUILDCACHE_DIR: cacheDir, ...settings };
  return new Promise((done) =>
    execFile(join(root, 'ci-automation/cache.ts'), args, { cwd, env }, (error, stdout, stderr) =>
      done({ exitCode: error ? Number(error.code) : 0, stdout, stderr }),
    ),
  );
};

const exportTo = (target: string, ...args: readonly string[]): Promise<End> =>
  run(dir, 'export', reference, '--to', target, ...args);

/** Has docker load an archive after the image was removed. @returns the ID that it has then */
const loadAfresh = async (archive: string): Promise<string | undefined> => {
  await engine.removeImage(reference);
  expect(await engine.imageId(reference)).toBeUndefined();
  docker('load', '--input', archive);
  return engine.imageId(reference);
};

/** An image of two layers, of which the upper one has a file of many chunks and a link. */
beforeAll(async () => {
  const files = join(folder, 'root');
  mkdirSync(files);
  copyFileSync('/sbin/ldconfig', join(files, 'ldconfig'));
  execFileSync('tar', ['--create', '--file', `${files}.tar`, '--directory', files, '.']);
  docker('import', '--change', 'ENTRYPOINT ["/ldconfig"]', `${files}.tar`, reference);
  const context = join(folder, 'upper');
  mkdirSync(context);
  writeFileSync(join(context, 'noise'), randomBytes(1_500_000));
  const container = docker('create', reference, '--version');
  docker('cp', join(context, 'noise'), `${container}:/noise`);
  docker('commit', container, reference);
  docker('rm', container);
  id = (await engine.imageId(reference)) ?? '';
  await containersIn(dir, 'dedup').publish(image);
});

afterAll(() => engine.removeImage(reference));

/** What each format needs to be docker's archive again. */
const formats = [
  {
    title: 'a compressed docker archive',
    args: ['--format', 'tar.zst'],
    target: 'image.tar.zst',
    unpack: (target: string, archive: string) => execFileSync('zstd', ['-dq', target, '-o', archive]),
  },
  {
    title: 'an OCI image layout in a folder',
    args: ['--format', 'oci'],
    target: 'layout',
    unpack: (target: string, archive: string) =>
      execFileSync('skopeo', ['copy', `oci:${target}:${image.version}`, `docker-archive:${archive}:${reference}`]),
  },
  {
    title: 'an OCI image layout in a tar',
    args: ['--format', 'oci'],
    target: 'layout.tar',
    unpack: (target: string, archive: string) => copyFileSync(target, archive),
  },
  {
    title: "casync's index and chunks",
    args: ['--format', 'casync'],
    target: 'chunks',
    unpack: (target: string, archive: string) =>
      execFileSync('casync', ['extract', join(target, `${image.name}-${image.version}.caibx`), archive]),
  },
];

describe.each(formats)('$title', ({ args, target: name, unpack }) => {
  test('is taken by other programs, and docker has the image with its ID again', async () => {
    const own = makeFolder('target');
    const target = join(own, name);
    const dry = await exportTo(target, ...args, '--dry-run');
    expect([dry, readdirSync(own)]).toEqual([expect.objectContaining({ exitCode: 0 }), []]);

    const { exitCode, stdout, stderr } = await exportTo(target, ...args, '--json');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ image: reference, target, imageId: id, layers: 2, from: 'dedup' });
    expect(readdirSync(own)).toEqual([name]);

    const archive = join(makeFolder('archive'), 'image.tar');
    unpack(target, archive);
    expect(await loadAfresh(archive)).toBe(id);
    expect(await exportTo(target, ...args)).toMatchObject({ exitCode: 2 });
  });

  test('leaves nothing when a pack is damaged, and ends with 3', async () => {
    const damaged = join(makeFolder('damaged'), 'cache');
    execFileSync('cp', ['-r', dir, damaged]);
    for (const path of filesIn(damaged).filter((one) => one.endsWith('.pack'))) {
      const bytes = readFileSync(join(damaged, path));
      bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 1;
      writeFileSync(join(damaged, path), bytes);
    }
    const own = makeFolder('target');
    const end = await run(damaged, 'export', reference, '--to', join(own, name), ...args);
    expect(end).toMatchObject({ exitCode: 3 });
    expect(readdirSync(own)).toEqual([]);
  });
});

test('casync makes the archive of the index byte by byte, and skopeo agrees on the ID', async () => {
  const own = makeFolder('same');
  for (const [name, format] of [
    ['plain.tar.zst', 'tar.zst'],
    ['chunks', 'casync'],
    ['layout', 'oci'],
  ] as const) {
    expect(await exportTo(join(own, name), '--format', format)).toMatchObject({ exitCode: 0 });
  }
  execFileSync('zstd', ['-dq', join(own, 'plain.tar.zst')]);
  execFileSync('casync', [
    'extract',
    join(own, 'chunks', `${image.name}-${image.version}.caibx`),
    join(own, 'other.tar'),
  ]);
  expect(readFileSync(join(own, 'other.tar')).equals(readFileSync(join(own, 'plain.tar')))).toBe(true);
  // The digest of the whole, by casync's own cutting and hashing: the chunks are whole.
  const digest = (file: string): string => execFileSync('casync', ['digest', file], { encoding: 'utf8' });
  expect(digest(join(own, 'other.tar'))).toBe(digest(join(own, 'plain.tar')));
  const oci = `oci:${join(own, 'layout')}:${image.version}`;
  const raw = execFileSync('skopeo', ['inspect', '--raw', oci], { encoding: 'utf8' });
  expect(JSON.parse(raw).config.digest).toBe(`sha256:${id}`);
});

/** Everything that may be imported, made by our export or by other programs. */
const sources: Record<string, (own: string) => Promise<string> | string> = {
  'our docker archive': async (own) => {
    await exportTo(join(own, 'a.tar.zst'));
    return 'a.tar.zst';
  },
  'our OCI layout': async (own) => {
    await exportTo(join(own, 'layout'), '--format', 'oci');
    return 'layout';
  },
  'our OCI layout in a tar': async (own) => {
    await exportTo(join(own, 'layout.tar'), '--format', 'oci');
    return 'layout.tar';
  },
  'what docker saves': (own) => {
    docker('save', '--output', join(own, 'saved.tar'), reference);
    return 'saved.tar';
  },
  'what docker saves, with gzip': (own) => {
    docker('save', '--output', join(own, 'saved.tar'), reference);
    execFileSync('gzip', ['-1', join(own, 'saved.tar')]);
    return 'saved.tar.gz';
  },
  "skopeo's OCI layout with layers in gzip": async (own) => {
    await exportTo(join(own, 'layout'), '--format', 'oci');
    const from = `oci:${join(own, 'layout')}:${image.version}`;
    // A copy keeps layers as they are; one to a plain folder and back does, too, unless it is told otherwise.
    execFileSync('skopeo', ['copy', '--dest-compress', from, `dir:${join(own, 'dir')}`]);
    execFileSync('skopeo', ['copy', `dir:${join(own, 'dir')}`, `oci:${join(own, 'gzip')}:${reference}`]);
    const index = JSON.parse(readFileSync(join(own, 'gzip/index.json'), 'utf8'));
    const blob = join(own, 'gzip/blobs', index.manifests[0].digest.replace(':', '/'));
    expect(readFileSync(blob, 'utf8')).toContain('tar+gzip');
    return 'gzip';
  },
};

describe('import', () => {
  test.each(Object.keys(sources))('of %s: a worker fetches the image with its ID', async (title) => {
    const own = makeFolder('source');
    const file = join(own, (await sources[title]?.(own)) ?? '');
    const empty = join(makeFolder('empty'), 'cache');
    const dry = await run(empty, 'import', file, '--dry-run', '--json');
    expect(JSON.parse(dry.stdout)).toMatchObject({ image: reference, imageId: id, layers: 2, dryRun: true });

    const { exitCode, stdout, stderr } = await run(empty, 'import', file, '--json');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ image: reference, imageId: id, layers: 2 });
    await engine.removeImage(reference);
    expect(await containersIn(empty, 'dedup').ensure(image)).toMatchObject({ how: 'fetched' });
    expect(await engine.imageId(reference)).toBe(id);
    expect(await run(empty, 'verify', '--deep')).toMatchObject({ exitCode: 0 });
  });

  test('under another name, and again: nothing is sent', async () => {
    const archive = join(makeFolder('source'), 'a.tar.zst');
    await exportTo(archive);
    const other = join(makeFolder('empty'), 'cache');
    expect(await run(other, 'import', archive, 'mine:2.0.0+n1')).toMatchObject({ exitCode: 0 });
    const before = filesIn(other);
    const { stdout } = await run(other, 'import', archive, 'mine:2.0.0-n1', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ image: 'mine:2.0.0-n1', newLayers: [] });
    expect(filesIn(other)).toEqual(before);
    expect(before).toContain('containers/2.0.0-n1/mine-2.0.0-n1.id');
  });

  test('of what is no image, or cut off, or wrong inside is refused, and nothing is visible', async () => {
    const own = makeFolder('source');
    await exportTo(join(own, 'a.tar.zst'));
    await exportTo(join(own, 'layout'), '--format', 'oci');
    const whole = readFileSync(join(own, 'a.tar.zst'));
    writeFileSync(join(own, 'cut.tar.zst'), whole.subarray(0, whole.length - 100_000));
    writeFileSync(join(own, 'text'), 'no image');
    const blobs = join(own, 'layout/blobs/sha256');
    const layer = readdirSync(blobs).find((name) => readFileSync(join(blobs, name)).length > 1_500_000) ?? '';
    const bytes = readFileSync(join(blobs, layer));
    bytes[700_000] = (bytes[700_000] as number) ^ 1;
    writeFileSync(join(blobs, layer), bytes);
    for (const [file, exitCode] of [
      ['cut.tar.zst', 1],
      ['text', 1],
      ['nowhere', 1],
      ['layout', 3],
    ] as const) {
      const empty = join(makeFolder('empty'), 'cache');
      const end = await run(empty, 'import', join(own, file));
      expect({ file, exitCode: end.exitCode, stderr: end.stderr }).toMatchObject({ file, exitCode });
      mkdirSync(empty, { recursive: true });
      expect(filesIn(empty).filter((path) => path.startsWith('containers/'))).toEqual([]);
    }
  });
});

test('an image that is stored as an archive is copied as it is, and nothing else', async () => {
  const flat = join(makeFolder('flat'), 'cache');
  await containersIn(flat, 'flat').publish(image);
  const own = makeFolder('target');
  const target = join(own, 'copy.tar.zst');
  expect(await run(flat, 'export', reference, '--to', target)).toMatchObject({ exitCode: 0 });
  const archive = filesIn(flat).find((path) => path.endsWith('.tar.zst')) ?? '';
  expect(readFileSync(target).equals(readFileSync(join(flat, archive)))).toBe(true);
  expect(readdirSync(own)).toEqual([basename(target)]);

  const oci = await run(flat, 'export', reference, '--to', join(own, 'oci'), '--format', 'oci');
  expect(oci).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(basename(archive)) });
  // As the hint says: after an import it is in both forms, and the rest is as it was.
  const before = filesIn(flat);
  expect(await run(flat, 'import', target)).toMatchObject({ exitCode: 0 });
  expect(filesIn(flat)).toEqual(expect.arrayContaining([...before, expect.stringMatching(/\.image\.json$/)]));
  expect(await run(flat, 'export', reference, '--to', join(own, 'oci'), '--format', 'oci')).toMatchObject({
    exitCode: 0,
  });

  const absent = await run(dir, 'export', 'absent:1.0.0', '--to', join(own, 'none'));
  expect(absent).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(reference) });
  const place = await exportTo(join(own, 'no/folder'));
  expect(place).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(join(own, 'no')) });
});

test('what is imported is signed, and what is exported must be signed by a trusted key', async () => {
  const key = makeTestKey({ folder: makeFolder('key'), name: 'Importer' });
  const own = makeFolder('target');
  const archive = join(own, 'a.tar.zst');
  expect(await exportTo(archive)).toMatchObject({ exitCode: 0 });
  const signed = join(makeFolder('signed'), 'cache');
  const signing = { SIGNER: key.userId, SIGNING_KEY: key.secretKeyFile };
  expect(await runWith(signing, signed, 'import', archive)).toMatchObject({ exitCode: 0 });

  const trusting = { TRUSTED_KEYS: key.publicKeyFile };
  const good = await runWith(trusting, signed, 'export', reference, '--to', join(own, 'signed'), '--format', 'oci');
  expect(good).toMatchObject({ exitCode: 0 });
  const bad = await runWith(trusting, dir, 'export', reference, '--to', join(own, 'unsigned'), '--format', 'oci');
  expect(bad).toMatchObject({ exitCode: 3 });
  expect(readdirSync(own).sort()).toEqual(['a.tar.zst', 'signed']);
});
