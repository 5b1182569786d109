/** Images made with the programs that make them everywhere; one thing is changed in each layer, and has to be found there and nowhere else. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { flatten, renderText } from '../../../lib/compare/index.ts';
import {
  changeByte,
  compareIn,
  type Files,
  lastNode,
  makeDisk,
  makeExt4,
  makeFat,
  makeFolder,
  makeSquashfs,
  onlyPath,
  runTool,
} from '../../helpers/compare-images.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { noise } from '../../helpers/temp-files.ts';

jest.setTimeout(120_000);

const makeTemp = useTempFolders();
const folder = makeTemp('compare');
const at = (...names: string[]): string => join(folder, ...names);

const usr: Files = {
  'bin/less': noise(300_000, 'less'),
  'bin/jq': noise(50_000, 'jq'),
  'share/doc/a b/text': 'one\ntwo\nthree\n',
  'share/packages.json': '{"less":{"version":"590"}}',
};
const root: Files = { 'etc/hostname': 'it\n', 'var/big': noise(2_000_000, 'big') };
const esp: Files = { 'EFI/BOOT/BOOTX64.EFI': noise(70_000, 'efi'), 'loader/entries/a.conf': 'options usrhash=1\n' };

interface Parts {
  readonly usr?: Files;
  readonly root?: Files;
  readonly esp?: Files;
  readonly table?: string;
}

/** mkfs writes the time into an ext4 file system: the same files are made only once. */
const madeRoots = new Map<string, string>();
const makeRoot = (files: Files): string => {
  const key = JSON.stringify(files);
  const name = at(`root-${madeRoots.size}`);
  const file = madeRoots.get(key) ?? makeExt4(name, makeFolder(`${name}.d`, files));
  madeRoots.set(key, file);
  return file;
};

let count = 0;
const makeImage = (parts: Parts = {}): string => {
  count += 1;
  const name = (what: string): string => at(`${count}-${what}`);
  return makeDisk(
    name('disk'),
    {
      'EFI-SYSTEM': makeFat(name('esp'), { ...esp, ...parts.esp }),
      'USR-A': makeSquashfs(name('usr'), makeFolder(name('usr.d'), { ...usr, ...parts.usr })),
      ROOT: makeRoot({ ...root, ...parts.root }),
    },
    parts.table,
  );
};

const compare = (before: string, after: string) => compareIn(at('temp'), before, after);

let plain: string;
beforeAll(() => {
  plain = makeImage();
}, 60_000);

