import { createHash, hash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import {
  createPackWalker,
  decodeBlock,
  decodePackIndex,
  decodeRecipe,
  encodeBlock,
  encodePackIndex,
  encodeRecipe,
  formatManifest,
  joinLayer,
  PACK_MAGIC,
  packRecipe,
  parseManifest,
  readRecipeHead,
  scanPack,
  unpackRecipe,
} from '../../../../lib/dedup/format/index.ts';
import { SlipwayError } from '../../../../lib/errors/index.ts';
import { padded, takeApart, tarHeader } from '../../../helpers/dedup-layers.ts';
import { fc } from '../../../helpers/fast-check.ts';

/** What becomes of a file on a bad disk, on a cut line, and in bad hands. */
const damaged = (good: Buffer): fc.Arbitrary<Buffer> =>
  fc.oneof(
    fc.nat(good.length).map((length) => good.subarray(0, length)),
    fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => {
      const copy = Buffer.from(good);
      for (const [at, byte] of changes) copy[at] = byte;
      return copy;
    }),
    // Numbers at their limits.
    fc
      .tuple(fc.nat(good.length - 1), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.integer({ min: 1, max: 8 }))
      .map(([at, byte, count]) => {
        const copy = Buffer.from(good);
        copy.fill(byte, at, Math.min(copy.length, at + count));
        return copy;
      }),
    fc
      .tuple(fc.nat(good.length), fc.uint8Array({ maxLength: 40 }))
      .map(([at, more]) => Buffer.concat([good.subarray(0, at), more, good.subarray(at)])),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.concat([good.subarray(0, 8), bytes])),
  );

/** Adds the digest that somebody who wants to deceive would add, too. */
const withDigest = (body: Buffer): Buffer => Buffer.concat([body, hash('sha256', body, 'buffer')]);

/** Every outcome is the right value or an error that says what is wrong. */
const survives = async <Value>(
  good: Buffer,
  read: (bytes: Buffer) => Value | Promise<Value>,
  check: (value: Value, bytes: Buffer) => void,
  change: (bytes: Buffer) => Buffer = (bytes) => bytes,
): Promise<void> => {
  await fc.assert(
    fc.asyncProperty(damaged(good).map(change), async (bytes) => {
      let value: Value;
      try {
        value = await read(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(SlipwayError);
        expect(error).toMatchObject({ kind: 'unverified' });
        return;
      }
      check(value, bytes);
    }),
    { numRuns: 500 },
  );
};

const noise = (bytes: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(bytes / 32) }, (_, at) => createHash('sha256').update(`${at}`).digest()),
  ).subarray(0, bytes);

const idOf = (text: string): string => hash('sha256', text, 'hex');

const layer = Buffer.concat([
  tarHeader({ name: 'a', size: 700 }),
  padded(noise(700)),
  tarHeader({ type: 'x', size: 9 }),
  padded(Buffer.from('9 size=6\n')),
  tarHeader({ name: 'b', mtime: '' }),
  padded(Buffer.from('123456')),
  tarHeader({ name: 'c', checksum: (sum) => `${sum.toString(8).padStart(7, '0')}\0` }),
  Buffer.alloc(1024),
]);

const apart = takeApart(layer);
const raw = Buffer.concat(apart.chunks);
const lengths = apart.chunks.map(({ length }) => length);

