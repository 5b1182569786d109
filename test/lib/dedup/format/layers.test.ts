import { execFileSync } from 'node:child_process';
import { createCipheriv, hash } from 'node:crypto';
import { linkSync, lutimesSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { joinLayer } from '../../../../lib/dedup/format/index.ts';
import { anyTar, padded, putTogether, takeApart, tarHeader } from '../../../helpers/dedup-layers.ts';
import { fc } from '../../../helpers/fast-check.ts';
import { useTempFolders } from '../../../helpers/temp.ts';

const makeFolder = useTempFolders();

/** Bytes that do not repeat, the same in every run. */
const noise = (bytes: number, seed = 'seed'): Buffer =>
  createCipheriv('aes-128-ctr', hash('md5', seed, 'buffer'), Buffer.alloc(16)).update(Buffer.alloc(bytes));

const END = Buffer.alloc(1024);

const BIG = noise(1_500_000);

/** A tree with everything that tars write in their own way. */
const makeTree = (mtime: (name: string) => number): string => {
  const folder = makeFolder('layers');
  const long = `${'deep/'.repeat(30)}${'n'.repeat(200)}`;
  for (const name of ['etc', join(long, '..'), 'empty']) mkdirSync(join(folder, name), { recursive: true });
  const files: Record<string, Buffer> = {
    'etc/os-release': Buffer.from('ID=flatcar\n'),
    'etc/nothing': Buffer.alloc(0),
    'etc/block': noise(512, 'block'),
    'etc/just-one-chunk': noise(65_536, 'one'),
    'etc/ümläut': Buffer.from('ü'),
    [long]: Buffer.from('long'),
    big: BIG,
    sparse: Buffer.from('begin'),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  truncateSync(join(folder, 'sparse'), 3_000_000);
  linkSync(join(folder, 'big'), join(folder, 'etc/hardlink'));
  symlinkSync('l'.repeat(150), join(folder, 'etc/symlink'));
  for (const name of [...Object.keys(files), 'etc', 'empty', '.'])
    utimesSync(join(folder, name), mtime(name), mtime(name));
  lutimesSync(join(folder, 'etc/symlink'), mtime('etc/symlink'), mtime('etc/symlink'));
  return folder;
};

const tar = (folder: string, ...args: string[]): Buffer =>
  execFileSync('tar', ['--sort=name', ...args, '-C', folder, '-cf', '-', '.'], { maxBuffer: 64 << 20 });

const tree = makeTree(() => 1_700_000_000);

const expectSame = async (layer: Buffer, writeSizes?: readonly number[]): Promise<ReturnType<typeof takeApart>> => {
  const apart = takeApart(layer, writeSizes);
  expect(apart.sizeBytes).toBe(layer.length);
  expect(apart.diffId).toBe(hash('sha256', layer, 'hex'));
  for (const [at, chunk] of apart.chunks.entries()) expect(apart.keys[at]).toBe(hash('sha256', chunk, 'binary'));
  const again = await putTogether(apart.shape, apart.sizeBytes, Buffer.concat(apart.chunks));
  expect(again.equals(layer)).toBe(true);
  return apart;
};

describe('a tar comes back bit by bit, and only contents of files are content', () => {
  test.each<[string, string[]]>([
    ['GNU', ['--format=gnu']],
    ['GNU, sparse', ['--format=gnu', '--sparse']],
    [
      'GNU, sparse, owners beyond the octal field',
      ['--format=gnu', '--sparse', '--owner=:4000000', '--group=:3000000000'],
    ],
    ['pax', ['--format=pax']],
    ['pax, sparse', ['--format=pax', '--sparse']],
    [
      'pax, odd owners and a comment for all',
      ['--format=pax', '--owner=:4000000', '--pax-option=globexthdr.name=g,comment=x'],
    ],
    ['old GNU', ['--format=oldgnu']],
    ['another blocking factor', ['--format=gnu', '-b', '1']],
  ])('%s', async (_, args) => {
    const layer = tar(tree, ...args);
    const { shape, chunks } = await expectSame(layer);
    expect(shape.kind).toBe('tar');
    expect(Buffer.concat(chunks).includes('ustar')).toBe(false);
    expect(chunks.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(BIG.length + 65_536);
    // About 50 entries, 3 headers for each in pax.
    expect(shape.columns.length).toBeLessThan(20_000);
  });

  test.each(['ustar', 'v7'])('%s, with the names that it can write', async (format) => {
    const { shape } = await expectSame(tar(join(tree, 'etc'), `--format=${format}`, '--exclude=symlink'));
    expect(shape.kind).toBe('tar');
    expect(shape.columns.length).toBeLessThan(2000);
  });

  test('devices, pipes and folders have no body, whatever their size says', async () => {
    const entries = [...'123456'].map((type) => tarHeader({ name: `entry${type}`, type, size: 4096 }));
    const { chunks, shape } = await expectSame(
      Buffer.concat([...entries, tarHeader({ size: 3 }), padded(Buffer.from('abc')), END]),
    );
    expect(chunks).toEqual([Buffer.from('abc')]);
    expect(shape.kind).toBe('tar');
  });

  test('a size in base 256, and one in a pax header', async () => {
    const first = [tarHeader({ size: 5n }), padded(Buffer.from('12345'))];
    const second = [
      tarHeader({ type: 'x', size: 9 }),
      padded(Buffer.from('9 size=6\n')),
      tarHeader({ size: 0 }),
      padded(Buffer.from('123456')),
    ];
    const { chunks } = await expectSame(Buffer.concat([...first, ...second, END]));
    expect(chunks).toEqual([Buffer.from('12345'), Buffer.from('123456')]);
  });

  test('a file of more than 8 GiB by its header, of which little is there', async () => {
    const { chunks } = await expectSame(Buffer.concat([tarHeader({ size: 9n << 30n }), Buffer.from('little')]));
    expect(chunks).toEqual([Buffer.from('little')]);
    const pax = '20 size=10000000000\n';
    const claimed = [
      tarHeader({ type: 'x', size: pax.length }),
      padded(Buffer.from(pax)),
      tarHeader({}),
      Buffer.from('little'),
    ];
    expect((await expectSame(Buffer.concat(claimed))).chunks).toEqual([Buffer.from('little')]);
  });

  test('checksums and mtimes that are written in another way', async () => {
    const odd = [
      tarHeader({ name: 'a', checksum: (sum) => `${sum.toString(8).padStart(7, '0')}\0`, size: 1 }),
      padded(Buffer.from('a')),
      tarHeader({ name: 'b', checksum: (sum) => ` ${sum.toString(8)}\0 ` }),
      tarHeader({ name: 'c', mtime: '14000000000 ' }),
      tarHeader({ name: 'd', mtime: '\x80\0\0\0\0\0\0\0\0\0\0\x07' }),
      tarHeader({ name: 'e', mtime: '' }),
      // As old programs did, which took bytes for signed ones.
      tarHeader({ name: 'ü', checksum: (sum) => `${(sum - 512).toString(8).padStart(6, '0')}\0 ` }),
      tarHeader({ name: 'f', mtime: '00000000000\0' }),
    ];
    const { chunks, shape } = await expectSame(Buffer.concat([...odd, END]));
    expect(shape.kind).toBe('tar');
    expect(chunks).toEqual([Buffer.from('a')]);
  });

  test('an empty one, and several one after the other', async () => {
    const empty = Buffer.alloc(10_240);
    expect(await expectSame(empty)).toMatchObject({ chunks: [], shape: { kind: 'tar' } });
    const one = tar(join(tree, 'etc'), '--format=gnu');
    const { keys } = takeApart(one);
    expect((await expectSame(Buffer.concat([one, empty, one]))).keys).toEqual([...keys, ...keys]);
  });
});

describe('what is no tar is content', () => {
  test('no bytes at all', async () => {
    expect(await expectSame(Buffer.alloc(0))).toMatchObject({ chunks: [], shape: { kind: 'opaque' } });
  });

  test('other bytes', async () => {
    const { shape, chunks } = await expectSame(BIG);
    expect(shape).toEqual({ kind: 'opaque', columns: Buffer.alloc(0) });
    expect(Buffer.concat(chunks).equals(BIG)).toBe(true);
  });

  test('garbage after the end of a tar', async () => {
    const one = tar(join(tree, 'etc'), '--format=gnu');
    const { chunks, shape } = await expectSame(Buffer.concat([one, noise(100_000)]));
    expect(shape.kind).toBe('tar');
    expect(Buffer.concat(chunks).subarray(-100_000).equals(noise(100_000))).toBe(true);
  });

  test('a header that would look like an end block without its checksum', async () => {
    const blank = Buffer.alloc(512);
    blank.write('000400\0 ', 148, 'latin1');
    await expectSame(Buffer.concat([tarHeader({}), blank, END]));
    blank.write('14000000000\0', 136, 'latin1');
    await expectSame(Buffer.concat([tarHeader({}), blank, END]));
  });

  test.each(['', '-0000000001\0', '\xff'.repeat(12), '\x80'.padEnd(12, '\xff'), '00000000009\0'])(
    'a header whose size is %j',
    async (size) => {
      await expectSame(Buffer.concat([tarHeader({ name: 'good' }), tarHeader({ size }), noise(2000), END]));
    },
  );

  test('a pax header that is too large to be one', async () => {
    const body = noise(2_000_000, 'pax');
    const { chunks } = await expectSame(
      Buffer.concat([tarHeader({ type: 'x', size: body.length }), padded(body), tarHeader({}), END]),
    );
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
  });
});

test('a tar that is cut off anywhere comes back as it was', async () => {
  const layer = tar(join(tree, 'etc'), '--format=pax', '--exclude=just-one-chunk', '--exclude=hardlink');
  for (let length = 0; length <= layer.length; length += 97) await expectSame(layer.subarray(0, length));
});

test('any bytes, in writes and pieces of any size, come back as they were', async () => {
  const layer = Buffer.concat([tar(tree, '--format=gnu', '--sparse'), noise(3000)]);
  const whole = takeApart(layer);
  const size = fc.oneof(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 300_000 }));
  const sizes = fc.array(size, { minLength: 1, maxLength: 8 }).filter((list) => list.some((one) => one > 2000));
  await fc.assert(
    fc.asyncProperty(sizes, sizes, async (writes, pieces) => {
      const { keys, chunks, shape, sizeBytes, diffId } = takeApart(layer, writes);
      // However the bytes come, they are cut alike.
      expect(keys).toEqual(whole.keys);
      expect(shape).toEqual(whole.shape);
      expect(diffId).toBe(whole.diffId);
      expect((await putTogether(shape, sizeBytes, Buffer.concat(chunks), pieces)).equals(layer)).toBe(true);
    }),
    { numRuns: 15 },
  );
});

test('a tar with some bytes changed comes back as it was', async () => {
  const layer = tar(join(tree, 'etc'), '--format=pax', '--exclude=just-one-chunk', '--exclude=hardlink');
  const change = fc.tuple(fc.nat(layer.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
      const changed = Buffer.from(layer);
      for (const [at, byte] of changes) changed[at] = byte;
      await expectSame(changed, [5000]);
    }),
    { numRuns: 200 },
  );
});

