import 'zx/globals';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { prune, resolveIn } from '../../skiff/sdk_lib/image-prune.ts';

let root = '';
beforeEach(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), 'prune-'));
  await fs.mkdirp(path.join(root, 'usr/bin'));
  await fs.mkdirp(path.join(root, 'usr/sbin'));
  await fs.mkdirp(path.join(root, 'usr/share/doc/a'));
  await fs.symlink('usr/bin', path.join(root, 'bin'));
});
afterEach(() => fs.remove(root));

const write = (name: string, text: string) => fs.writeFile(path.join(root, name), text);

describe('prune', () => {
  test('removes listed folders themselves, links without following them, and nothing outside', async () => {
    await fs.symlink('/usr/share/doc', path.join(root, 'usr/docs'));
    await prune(root, ['usr/docs', 'usr/share/{doc,none}']);
    expect(await fs.readdir(path.join(root, 'usr'))).toEqual(['bin', 'sbin', 'share']);
    expect(await fs.readdir(path.join(root, 'usr/share'))).toEqual([]);
  });

  test('removes scripts and links that nothing can run any more', async () => {
    await write('usr/bin/sh', '\x7fELF');
    await write('usr/bin/perl', '\x7fELF');
    await write('usr/bin/script', '#!/bin/sh\n');
    await write('usr/sbin/dead', '#! /usr/bin/perl -w\n');
    await fs.symlink('/usr/bin/perl', path.join(root, 'usr/bin/link'));
    await prune(root, ['usr/bin/perl*']);
    expect(await fs.readdir(path.join(root, 'usr/bin'))).toEqual(['script', 'sh']);
    expect(await fs.readdir(path.join(root, 'usr/sbin'))).toEqual([]);
  });
});

describe('links inside a root', () => {
  test('absolute targets and .. stay inside', async () => {
    await write('usr/bin/sh', '');
    await fs.symlink('/bin/sh', path.join(root, 'usr/sbin/a'));
    await fs.symlink('../../../../bin/sh', path.join(root, 'usr/sbin/b'));
    await fs.symlink('c', path.join(root, 'usr/sbin/c'));
    for (const name of ['a', 'b']) {
      expect(await resolveIn(root, path.join(root, 'usr/sbin', name))).toBe(path.join(root, 'usr/bin/sh'));
    }
    expect(await resolveIn(root, path.join(root, 'usr/sbin/c'))).toBeUndefined();
    expect(await resolveIn(root, path.join(root, 'usr/sbin/d'))).toBeUndefined();
  });
});
