import { createCipheriv, hash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import {
  type BaseBlock,
  decodeBlock,
  decodePackIndex,
  decodeRecipe,
  encodeBlock,
  encodePackIndex,
  encodeRecipe,
  formatManifest,
  type ImageManifest,
  PACK_MAGIC,
  type PackIndex,
  packRecipe,
  parseManifest,
  type Recipe,
  readRecipeHead,
  scanPack,
  unpackRecipe,
} from '../../../../lib/dedup/format/index.ts';

const idOf = (text: string): string => hash('sha256', text, 'hex');

/** Text that compresses, the same in every run. */
const words = (bytes: number, seed: string): Buffer => {
  const stream = createCipheriv('aes-128-ctr', hash('md5', seed, 'buffer'), Buffer.alloc(16));
  return Buffer.from(
    stream
      .update(Buffer.alloc(Math.ceil(bytes / 2)))
      .toString('hex')
      .slice(0, bytes),
  );
};

/** The same bytes, with one changed here and there. */
const changed = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes);
  for (let at = 0; at < copy.length; at += 5000) copy[at] = 0x2a;
  return copy;
};

const raised = (code: string, problem = '') =>
  expect.objectContaining({ code, kind: 'unverified', message: expect.stringContaining(problem) });

const hexDump = (bytes: Buffer): string =>
  bytes
    .toString('hex')
    .replace(/(.{8})/g, '$1 ')
    .trim();

describe('a block', () => {
  const lengths = [1, 9_999, 90_000];
  const raw = words(100_000, 'block');

  test('comes back, with its digest as its ID', async () => {
    const { id, record } = await encodeBlock({ lengths, raw }, 3);
    expect(id).toBe(hash('sha256', raw, 'hex'));
    expect(record.length).toBeLessThan(60_000);
    const decoded = await decodeBlock(record);
    expect(decoded).toMatchObject({ id, lengths, bases: [] });
    expect(decoded.raw.equals(raw)).toBe(true);
  });

  test('is stored as docs/cache-format.md says', async () => {
    const { record } = await encodeBlock({ lengths: [2, 3], raw: Buffer.from('abcde') }, 3);
    const frame = record.subarray(52 + 8);
    expect(hexDump(record.subarray(0, 20))).toBe(
      `424c4b31 ${hexDump(Buffer.of(frame.length, 0, 0, 0))} 05000000 02000000 00000000`,
    );
    expect(record.subarray(20, 52).toString('hex')).toBe(hash('sha256', 'abcde', 'hex'));
    expect(hexDump(record.subarray(52, 60))).toBe('02000000 03000000');
    expect(hexDump(frame.subarray(0, 4))).toBe('28b52ffd');
  });

  test('that is a difference to others is small, and needs them', async () => {
    const bases: BaseBlock[] = [words(3_000_000, 'one'), words(4_000_000, 'two')].map((bytes) => ({
      id: hash('sha256', bytes, 'hex'),
      raw: bytes,
    }));
    const mixed = changed(Buffer.concat([words(3_000_000, 'one').subarray(1_000_000), words(2_000_000, 'two')]));
    const { id, record } = await encodeBlock({ lengths: [mixed.length], raw: mixed, bases }, 3);
    expect(record.length).toBeLessThan(mixed.length / 100);
    const ids: string[] = [];
    const decoded = await decodeBlock(record, async (base) => {
      ids.push(base);
      return (bases.find((one) => one.id === base) as BaseBlock).raw;
    });
    expect(decoded.raw.equals(mixed)).toBe(true);
    expect(ids).toEqual(bases.map((base) => base.id));
    await expect(decodeBlock(record)).rejects.toEqual(raised('DEDUP_BASE_MISSING', id));
    // With another one in its place there is no wrong result, either.
    await expect(decodeBlock(record, async () => words(7_000_000, 'other'))).rejects.toEqual(
      expect.objectContaining({ kind: 'unverified' }),
    );
  });

  test('whose frame is that of other bytes is refused with both digests', async () => {
    const [one, other] = [await encodeBlock({ lengths, raw }, 3), await encodeBlock({ lengths, raw: changed(raw) }, 3)];
    const mixed = Buffer.from(other.record);
    one.record.copy(mixed, 20, 20, 52);
    await expect(decodeBlock(mixed)).rejects.toEqual(raised('DEDUP_DIGEST_MISMATCH', other.id));
  });

  test('that unpacks to more than it says costs no more memory than it says', async () => {
    const { record } = await encodeBlock({ lengths: [16 << 20], raw: Buffer.alloc(16 << 20) }, 3);
    const bomb = Buffer.from(record);
    bomb.writeUInt32LE(1000, 8);
    bomb.writeUInt32LE(1000, 52);
    await expect(decodeBlock(bomb)).rejects.toEqual(raised('DEDUP_FORMAT_INVALID', 'cannot be decompressed'));
  });

  test.each([
    ['no bytes', { lengths: [], raw: Buffer.alloc(0) }],
    ['lengths of other bytes', { lengths: [1], raw: Buffer.from('ab') }],
    ['an empty chunk', { lengths: [0, 2], raw: Buffer.from('ab') }],
    ['too many bytes', { lengths: [(16 << 20) + 1], raw: Buffer.alloc((16 << 20) + 1) }],
    ['too many chunks', { lengths: Array<number>(65_537).fill(1), raw: Buffer.alloc(65_537) }],
  ])('of %s is never made', async (_, block) => {
    await expect(encodeBlock(block, 3)).rejects.toThrow(RangeError);
  });
});

