/** Programs, archives, texts and JSON, and things that were made to mislead. */
import { copyFileSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { compareJson, flatten, printable, renderHtml, renderText } from '../../../lib/compare/index.ts';
import {
  changeByte,
  compareIn,
  type Files,
  makeExt4,
  makeFat,
  makeFolder,
  makeSquashfs,
  onlyPath,
  runTool,
} from '../../helpers/compare-images.ts';
import { fc } from '../../helpers/fast-check.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { noise, ODD_NAMES } from '../../helpers/temp-files.ts';

jest.setTimeout(120_000);

const folder = useTempFolders()('things');
const at = (...names: string[]): string => join(folder, ...names);
const compare = (before: string, after: string, limits = {}) => compareIn(at('temp'), before, after, limits);
const write = (name: string, content: string | Buffer): string => {
  writeFileSync(at(name), content);
  return at(name);
};

/** A minimal ELF file (64 bit, little endian) with the given sections. */
const makeElf = (sections: Readonly<Record<string, string>>): Buffer => {
  const names = ['', ...Object.keys(sections), '.shstrtab'];
  const table = Buffer.from(`${names.join('\0')}\0`);
  const contents = [...Object.values(sections).map((text) => Buffer.from(text)), table];
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(62, 18);
  const headers = [Buffer.alloc(64)];
  let [offset, nameAt] = [64, 1];
  for (const [index, content] of contents.entries()) {
    const one = Buffer.alloc(64);
    one.writeUInt32LE(nameAt, 0);
    one.writeUInt32LE(1, 4);
    one.writeBigUInt64LE(BigInt(offset), 24);
    one.writeBigUInt64LE(BigInt(content.length), 32);
    headers.push(one);
    offset += content.length;
    nameAt += (names[index + 1] ?? '').length + 1;
  }
  header.writeBigUInt64LE(BigInt(offset), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(headers.length, 60);
  header.writeUInt16LE(headers.length - 1, 62);
  return Buffer.concat([header, ...contents, ...headers]);
};

describe('a program', () => {
  test('is compared section by section', async () => {
    const before = write('a.elf', makeElf({ '.text': 'code one', '.rodata': 'data' }));
    const after = write('b.elf', makeElf({ '.text': 'code two', '.rodata': 'data', '.extra': 'x' }));
    const found = await compare(before, after);
    expect(found?.form).toBe('ELF file');
    const states = found?.children.map(({ path, state }) => [path.at(-1), state]);
    expect(states).toEqual(
      expect.arrayContaining([
        ['.extra', 'added'],
        ['.text', 'differs'],
      ]),
    );
    expect(states).not.toContainEqual(['.rodata', expect.anything()]);
  });

  test('also a real one, whose sections a program that is not ours names', async () => {
    copyFileSync(process.execPath, at('node-a'));
    // The comment is a section that every linker writes, and that nothing runs by.
    runTool('objcopy', ['--add-section', `.note.ours=${write('note', 'added')}`, at('node-a'), at('node-b')]);
    const found = await compare(at('node-a'), at('node-b'));
    expect(found?.children.find(({ path }) => path.at(-1) === '.note.ours')?.state).toBe('added');
    expect(found?.children.map(({ path }) => path.at(-1))).not.toContain('.text');
  });
});

describe('an archive', () => {
  const files: Files = { 'usr/bin/less': noise(20_000), 'usr/share/x': 'x\n' };
  const other: Files = { ...files, 'usr/share/x': 'y\n' };
  const list = (name: string): string => `${Object.keys(files).join('\n')}\n${name}`;
  const makers: Record<string, (name: string) => string> = {
    'tar.gz': (name) => {
      runTool('sh', [
        '-c',
        'tar --sort=name --owner=0 --group=0 -C "$1" -cf - . | gzip -n >"$1.tar.gz"',
        '-',
        at(name),
      ]);
      return at(`${name}.tar.gz`);
    },
    zip: (name) => {
      runTool('zip', ['-q', '-r', '-X', at(`${name}.zip`), 'usr'], { cwd: at(name) });
      return at(`${name}.zip`);
    },
    'cpio, then a packed one': (name) => {
      const script =
        'cd "$1"; find usr | sort | cpio -o -H newc --quiet --reproducible >"$1.cpio"; head -c 512 /dev/zero >>"$1.cpio"; printf "usr/share/x" | cpio -o -H newc --quiet --reproducible | zstd -q >>"$1.cpio"';
      runTool('sh', ['-c', script, '-', at(name)]);
      return at(`${name}.cpio`);
    },
    deb: (name) => {
      makeFolder(at(name, 'DEBIAN'), {
        control: 'Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n',
      });
      runTool('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', at(name), at(`${name}.deb`)]);
      return at(`${name}.deb`);
    },
  };

  let pair = 0;
  test.each(Object.entries(makers))('%s', async (_, make) => {
    expect(list('')).toContain('less');
    pair += 1;
    makeFolder(at(`a${pair}`), files);
    makeFolder(at(`b${pair}`), other);
    const [before, after] = [make(`a${pair}`), make(`b${pair}`)];
    const leaves = flatten((await compare(before, after)) ?? never());
    const texts = leaves.filter(({ kind }) => kind === 'text');
    expect(texts.length).toBeGreaterThan(0);
    for (const { path, details } of texts) {
      expect(path.at(-1)).toMatch(/usr\/share\/x$/);
      expect(details).toEqual(expect.arrayContaining(['-x', '+y']));
    }
    expect(JSON.stringify(leaves)).not.toContain('less');
  });

  test('names that break careless quoting are names', async () => {
    const named = (text: string): Files => Object.fromEntries(ODD_NAMES.map((name) => [name, `${text} ${name}`]));
    makeFolder(at('odd-a'), named('a'));
    makeFolder(at('odd-b'), named('b'));
    for (const make of [
      (name: string) => makeSquashfs(at(`${name}.sq`), at(name)),
      (name: string) => makeExt4(at(`${name}.ext4`), at(name)),
    ]) {
      const leaves = flatten((await compare(make('odd-a'), make('odd-b'))) ?? never());
      const names = leaves.filter(({ kind }) => kind === 'text').map(({ path }) => path.at(-1));
      expect(new Set(names)).toEqual(new Set(ODD_NAMES.map((name) => `/${name}`)));
    }
  });

  test.each([
    ['a link target', (name: string) => symlinkSync('x\nfake R 1 644 0 0 1 0', at(name, 'link'))],
    ['a name', (name: string) => writeFileSync(at(name, 'new\nline'), 'c')],
  ])('%s with a line end cannot make a file of squashfs that is not there', async (what, add) => {
    const name = what.replace(' ', '-');
    makeFolder(at(`${name}-a`), { file: 'a' });
    makeFolder(at(`${name}-b`), { file: 'b' });
    add(`${name}-b`);
    const found = await compare(
      makeSquashfs(at(`${name}-a.sq`), at(`${name}-a`)),
      makeSquashfs(at(`${name}-b.sq`), at(`${name}-b`)),
    );
    expect(found?.state).toBe('unreadable');
    expect(found?.note).toContain('after: names or link targets in it have line ends');
  });

  test('in ext4 they are names', async () => {
    makeFolder(at('line-a'), { file: 'a' });
    makeFolder(at('line-b'), { file: 'a', 'new\nline': 'c' });
    const found = await compare(makeExt4(at('line-a.ext4'), at('line-a')), makeExt4(at('line-b.ext4'), at('line-b')));
    expect(renderText(found ?? never()).join('\n')).toContain('+ /new\\u000aline (file, added): 1 bytes');
  });
});

describe('FAT', () => {
  test.each([16, 32])('of %d bits', async (bits) => {
    const files = { 'EFI/BOOT/BOOTX64.EFI': noise(200_000), 'a long name with spaces.conf': 'one\n' };
    const before = makeFat(at(`a${bits}.fat`), files, bits);
    const after = makeFat(at(`b${bits}.fat`), { ...files, 'a long name with spaces.conf': 'two\n' }, bits);
    expect(onlyPath(await compare(before, after))).toEqual(['it', '/a long name with spaces.conf']);
  });
});

describe('bytes', () => {
  test('say where they differ, and how much', async () => {
    const found = await compare(write('x', Buffer.from('\0aaaaaaa')), write('y', Buffer.from('\0aabaaca')));
    expect(found?.note).toBe('the first difference is at byte 3; 2 bytes differ, in 2 places');
    expect(found?.excerpt).toEqual([
      '-00000000  00 61 61 61 61 61 61 61                          |.aaaaaaa|',
      '+00000000  00 61 61 62 61 61 63 61                          |.aabaaca|',
    ]);
  });

  test('one is the beginning of the other', async () => {
    const found = await compare(write('short', Buffer.from('\0a')), write('long', Buffer.from('\0abc')));
    expect(found?.note).toBe('the same up to byte 2, then 2 bytes more');
  });
});

describe('JSON', () => {
  test('by its keys; items of lists by what they are called', () => {
    const before = {
      packages: [
        { name: 'a', v: 1 },
        { name: 'b', v: 1 },
      ],
      'odd key': [1, 2],
      same: true,
    };
    const after = {
      packages: [
        { name: 'b', v: 2 },
        { name: 'c', v: 1 },
      ],
      'odd key': [1, 3],
      same: true,
    };
    expect(compareJson(before, after)).toEqual([
      '- $.packages["a"]: {"name":"a","v":1}',
      '~ $.packages["b"].v: 1 → 2',
      '+ $.packages["c"]: {"name":"c","v":1}',
      '~ $["odd key"][1]: 2 → 3',
    ]);
  });

  test('two values differ exactly when something is said', () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(value, value, (a, b) => {
        const normal = (one: unknown): string =>
          JSON.stringify(one, (_, inner) =>
            inner && typeof inner === 'object' && !Array.isArray(inner)
              ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
              : inner,
          );
        expect(compareJson(a, a)).toEqual([]);
        if (compareJson(a, b).length === 0) expect(normal(a).length).toBe(normal(b).length);
      }),
    );
  });
});

