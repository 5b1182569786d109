import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createArtifactCache, createStore, type PublishRequest } from '../../../lib/cache/index.ts';
import { createRunner } from '../../../lib/process/index.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { digestOf, listTree, noise, writeFileAt } from '../../helpers/temp-files.ts';

const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: {} });

const FOLDER = 'images/amd64/1.2.3';

const setUp = () => {
  const dir = join(makeFolder('cache'), 'cache');
  const store = createStore({ user: '', pathPrefix: '/', sshPort: 22, dir }, { runner });
  const cache = createArtifactCache({ store, secondTryMs: 10 });
  const set = join(makeFolder('work'), 'set');
  mkdirSync(set);
  const link = (target: string, name: string): void => symlinkSync(target, join(set, name));
  const publish = (more: Partial<PublishRequest> = {}) => cache.publish({ folder: FOLDER, files: [set], ...more });
  return { dir, at: (name: string) => join(dir, FOLDER, name), store, cache, set, link, publish, to: makeFolder('to') };
};

describe('a symbolic link in a set', () => {
  test('is published as a link, with digests of what it leads to, under its own name', async () => {
    const { at, cache, set, link, publish, to } = setUp();
    const file = writeFileAt(join(set, 'openstack.bz2'), noise(50_000));
    link('openstack.bz2', 'brightbox.bz2');
    const records = await publish();
    expect(records).toEqual(
      ['brightbox.bz2', 'openstack.bz2'].map((name) => ({
        path: `${FOLDER}/${name}`,
        sizeBytes: 50_000,
        sha256: digestOf(file),
        sha512: digestOf(file, 'sha512'),
      })),
    );
    expect(readlinkSync(at('brightbox.bz2'))).toBe('openstack.bz2');
    expect(readFileSync(at('brightbox.bz2.DIGESTS'), 'utf8')).toContain(
      `# SHA512 HASH\n${digestOf(file, 'sha512')}  brightbox.bz2\n`,
    );
    await cache.fetch(`${FOLDER}/brightbox.bz2`, to);
    expect(lstatSync(join(to, 'brightbox.bz2')).isFile()).toBe(true);
    expect(digestOf(join(to, 'brightbox.bz2'))).toBe(digestOf(file));
  });

  test('is published when it leads nowhere, and has neither digests nor a record', async () => {
    const { dir, at, link, publish } = setUp();
    link('openstack.bz2', 'brightbox.bz2');
    await expect(publish()).resolves.toEqual([]);
    expect(readlinkSync(at('brightbox.bz2'))).toBe('openstack.bz2');
    expect(listTree(dir)).toEqual([`${FOLDER}/brightbox.bz2`]);
  });

  test('may be in a folder, lead to another one or to a folder, and have odd names', async () => {
    const { at, set, link, publish } = setUp();
    writeFileAt(join(set, 'sub', "it's + $x"), 'x');
    mkdirSync(join(set, 'other'));
    link("../sub/it's + $x", 'other/a b');
    link('sub/', 'folder');
    await expect(publish({ digests: false })).resolves.toHaveLength(2);
    expect(readFileSync(at('other/a b'), 'utf8')).toBe('x');
    expect(readlinkSync(at('folder'))).toBe('sub/');
  });

  test('replaces a file and is replaced by one, and published again is fine', async () => {
    const { at, set, link, publish } = setUp();
    writeFileAt(join(set, 'a'), 'aaa');
    link('a', 'b');
    await publish();
    await publish();
    expect(readlinkSync(at('b'))).toBe('a');
    const work = makeFolder();
    const other = { files: [writeFileAt(join(work, 'b'), 'own bytes')] };
    await expect(publish(other)).rejects.toMatchObject({ code: 'CACHE_VERSION_DIFFERS' });
    expect(readlinkSync(at('b'))).toBe('a');
    await publish({ ...other, replace: true });
    expect(lstatSync(at('b')).isFile()).toBe(true);
    expect(readFileSync(at('a'), 'utf8')).toBe('aaa');
    await expect(publish()).rejects.toMatchObject({ code: 'CACHE_VERSION_DIFFERS' });
    await publish({ replace: true });
    expect(readlinkSync(at('b'))).toBe('a');
    expect(readFileSync(at('b.DIGESTS'), 'utf8')).toContain(`${digestOf(at('a'), 'sha512')}  b\n`);
  });

  test.each([
    ['/etc/hostname', 'absolute path'],
    ['/nowhere/at/all', 'absolute path'],
    ['../outside', 'leaves the published folder'],
    ['sub/../../outside', 'leaves the published folder'],
    ['.', 'a folder that it is in itself'],
    ['../set', 'leaves the published folder'],
  ])('to %s is refused, and nothing is published', async (target, reason) => {
    const { dir, set, link, publish } = setUp();
    writeFileAt(join(set, 'sub', 'f'), 'x');
    link(target, 'link');
    await expect(publish()).rejects.toMatchObject({
      code: 'ARTIFACT_FILE_INVALID',
      message: expect.stringContaining(reason),
    });
    expect(existsSync(dir)).toBe(false);
  });

  test('to a pipe or device, and round in a circle', async () => {
    const { at, link, publish } = setUp();
    link('b', 'a');
    link('a', 'b');
    await publish();
    expect(readlinkSync(at('a'))).toBe('b');
    link('/dev/null', 'null');
    await expect(publish()).rejects.toMatchObject({ code: 'ARTIFACT_FILE_INVALID' });
  });

  test('is removed alone: what it leads to stays', async () => {
    const { at, set, store, link, publish } = setUp();
    writeFileAt(join(set, 'sub', 'f'), 'x');
    link('sub', 'folder');
    link('gone', 'dangling');
    await publish({ digests: false });
    await store.remove(`${FOLDER}/folder`);
    await store.remove(`${FOLDER}/dangling`);
    expect(listTree(at(''))).toEqual(['sub/f']);
  });

  test('a given link to a folder stands for the folder', async () => {
    const { dir, cache, set } = setUp();
    writeFileAt(join(set, 'f'), 'x');
    const latest = join(makeFolder(), 'latest');
    symlinkSync(set, latest);
    await cache.publish({ folder: FOLDER, files: [latest], digests: false });
    expect(listTree(dir)).toEqual([`${FOLDER}/f`]);
  });
});

describe('files that are left out', () => {
  test('give digests to the links that lead to them, and stay away with all that is theirs', async () => {
    const { dir, at, set, link, publish } = setUp();
    const kernel = writeFileAt(join(set, 'image.vmlinuz'), noise(1000));
    for (const ending of ['.DIGESTS', '.DIGESTS.asc', '.DIGESTS.sig', '.sig'])
      writeFileSync(`${kernel}${ending}`, 'old');
    writeFileAt(join(set, 'image.vmlinuz-debug'), 'x');
    link('image.vmlinuz', 'pxe.vmlinuz');
    const records = await publish({ leaveOut: ['image.vmlinuz'] });
    expect(records.map(({ path }) => path)).toEqual([`${FOLDER}/image.vmlinuz-debug`, `${FOLDER}/pxe.vmlinuz`]);
    const names = ['image.vmlinuz-debug', 'pxe.vmlinuz'].flatMap((name) => [name, `${name}.DIGESTS`]);
    expect(listTree(dir)).toEqual(names.map((name) => `${FOLDER}/${name}`));
    expect(readlinkSync(at('pxe.vmlinuz'))).toBe('image.vmlinuz');
    expect(readFileSync(at('pxe.vmlinuz.DIGESTS'), 'utf8')).toContain(`${digestOf(kernel, 'sha512')}  pxe.vmlinuz\n`);
  });
});