/** A pack of a plain block and one that is a difference to it. */
const makePack = async (): Promise<{ pack: Buffer; index: PackIndex }> => {
  const base = words(200_000, 'base');
  const contents = [
    { lengths: [50_000, 150_000], raw: base },
    { lengths: [200_000], raw: changed(base), bases: [{ id: hash('sha256', base, 'hex'), raw: base }] },
    { lengths: [1, 2], raw: Buffer.from('abc') },
  ];
  const records = await Promise.all(contents.map((content) => encodeBlock(content, 3)));
  const pack = Buffer.concat([PACK_MAGIC, ...records.map(({ record }) => record)]);
  let offset = PACK_MAGIC.length;
  const blocks = contents.map(({ lengths, raw, bases = [] }, at) => {
    const { id, record } = records[at] as (typeof records)[number];
    let start = 0;
    const chunks = lengths.map((length) => {
      start += length;
      return { key: hash('sha256', raw.subarray(start - length, start), 'binary'), length };
    });
    offset += record.length;
    const place = { offset: offset - record.length, recordBytes: record.length, rawBytes: raw.length };
    return { id, ...place, bases: bases.map((one) => one.id), chunks };
  });
  return { pack, index: { packId: hash('sha256', pack, 'hex'), blocks } };
};

async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