describe('limits', () => {
  test('what would take too much room to unpack is not unpacked', async () => {
    runTool('sh', [
      '-c',
      'head -c 20M /dev/zero | gzip -n >"$1"; (head -c 20M /dev/zero; echo) | gzip -n >"$2"',
      '-',
      at('bomb-a.gz'),
      at('bomb-b.gz'),
    ]);
    const found = await compare(at('bomb-a.gz'), at('bomb-b.gz'), { unpackedBytes: 1_000_000 });
    expect(found?.state).toBe('unreadable');
    expect(found?.note).toContain('unpacking it would take more room than a comparison may use');
  });

  test('more than so many that differ are counted', async () => {
    const many = (text: string): Files =>
      Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`f${index}`, text]));
    makeFolder(at('many-a'), many('a'));
    makeFolder(at('many-b'), many('b'));
    for (const name of ['many-a', 'many-b'])
      runTool('tar', ['--sort=name', '-cf', at(`${name}.tar`), '-C', at(name), '.']);
    const found = await compare(at('many-a.tar'), at('many-b.tar'), { listed: 10 });
    expect(found?.children.length).toBe(10);
    expect(found?.leftOut).toBe(20);
  });

  test('things in things in things end somewhere', async () => {
    const nest = (name: string, text: string): string => {
      write(`${name}.0`, text);
      for (let level = 0; level < 6; level += 1)
        runTool('sh', ['-c', 'gzip -n <"$1" >"$2"', '-', at(`${name}.${level}`), at(`${name}.${level + 1}`)]);
      return at(`${name}.6`);
    };
    const found = await compare(nest('nest-a', 'a\n'), nest('nest-b', 'b\n'), { depth: 3 });
    expect(found?.note).toContain('nested too deep to look into');
  });
});

