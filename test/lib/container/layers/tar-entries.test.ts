import { expect, test } from '@jest/globals';
import { readTarEntries, TarFault } from '../../../../lib/container/layers/tar-entries.ts';
import { fc } from '../../../helpers/fast-check.ts';
import { paxRecord, tarEntry, tarOf } from '../../../helpers/layer-tar.ts';

async function* inPieces(bytes: Buffer, pieceBytes = bytes.length): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

const readAll = async (tar: Buffer, pieceBytes?: number) => {
  const entries: { name: string; type: string; target: string; content: string }[] = [];
  for await (const { name, type, target, bytes } of readTarEntries(inPieces(tar, pieceBytes))) {
    let content = '';
    for await (const piece of bytes()) content += piece.toString('latin1');
    entries.push({ name, type, target, content });
  }
  return entries;
};

const long = 'long/'.repeat(60);
const sample = tarOf(
  { name: './plain', content: 'text' },
  { name: 'folder/', type: '5' },
  { name: 'folder/link', type: '2', target: '../plain' },
  { name: 'hard', type: '1', target: 'plain' },
  { name: 'pax', type: 'x', content: Buffer.concat([paxRecord('path', `${long}pax`), paxRecord('mtime', '1.5')]) },
  { name: 'cut', content: 'p'.repeat(600) },
  { name: '././@LongLink', type: 'L', content: `${long}gnu\0` },
  { name: 'cut', content: '' },
);
const inSample = [
  { name: 'plain', type: 'file', target: '', content: 'text' },
  { name: 'folder/', type: 'other', target: '', content: '' },
  { name: 'folder/link', type: 'link', target: '../plain', content: '' },
  { name: 'hard', type: 'link', target: 'plain', content: '' },
  { name: `${long}pax`, type: 'file', target: '', content: 'p'.repeat(600) },
  { name: `${long}gnu`, type: 'file', target: '', content: '' },
];

test('reads entries however the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2000 }), async (pieceBytes) => {
      expect(await readAll(sample, pieceBytes)).toEqual(inSample);
    }),
    { numRuns: 20 },
  );
});

test('passes over what is not read, and reads behind the end marker until the writer has ended', async () => {
  let ended = false;
  const stream = async function* () {
    yield* inPieces(Buffer.concat([sample, Buffer.alloc(8192)]), 300);
    ended = true;
  };
  const names: string[] = [];
  for await (const { name, bytes } of readTarEntries(stream())) {
    names.push(name);
    for await (const _ of bytes()) break;
  }
  expect(names).toEqual(inSample.map(({ name }) => name));
  expect(ended).toBe(true);
});

test('a size beyond 8 GiB is read from both of its forms', async () => {
  const size = 9 * 2 ** 30;
  const binary = tarEntry({ name: 'large' });
  binary.fill(0, 124, 136);
  binary[124] = 0x80;
  binary.writeBigUInt64BE(BigInt(size), 128);
  binary.fill(' ', 148, 156);
  binary.write(
    `${binary
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
  const pax = Buffer.concat([
    tarEntry({ name: 'x', type: 'x', content: paxRecord('size', String(size)) }),
    tarEntry({ name: 'large' }),
  ]);
  for (const tar of [binary, pax]) {
    const { value } = await readTarEntries(inPieces(tar)).next();
    expect(value?.sizeBytes).toBe(size);
  }
});

test.each([
  ['nothing', Buffer.alloc(0), 'it ends at byte 0 without end marker'],
  ['no end marker', sample.subarray(0, 512), 'it ends in the middle of "plain"'],
  ['half a header', sample.subarray(0, 1100), 'it ends at byte 1100 without end marker'],
  ['no tar', Buffer.alloc(1024, 'x'), 'no tar header at byte 0'],
  [
    'too long a name',
    tarOf({ name: 'x', type: 'x', content: Buffer.alloc(2 ** 20 + 1) }),
    '1048577 bytes of attributes at byte 512',
  ],
])('%s is a fault', async (_, tar, message) => {
  const reading = readAll(tar);
  await expect(reading).rejects.toThrow(message);
  await expect(reading).rejects.toBeInstanceOf(TarFault);
});

test('nothing that comes in is more than a fault', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(sample.length - 1), fc.nat(255), async (at, byte) => {
      const changed = Buffer.from(sample);
      changed[at] = byte;
      await readAll(changed).catch((error: unknown) => expect(error).toBeInstanceOf(TarFault));
    }),
  );
});