test('entries as no program writes them come back as they were', async () => {
  await fc.assert(
    fc.asyncProperty(anyTar, async (layer) => {
      await expectSame(layer, [600]);
    }),
    { numRuns: 300 },
  );
});

describe('the same files with other mtimes', () => {
  /** The column of the headers: after the numbers of bytes in the tar, in it, and in the column of the mtimes. */
  const mainColumn = (columns: Buffer): Buffer => {
    let at = 0;
    const varint = (): number => {
      for (let value = 0, factor = 1; ; factor *= 128) {
        const byte = columns[at] as number;
        at += 1;
        value += (byte & 127) * factor;
        if (byte < 128) return value;
      }
    };
    varint();
    const length = varint();
    varint();
    return columns.subarray(at, at + length);
  };

  test.each([
    ['gnu', []],
    ['ustar', ['--exclude=symlink']],
    ['pax', ['--pax-option=delete=atime,delete=ctime']],
  ])('give the same chunks and the same column of headers (%s)', (format, more) => {
    const args = [`--format=${format}`, '--exclude=./deep', ...more];
    const yesterday = takeApart(
      tar(
        makeTree(() => 1_700_000_000),
        ...args,
      ),
    );
    const today = takeApart(
      tar(
        makeTree((name) => 1_700_086_400 + name.length),
        ...args,
      ),
    );
    expect(today.keys).toEqual(yesterday.keys);
    expect(today.diffId).not.toBe(yesterday.diffId);
    expect(mainColumn(today.shape.columns).equals(mainColumn(yesterday.shape.columns))).toBe(true);
  });
});