describe('damage', () => {
  const make = (): string[] => {
    makeFolder(at('whole'), { 'a/b': noise(3000), 'a/c': 'text\n', d: makeElf({ '.text': 'x' }) });
    runTool('tar', ['-cf', at('whole.tar'), '-C', at('whole'), '.']);
    runTool('zip', ['-q', '-r', at('whole.zip'), '.'], { cwd: at('whole') });
    runTool('sh', [
      '-c',
      'cd "$1"; find . | cpio -o -H newc --quiet >"$1.cpio"; gzip -n <"$1.tar" >"$1.tgz"',
      '-',
      at('whole'),
    ]);
    return [
      at('whole.tar'),
      at('whole.zip'),
      at('whole.cpio'),
      at('whole.tgz'),
      makeSquashfs(at('whole.sq'), at('whole')),
      makeExt4(at('whole.ext4'), at('whole')),
      makeFat(at('whole.fat'), { 'a/b': noise(3000), 'a/c': 'text\n' }),
      write('whole.elf', makeElf({ '.text': 'x', '.data': 'y' })),
    ];
  };

  test('is an entry of the result, wherever it is', async () => {
    for (const file of make()) {
      const size = readFileSync(file).length;
      // Where the structures are: at the beginning and at the end; the middle of a file system is mostly empty.
      const places = fc.oneof(
        fc.integer({ min: 0, max: Math.min(size, 9000) - 1 }),
        fc.integer({ min: Math.max(0, size - 400), max: size - 1 }),
      );
      const damage = fc.record({
        places: fc.array(places, { minLength: 1, maxLength: 6 }),
        end: fc.option(fc.integer({ min: 1, max: size }), { freq: 4 }),
      });
      await fc.assert(
        fc.asyncProperty(damage, async ({ places: bytes, end }) => {
          copyFileSync(file, at('damaged'));
          for (const place of new Set(bytes)) changeByte(at('damaged'), place);
          if (end !== null) truncateSync(at('damaged'), end);
          const found = await compare(file, at('damaged'));
          expect(found).toBeDefined();
          expect(renderText(found ?? never()).length).toBeGreaterThan(0);
        }),
        { numRuns: 12 },
      );
    }
  });
});

test('what is shown cannot steer a terminal or a page', () => {
  const name = 'a\u001b[31m\n\u202e<script>alert(1)</script>';
  const node = {
    path: ['it', name],
    kind: 'file',
    state: 'differs',
    changes: [{ what: 'link target', before: name, after: 'x' }],
    children: [],
  } as const;
  const text = renderText(node).join('\n');
  expect(text).toContain('a\\u001b[31m\\u000a\\u202e<script>');
  for (const steering of ['\u001b', '\u202e']) expect(text).not.toContain(steering);
  const markup = renderHtml(node).markup;
  expect(markup).not.toContain('<script>');
  for (const steering of ['\u001b', '\u202e']) expect(markup).not.toContain(steering);
  expect(printable('plain ünïcode-日本')).toBe('plain ünïcode-日本');
});

function never(): never {
  throw new Error('nothing differs');
}