describe('a disk image', () => {
  test('that is the same is no difference', async () => {
    expect(await compare(plain, plain)).toBeUndefined();
    expect(await compare(plain, makeImage())).toBeUndefined();
  });

  test.each([
    ['a program in squashfs', { usr: { 'bin/less': noise(300_001, 'less') } }, ['USR-A', '/bin/less'], 'file'],
    ['a file in ext4', { root: { 'etc/hostname': 'other\n' } }, ['ROOT', '/etc/hostname'], 'text'],
    [
      'a file in FAT',
      { esp: { 'loader/entries/a.conf': 'options usrhash=2\n' } },
      ['EFI-SYSTEM', '/loader/entries/a.conf'],
      'text',
    ],
  ] satisfies [string, Parts, string[], string][])('%s', async (_, parts, path, kind) => {
    const found = await compare(plain, makeImage(parts));
    // Counters of the file system itself may tell of it too.
    const leaf = flatten(found ?? never()).filter(({ path: one }) => one.length === 3);
    expect(leaf.map((one) => one.path)).toEqual([['it', ...path]]);
    expect(leaf[0]?.kind).toBe(kind);
    expect(readdirSync(at('temp'))).toEqual([]);
  });

  test('a text is shown as a difference of lines, JSON by its keys', async () => {
    const found = await compare(
      plain,
      makeImage({
        usr: { 'share/doc/a b/text': 'one\nTWO\nthree\n', 'share/packages.json': '{"less":{"version":"608"}}' },
      }),
    );
    const text = renderText(found ?? never()).join('\n');
    expect(text).toContain('~ /share/doc/a b/text (text)');
    expect(text).toMatch(/-two\n\s+\+TWO/);
    expect(text).toContain('~ $.less.version: "590" → "608"');
  });

  test('a header of the partition table', async () => {
    const other = makeImage();
    runTool('sfdisk', ['--quiet', '--disk-id', other, '3b0e5c1a-6f1d-4f1e-9a64-5c1d8f6e2bff']);
    const found = await compare(plain, other);
    expect(found?.children).toEqual([]);
    expect(found?.changes).toEqual([
      {
        what: 'disk GUID',
        before: '3b0e5c1a-6f1d-4f1e-9a64-5c1d8f6e2b00',
        after: '3b0e5c1a-6f1d-4f1e-9a64-5c1d8f6e2bff',
      },
    ]);
  });

  test('the name and the attributes of a partition', async () => {
    const other = makeImage();
    runTool('sfdisk', ['--quiet', '--part-attrs', other, '2', 'GUID:63']);
    const found = lastNode(await compare(plain, other));
    expect(found.path).toEqual(['it', 'USR-A']);
    expect(found.changes).toEqual([{ what: 'attributes', before: '0x0', after: '0x8000000000000000' }]);
  });

  test('a byte between partitions', async () => {
    const other = makeImage();
    changeByte(other, 600_000);
    expect(onlyPath(await compare(plain, other))).toEqual(['it', 'space from sector 34']);
  });

  test('packed, and as a disk of a virtual machine', async () => {
    const other = makeImage({ usr: { 'bin/jq': 'no program\n' } });
    const pack = (file: string): string[] => {
      runTool('zstd', ['-q', '-f', '-1', file, '-o', `${file}.zst`]);
      for (const format of ['qcow2', 'vmdk', 'vdi', 'vhdx', 'vpc'])
        runTool('qemu-img', ['convert', '-O', format, file, `${file}.${format}`]);
      return ['zst', 'qcow2', 'vmdk', 'vdi', 'vhdx', 'vpc'].map((ending) => `${file}.${ending}`);
    };
    const [befores, afters] = [pack(plain), pack(other)];
    for (const [index, before] of befores.entries()) {
      const found = await compare(before, afters[index] ?? '');
      const leaves = flatten(found ?? never()).map(({ path }) => path.slice(1).join(' '));
      expect([before, leaves]).toEqual([before, expect.arrayContaining(['USR-A /bin/jq'])]);
    }
  }, 60_000);

  test('the same disk, packed another way', async () => {
    runTool('zstd', ['-q', '-f', '-1', plain, '-o', at('one.zst')]);
    runTool('zstd', ['-q', '-f', '-9', plain, '-o', at('nine.zst')]);
    const found = await compare(at('one.zst'), at('nine.zst'));
    expect(found?.note).toBe('the same content, packed differently (zstd)');
    expect(found?.children).toEqual([]);
  });

  test('a disk that wants to be read with another file is not opened', async () => {
    runTool('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', at('sly.qcow2'), '1M']);
    runTool('qemu-img', ['create', '-q', '-f', 'qcow2', at('good.qcow2'), '1M']);
    const found = await compare(at('good.qcow2'), at('sly.qcow2'));
    expect(found?.state).toBe('unreadable');
    expect(found?.note).toContain('after: it refers to another file, which is not read');
    expect(JSON.stringify(found)).not.toContain('root:');
  });
});

