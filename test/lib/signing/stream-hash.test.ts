import { createHash } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from '@jest/globals';
import { createStreamHasher, hashingStream } from '../../../lib/signing/index.ts';
import { fc } from '../../helpers/fast-check.ts';

const ALGORITHMS = ['md5', 'sha1', 'sha256', 'sha512'] as const;

const expectedOf = (bytes: Buffer) =>
  Object.fromEntries(ALGORITHMS.map((name) => [name, createHash(name).update(bytes).digest('hex')]));

const hashAll = async (chunks: readonly Buffer[]) => {
  const hasher = createStreamHasher(ALGORITHMS);
  try {
    for (const chunk of chunks) await hasher.write(chunk);
    return await hasher.digest();
  } finally {
    await hasher.stop();
  }
};

describe('digests of a stream', () => {
  test('are those of its bytes, however they come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 8 }), async (parts) => {
        const chunks = parts.map((part) => Buffer.from(part));
        const all = Buffer.concat(chunks);
        expect(await hashAll(chunks)).toEqual({ digests: expectedOf(all), sizeBytes: all.length });
      }),
      { numRuns: 30 },
    );
  });

  test.each([1024 * 1024, 1024 * 1024 + 1, 21 * 1024 * 1024 + 77])(
    'of %d bytes, over threads',
    async (length) => {
      const bytes = Buffer.alloc(length);
      for (let at = 0; at < length; at += 4099) bytes[at] = at % 251;
      const chunks: Buffer[] = [];
      for (let at = 0; at < length; at += 700_001) chunks.push(bytes.subarray(at, at + 700_001));
      expect(await hashAll(chunks)).toEqual({ digests: expectedOf(bytes), sizeBytes: length });
    },
    30_000,
  );

  test('are made while the bytes pass on', async () => {
    const chunks = Array.from({ length: 40 }, (_, at) => Buffer.alloc(100_000, at));
    const hasher = createStreamHasher(ALGORITHMS);
    const seen: Buffer[] = [];
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        seen.push(chunk);
        done();
      },
    });
    await pipeline(Readable.from(chunks), hashingStream(hasher), sink);
    const all = Buffer.concat(chunks);
    expect(Buffer.concat(seen).equals(all)).toBe(true);
    expect((await hasher.digest()).digests).toEqual(expectedOf(all));
    await hasher.stop();
  }, 30_000);

  test('that nobody asks for leave no thread behind', async () => {
    const hasher = createStreamHasher(ALGORITHMS);
    await hasher.write(Buffer.alloc(12 * 1024 * 1024));
    await hasher.stop();
    await hasher.stop();
  }, 30_000);
});