describe('a pack', () => {
  test('has an index that comes back', async () => {
    const { index } = await makePack();
    expect(decodePackIndex(encodePackIndex(index), 'x.idx')).toEqual(index);
    const empty = { packId: idOf('empty'), blocks: [] };
    expect(decodePackIndex(encodePackIndex(empty), 'x.idx')).toEqual(empty);
  });

  test.each([1 << 20, 1000, 7])('gives its index when it is read in pieces of %d bytes', async (pieceBytes) => {
    const { pack, index } = await makePack();
    expect(await scanPack(inPieces(pack, pieceBytes), 'x.pack')).toEqual(index);
  });

  test('whose differences build on another pack needs that one', async () => {
    const { pack, index } = await makePack();
    const second = index.blocks[1] as PackIndex['blocks'][number];
    const alone = Buffer.concat([PACK_MAGIC, pack.subarray(second.offset, second.offset + second.recordBytes)]);
    await expect(scanPack(inPieces(alone, 5000), 'x.pack')).rejects.toEqual(
      raised('DEDUP_BASE_MISSING', second.bases[0]),
    );
    const scanned = await scanPack(inPieces(alone, 5000), 'x.pack', async () => words(200_000, 'base'));
    expect(scanned.blocks).toEqual([{ ...second, offset: 8 }]);
  });

  test('that ends too early, or has other bytes in between, says where', async () => {
    const { pack, index } = await makePack();
    const second = (index.blocks[1] as PackIndex['blocks'][number]).offset;
    await expect(scanPack(inPieces(pack.subarray(0, second + 100), 999), 'x.pack')).rejects.toEqual(
      raised('DEDUP_FORMAT_INVALID', `x.pack is not what it should be: at byte ${second}, a block of`),
    );
    const other = Buffer.concat([pack.subarray(0, second), Buffer.alloc(100), pack.subarray(second)]);
    await expect(scanPack(inPieces(other, 999), 'x.pack')).rejects.toEqual(
      raised('DEDUP_FORMAT_INVALID', `byte ${second}`),
    );
    await expect(scanPack(inPieces(Buffer.from('SLPW'), 1), 'x.pack')).rejects.toEqual(
      raised('DEDUP_FORMAT_INVALID', 'SLPWPK01'),
    );
  });

  test('gives up its stream when it is not to be read on', async () => {
    let isClosed = false;
    async function* stream(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield Buffer.alloc(100);
      } finally {
        isClosed = true;
      }
    }
    await expect(scanPack(stream(), 'x.pack')).rejects.toEqual(raised('DEDUP_FORMAT_INVALID'));
    expect(isClosed).toBe(true);
  });
});

const block = (at: number, pack: number) => ({
  id: idOf(`block ${at}`),
  pack,
  offset: at * 1_000_000,
  recordBytes: 1_000_000,
  rawBytes: 4_000_000,
});

const recipe: Recipe = {
  diffId: idOf('diff'),
  sizeBytes: 2 ** 40 + 5,
  packs: [idOf('p0'), idOf('p1')],
  blocks: [block(0, 0), block(1, 0), block(4_000, 1)],
  runs: [
    { block: 2, first: 7, count: 10 },
    { block: 2, first: 17, count: 1 },
    { block: 0, first: 0, count: 300 },
    { block: 0, first: 5, count: 1 },
    { block: 1, first: 65_535, count: 1 },
  ],
  shape: { kind: 'tar', columns: words(500_000, 'columns') },
};

describe('a recipe', () => {
  test('comes back', () => {
    const short: Recipe = { ...recipe, shape: { kind: 'tar', columns: Buffer.from('columns') } };
    expect(decodeRecipe(encodeRecipe(short), 'x')).toEqual(short);
    expect(decodeRecipe(encodeRecipe(recipe), 'x').shape.columns.equals(recipe.shape.columns)).toBe(true);
    const opaque: Recipe = {
      ...recipe,
      packs: [],
      blocks: [],
      runs: [],
      shape: { kind: 'opaque', columns: Buffer.alloc(0) },
    };
    expect(decodeRecipe(encodeRecipe(opaque), 'x')).toEqual(opaque);
  });

  test('is stored compressed, or as the difference to another one', async () => {
    const raw = encodeRecipe(recipe);
    const first = await packRecipe(raw);
    expect(first.id).toBe(hash('sha256', first.stored, 'hex'));
    expect(readRecipeHead(first.stored)).toEqual({});
    expect((await unpackRecipe(first.stored)).equals(raw)).toBe(true);
    const nextRaw = encodeRecipe({ ...recipe, shape: { kind: 'tar', columns: changed(recipe.shape.columns) } });
    const next = await packRecipe(nextRaw, { id: first.id, raw });
    expect(next.stored.length).toBeLessThan(3000);
    expect(readRecipeHead(next.stored)).toEqual({ base: first.id });
    expect((await unpackRecipe(next.stored, raw)).equals(nextRaw)).toBe(true);
    await expect(unpackRecipe(next.stored)).rejects.toEqual(raised('DEDUP_FORMAT_INVALID', first.id));
    await expect(unpackRecipe(next.stored, words(500_000, 'other'))).rejects.toEqual(
      expect.objectContaining({ kind: 'unverified' }),
    );
  });

  test('that claims more bytes than any has is refused before anything is allocated', async () => {
    const { stored } = await packRecipe(encodeRecipe(recipe));
    stored.writeUInt32LE(0xffff_ffff, 73);
    await expect(unpackRecipe(stored)).rejects.toEqual(raised('DEDUP_FORMAT_INVALID', '4294967295'));
  });

  test('that names a pack or a block that it does not have is refused', () => {
    const noPack = encodeRecipe({ ...recipe, blocks: [block(0, 2)] });
    expect(() => decodeRecipe(noPack, 'x')).toThrow('there is no pack 2');
    const noBlock = encodeRecipe({ ...recipe, runs: [{ block: 3, first: 0, count: 1 }] });
    expect(() => decodeRecipe(noBlock, 'x')).toThrow('there is no block 3');
    const noRun = encodeRecipe({ ...recipe, runs: [{ block: 0, first: -1, count: 1 }] });
    expect(() => decodeRecipe(noRun, 'x')).toThrow('make no run');
  });
});