describe('what is said of a file besides its content', () => {
  const systems = {
    squashfs: (name: string) => makeSquashfs(at(`${name}.sq`), at(name)),
    ext4: (name: string) => makeExt4(at(`${name}.ext4`), at(name)),
    ext2: (name: string) => makeExt4(at(`${name}.ext2`), at(name), 'ext2'),
    tar: (name: string) => {
      runTool('tar', ['--sort=name', '--owner=0', '--group=0', '-cf', at(`${name}.tar`), '-C', at(name), '.']);
      return at(`${name}.tar`);
    },
  } as const;

  let pair = 0;
  const makePair = (change: (file: (path: string) => string) => void): [string, string] => {
    pair += 1;
    const [a, b] = [`a${pair}`, `b${pair}`];
    makeFolder(at(a), { 'bin/tool': 'tool\n', 'etc/x': 'x\n' });
    symlinkSync('tool', at(a, 'bin/link'));
    cpSync(at(a), at(b), { recursive: true, verbatimSymlinks: true });
    change((path) => at(b, path));
    for (const name of [a, b]) runTool('find', [at(name), '-exec', 'touch', '-h', '-d', '@1700000000', '{}', '+']);
    return [a, b];
  };

  const cases: [string, (file: (path: string) => string) => void, RegExp, object][] = [
    [
      'its mode',
      (file) => chmodSync(file('bin/tool'), 0o4755),
      /bin\/tool$/,
      { changes: [expect.objectContaining({ what: 'mode', after: '4755' })] },
    ],
    [
      'where a link leads',
      (file) => {
        unlinkSync(file('bin/link'));
        symlinkSync('../evil', file('bin/link'));
      },
      /bin\/link$/,
      { changes: [{ what: 'link target', before: 'tool', after: '../evil' }] },
    ],
    ['a file that is gone', (file) => unlinkSync(file('etc/x')), /etc\/x$/, { state: 'removed' }],
    [
      'a folder that is new',
      (file) => makeFolder(file('new'), { 'a/b': '1', 'a/c': '2' }),
      /\/new$/,
      { state: 'added', note: 'with 3 more inside' },
    ],
  ];
  for (const [name, make] of Object.entries(systems)) {
    test.each(cases)(`in ${name}: %s`, async (_, change, path, expected) => {
      const [a, b] = makePair(change);
      const found = await compare(make(a), make(b));
      expect(found?.state).toBe('differs');
      const children = found?.children ?? [];
      expect(children.map((child) => child.path.at(-1))).toEqual([expect.stringMatching(path)]);
      expect(children[0]).toMatchObject(expected);
    });
  }

  test('times alone are counted, not listed', async () => {
    const [a, b] = makePair(() => {});
    runTool('find', [at(b), '-exec', 'touch', '-h', '-d', '@1700000100', '{}', '+']);
    const found = await compare(systems.tar(a), systems.tar(b));
    expect(found?.children).toEqual([]);
    expect(found?.changes).toEqual([
      {
        what: 'last change of 6 members, for example .',
        before: '2023-11-14T22:13:20.000Z',
        after: '2023-11-14T22:15:00.000Z',
      },
    ]);
  });
});

test('without the program that reads a file system that is said, and what else there is is compared', async () => {
  const { compareFiles } = await import('../../../lib/compare/index.ts');
  const { createRunner } = await import('../../../lib/process/index.ts');
  const other = makeImage({ usr: { 'bin/less': 'x' }, root: { 'etc/hostname': 'y\n' } });
  const runner = createRunner({ cwd: '/', env: { PATH: '/nonexistent' } });
  const found = await compareFiles(plain, other, 'it', { runner, temp: makeTemp('none') });
  const lines = renderText(found ?? never()).join('\n');
  expect(lines).toMatch(
    /\? USR-A \(partition, unreadable\): before: unsquashfs is not installed; after: unsquashfs is not installed/,
  );
  expect(lines).toContain('~ /etc/hostname');
});

test('the hash tree of dm-verity is told by its superblock, not by its hashes', async () => {
  const make = (name: string, salt: string): string => {
    const file = makeSquashfs(at(`${name}.verity`), makeFolder(at(`${name}.v`), usr));
    const size = Number(execFileSync('stat', ['-c', '%s', file]).toString());
    runTool('veritysetup', [
      'format',
      `--salt=${salt}`,
      '--uuid=3b0e5c1a-6f1d-4f1e-9a64-5c1d8f6e2b12',
      `--data-blocks=${size / 4096}`,
      `--hash-offset=${size}`,
      file,
      file,
    ]);
    return file;
  };
  const found = await compare(make('v1', 'aa'), make('v2', 'bb'));
  expect(found?.form).toBe('squashfs');
  const tree = found?.children[0];
  expect(tree).toMatchObject({
    kind: 'hash tree',
    form: 'dm-verity hash tree',
    changes: [{ what: 'salt', before: 'aa', after: 'bb' }],
  });
  expect(tree?.children[0]?.excerpt).toBeUndefined();
});

function never(): never {
  throw new Error('nothing differs');
}