describe('chunks', () => {
  const lengthsOf = (content: Buffer): number[] => takeApart(content).chunks.map(({ length }) => length);

  test('are of 16 to 256 KiB but for the last one of a file, about 64 KiB on average; files up to 64 KiB are whole', () => {
    const content = noise(8_000_000);
    const lengths = lengthsOf(Buffer.concat([tarHeader({ size: content.length }), padded(content), END]));
    expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThan(16 * 1024);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(256 * 1024);
    expect(content.length / lengths.length).toBeGreaterThan(48 * 1024);
    expect(content.length / lengths.length).toBeLessThan(80 * 1024);
    expect(lengthsOf(Buffer.concat([tarHeader({ size: 65_536 }), content.subarray(0, 65_536), END]))).toEqual([65_536]);
    // Where there is nothing to cut at.
    expect(lengthsOf(Buffer.alloc(600_000, 7))).toEqual([262_144, 262_144, 600_000 - 2 * 262_144]);
  });

  test('of two releases of Slipway are cut alike', () => {
    expect(hash('sha256', Buffer.from(lengthsOf(noise(2_000_000)).join()), 'hex')).toBe(
      '28acb402f77edae590ada42f9e1dcf0787692282835d25fd04a42dad2503ad36',
    );
  });

  test('find the same content again after bytes were put in before it', () => {
    const content = noise(3_000_000);
    const before = new Set(takeApart(content).keys);
    const after = takeApart(Buffer.concat([Buffer.from('something new'), content]));
    expect(after.keys.filter((key) => !before.has(key)).length).toBeLessThan(4);
  });
});