describe('the manifest of an image', () => {
  const diffIds = [idOf('layer 1'), idOf('layer 2')];
  const config = JSON.stringify({
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: diffIds.map((id) => `sha256:${id}`) },
  });
  const expected = { name: 'flatcar-sdk-all', version: '4799.0.0+nightly-20260821-2100' };
  const manifest: ImageManifest = {
    slipwayImage: 1,
    ...expected,
    imageId: `sha256:${idOf(config)}`,
    config,
    configDigest: idOf(config),
    layers: diffIds.map((diffId, at) => ({ diffId, sizeBytes: at * 100, recipes: [idOf('r1'), idOf('r2')] })),
  };
  const parse = (text: string) => parseManifest(text, 'x.json', expected);
  const withFields = (fields: Partial<Record<keyof ImageManifest, unknown>>) =>
    JSON.stringify({ ...manifest, ...fields });

  test('comes back', () => {
    expect(parse(formatManifest(manifest))).toEqual(manifest);
    expect(formatManifest(parse(formatManifest(manifest)))).toBe(formatManifest(manifest));
  });

  test.each<[string, string, string]>([
    ['of another image', withFields({ name: 'flatcar-packages' }), 'DEDUP_MANIFEST_OTHER'],
    ['of another version', withFields({ version: '4798.0.0' }), 'DEDUP_MANIFEST_OTHER'],
    ['with another configuration', withFields({ config: `${config} ` }), 'DEDUP_DIGEST_MISMATCH'],
    ['with other layers', withFields({ layers: manifest.layers.toReversed() }), 'DEDUP_FORMAT_INVALID'],
    ['with a layer missing', withFields({ layers: manifest.layers.slice(1) }), 'DEDUP_FORMAT_INVALID'],
    [
      'with a path for a recipe',
      withFields({ layers: [{ ...manifest.layers[0], recipes: ['../../x'] }] }),
      'DEDUP_FORMAT_INVALID',
    ],
    ['without recipes', withFields({ layers: [{ ...manifest.layers[0], recipes: [] }] }), 'DEDUP_FORMAT_INVALID'],
    ['of a later format', withFields({ slipwayImage: 2 }), 'DEDUP_FORMAT_INVALID'],
    ['with a field that nobody knows', JSON.stringify({ ...manifest, more: 1 }), 'DEDUP_FORMAT_INVALID'],
    [
      'with a configuration that is no JSON',
      withFields({ config: 'x', configDigest: idOf('x') }),
      'DEDUP_FORMAT_INVALID',
    ],
    ['that is no JSON', '<html>', 'DEDUP_FORMAT_INVALID'],
    ['that is nothing', 'null', 'DEDUP_FORMAT_INVALID'],
  ])('%s is refused', (_, text, code) => {
    expect(() => parse(text)).toThrow(raised(code, 'x.json'));
  });
});