describe('damaged bytes give the right value or a clear error', () => {
  test('in a block', async () => {
    const { id, record } = await encodeBlock({ lengths, raw }, 3);
    await survives(
      record,
      (bytes) => decodeBlock(bytes),
      (block) => {
        // The lengths have no digest of their own: with wrong ones the layer will not verify.
        expect(block.id).toBe(hash('sha256', block.raw, 'hex'));
        if (block.id === id) expect(block.raw.equals(raw)).toBe(true);
      },
    );
  });

  test('in a block that is a difference to another one', async () => {
    const base = { id: idOf('base'), raw: noise(5000) };
    const { record } = await encodeBlock({ lengths, raw, bases: [base] }, 3);
    await survives(
      record,
      (bytes) => decodeBlock(bytes, async () => base.raw),
      (block) => {
        expect(block.id).toBe(hash('sha256', block.raw, 'hex'));
      },
    );
  });

  const index = {
    packId: idOf('pack'),
    blocks: [
      {
        id: idOf('1'),
        offset: 8,
        recordBytes: 100,
        rawBytes: 300,
        bases: [],
        chunks: [{ key: 'k'.repeat(32), length: 300 }],
      },
      {
        id: idOf('2'),
        offset: 108,
        recordBytes: 10,
        rawBytes: 7,
        bases: [idOf('1')],
        chunks: [
          { key: 'l'.repeat(32), length: 3 },
          { key: 'm'.repeat(32), length: 4 },
        ],
      },
    ],
  };

  test('in the index of a pack', async () => {
    await survives(
      encodePackIndex(index),
      (bytes) => decodePackIndex(bytes, 'x.idx'),
      (value) => expect(value).toEqual(index),
    );
  });

  test('in the index of a pack with a digest that fits', async () => {
    const body = encodePackIndex(index).subarray(0, -32);
    const read = (bytes: Buffer) => decodePackIndex(bytes, 'x.idx');
    await survives(body, read, (value, bytes) => expect(encodePackIndex(value).equals(bytes)).toBe(true), withDigest);
  });

  test('in a pack', async () => {
    const { record } = await encodeBlock({ lengths, raw }, 3);
    const pack = Buffer.concat([PACK_MAGIC, record, record]);
    async function* stream(bytes: Buffer): AsyncGenerator<Buffer> {
      for (let at = 0; at < bytes.length; at += 333) yield bytes.subarray(at, at + 333);
    }
    await survives(
      pack,
      (bytes) => scanPack(stream(bytes), 'x.pack'),
      (value, bytes) => {
        expect(value.packId).toBe(hash('sha256', bytes, 'hex'));
        const last = value.blocks.at(-1);
        expect(last ? last.offset + last.recordBytes : 8).toBe(bytes.length);
        const walker = createPackWalker('x.pack');
        walker.write(bytes);
        expect(value.blocks).toMatchObject(walker.end());
      },
    );
  });

  test('in a pack of which only the heads are read', async () => {
    const { record } = await encodeBlock({ lengths, raw }, 3);
    const walk = (bytes: Buffer) => {
      const walker = createPackWalker('x.pack');
      for (let at = 0; at < bytes.length; at += 100) walker.write(bytes.subarray(at, at + 100));
      return walker.end();
    };
    await survives(Buffer.concat([PACK_MAGIC, record, record]), walk, (blocks, bytes) => {
      const last = blocks.at(-1);
      expect(last ? last.offset + last.recordBytes : 8).toBe(bytes.length);
    });
  });

  const recipe = {
    diffId: apart.diffId,
    sizeBytes: apart.sizeBytes,
    packs: [idOf('p')],
    blocks: [{ id: idOf('1'), pack: 0, offset: 8, recordBytes: 1000, rawBytes: raw.length }],
    runs: [{ block: 0, first: 0, count: lengths.length }],
    shape: apart.shape,
  };

  test('in a recipe', async () => {
    await survives(
      encodeRecipe(recipe),
      (bytes) => decodeRecipe(bytes, 'x'),
      (value) => {
        for (const { pack } of value.blocks) expect(value.packs[pack]).toBeDefined();
        for (const { block, first, count } of value.runs) {
          expect(value.blocks[block]).toBeDefined();
          expect(first).toBeGreaterThanOrEqual(0);
          expect(count).toBeGreaterThan(0);
        }
      },
    );
  });

  test('in a stored recipe', async () => {
    const plain = encodeRecipe(recipe);
    const { stored, id } = await packRecipe(plain);
    await survives(
      stored,
      (bytes) => unpackRecipe(bytes),
      (value) => expect(value.equals(plain)).toBe(true),
    );
    const next = await packRecipe(encodeRecipe({ ...recipe, sizeBytes: 5 }), { id, raw: plain });
    await survives(
      next.stored,
      (bytes) => readRecipeHead(bytes),
      ({ base }) => expect(base ?? id).toHaveLength(64),
    );
    await survives(
      next.stored,
      (bytes) => unpackRecipe(bytes, plain),
      (value) => expect(decodeRecipe(value, 'x').sizeBytes).toBe(5),
    );
  });

  test('in a shape', async () => {
    const join = async (columns: Buffer): Promise<Buffer> => {
      const out: Buffer[] = [];
      async function* content(): AsyncGenerator<Buffer> {
        yield raw;
      }
      for await (const part of joinLayer({ kind: 'tar', columns }, layer.length, content())) out.push(part);
      return Buffer.concat(out);
    };
    // Only the digest of the layer can say whether it is the right one.
    await survives(apart.shape.columns, join, (value) => expect(value.length).toBe(layer.length));
  });

  test('in the manifest of an image', async () => {
    const config = JSON.stringify({ rootfs: { diff_ids: [`sha256:${apart.diffId}`] } });
    const expected = { name: 'sdk', version: '1.2.3' };
    const manifest = {
      slipwayImage: 1 as const,
      ...expected,
      imageId: idOf(config),
      config,
      configDigest: idOf(config),
      layers: [{ diffId: apart.diffId, sizeBytes: layer.length, recipes: [idOf('r')] }],
    };
    const good = Buffer.from(formatManifest(manifest));
    await survives(
      good,
      (bytes) => parseManifest(bytes.toString(), 'x.json', expected),
      (value) => {
        expect(value).toMatchObject({
          ...expected,
          config,
          configDigest: idOf(config),
          layers: [{ diffId: apart.diffId }],
        });
      },
    );
  });
});

test('a recipe of some bytes that stands for a layer of a petabyte costs no memory', async () => {
  // 2^50 bytes of tar, all of them zeros.
  const columns = Buffer.concat([
    Buffer.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02),
    Buffer.of(9, 0),
    Buffer.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02, 0),
  ]);
  async function* nothing(): AsyncGenerator<Buffer> {}
  const before = process.memoryUsage().rss;
  let count = 0;
  for await (const part of joinLayer({ kind: 'tar', columns }, 2 ** 50, nothing())) {
    expect(part.length).toBe(256 * 1024);
    count += 1;
    if (count === 40) break;
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
});