test('the joiner gives out large buffers', async () => {
  const files = Array.from({ length: 3000 }, (_, at) => [
    tarHeader({ name: `f${at}`, size: 100 }),
    padded(noise(100, `${at}`)),
  ]);
  const layer = Buffer.concat([...files.flat(), END]);
  const { shape, sizeBytes, chunks } = takeApart(layer);
  const lengths: number[] = [];
  for await (const part of joinLayer(
    shape,
    sizeBytes,
    (async function* () {
      yield* chunks;
    })(),
  ))
    lengths.push(part.length);
  expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThanOrEqual(64 * 1024);
});

test('content that does not fit the shape is an error', async () => {
  const layer = Buffer.concat([tarHeader({ size: 5 }), padded(Buffer.from('12345')), END]);
  const { shape, sizeBytes } = takeApart(layer);
  const invalid = (problem: string) =>
    expect.objectContaining({ code: 'DEDUP_FORMAT_INVALID', message: expect.stringContaining(problem) });
  await expect(putTogether(shape, sizeBytes, Buffer.from('1234'))).rejects.toEqual(invalid('ends 1 bytes before'));
  await expect(putTogether(shape, sizeBytes, Buffer.from('123456'))).rejects.toEqual(invalid('more content'));
  await expect(putTogether(shape, 1000, Buffer.from('12345'))).rejects.toEqual(invalid('the layer only 1000'));
});
