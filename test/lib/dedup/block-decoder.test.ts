import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type BlockDecoder, createBlockDecoder } from '../../../lib/dedup/block-decoder.ts';
import { decodeBlock, encodeBlock } from '../../../lib/dedup/format/index.ts';
import { fastNoise } from '../../helpers/dedup-images.ts';

const MIB = 1024 * 1024;
const decoders: BlockDecoder[] = [];
const makeDecoder = (): BlockDecoder => {
  const decoder = createBlockDecoder();
  decoders.push(decoder);
  return decoder;
};
afterEach(() => Promise.all(decoders.splice(0).map((decoder) => decoder.close())));

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const encode = (raw: Buffer, bases: readonly Buffer[] = []) =>
  encodeBlock({ lengths: [raw.length], raw, bases: bases.map((base) => ({ id: sha256(base), raw: base })) }, 1);

describe('blocks that are decompressed in threads', () => {
  test('are what they were, many at once', async () => {
    const { inflate } = makeDecoder();
    const raws = Array.from({ length: 20 }, (_, at) => fastNoise(100_000 + at * 50_000, `block ${at}`));
    const records = await Promise.all(raws.map((raw) => encode(raw)));
    const blocks = await Promise.all(records.map(({ record }) => decodeBlock(record, undefined, 'a test', inflate)));
    for (const [at, { raw, id }] of blocks.entries()) {
      expect(raw.equals(raws[at] as Buffer)).toBe(true);
      expect(id).toBe(records[at]?.id);
    }
  });

  test.each([1, 3])('are differences to %s others', async (count) => {
    const { inflate } = makeDecoder();
    const bases = Array.from({ length: count }, (_, at) => fastNoise(MIB, `base ${at}`));
    const raw = Buffer.concat(bases.map((base) => base.subarray(1000, 300_000)));
    const { record } = await encode(raw, bases);
    expect(record.length).toBeLessThan(raw.length / 20);
    const baseOf = async (id: string) => bases.find((base) => sha256(base) === id) as Buffer;
    const block = await decodeBlock(record, baseOf, 'a test', inflate);
    expect(block.raw.equals(raw)).toBe(true);
  });

  test('use memory again that was given back, and no other', async () => {
    const { inflate, release } = makeDecoder();
    const decode = async (name: string) =>
      (await decodeBlock((await encode(fastNoise(MIB, name))).record, undefined, 'a test', inflate)).raw;
    const [first, second] = [await decode('one'), await decode('two')];
    expect(second.buffer).not.toBe(first.buffer);
    release(first);
    const third = await decode('three');
    expect(third.buffer).toBe(first.buffer);
    expect(second.equals(fastNoise(MIB, 'two'))).toBe(true);
    expect(third.equals(fastNoise(MIB, 'three'))).toBe(true);
  });

  test('that are damaged are named, and the next ones come', async () => {
    const { inflate } = makeDecoder();
    const { record } = await encode(fastNoise(MIB, 'sound'));
    const broken = Buffer.from(record);
    broken.fill(7, broken.length - 1000);
    await expect(decodeBlock(broken, undefined, 'the pack', inflate)).rejects.toMatchObject({
      code: expect.stringMatching(/^DEDUP_(FORMAT_INVALID|DIGEST_MISMATCH)$/),
      message: expect.stringContaining('the pack'),
    });
    const short = Buffer.from(record);
    // What the head says of its length.
    short.writeUInt32LE(MIB - 1, 8);
    short.writeUInt32LE(MIB - 1, record.indexOf(Buffer.from([0, 0, 0x10, 0]), 20));
    await expect(decodeBlock(short, undefined, 'the pack', inflate)).rejects.toMatchObject({
      code: 'DEDUP_FORMAT_INVALID',
    });
    const { raw } = await decodeBlock(record, undefined, 'the pack', inflate);
    expect(raw.equals(fastNoise(MIB, 'sound'))).toBe(true);
  });

  test('fail when the threads are ended before they came', async () => {
    const decoder = makeDecoder();
    const { record } = await encode(fastNoise(4 * MIB, 'late'));
    const copies = Array.from({ length: 30 }, () => Buffer.from(record));
    const coming = copies.map((copy) => decodeBlock(copy, undefined, 'a test', decoder.inflate));
    const ended = Promise.allSettled(coming);
    await Promise.race(coming);
    await decoder.close();
    const failed = (await ended).flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).message] : []));
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.filter((message) => !message.includes('ended'))).toEqual([]);
    await expect(decodeBlock(Buffer.from(record), undefined, 'a test', decoder.inflate)).rejects.toThrow('ended');
  });
});
