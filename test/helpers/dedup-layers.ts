import { createLayerSplitter, joinLayer, type LayerShape, type SplitLayer } from '../../lib/dedup/format/index.ts';
import { fc } from './fast-check.ts';

/** A layer taken apart. */
export interface TakenApart extends SplitLayer {
  readonly keys: string[];
  readonly chunks: Buffer[];
}

/** Takes `layer` apart in writes of the given sizes, over and over; all at once without. The buffer of each write is destroyed after it. */
export const takeApart = (layer: Buffer, writeSizes: readonly number[] = [layer.length || 1]): TakenApart => {
  const keys: string[] = [];
  const chunks: Buffer[] = [];
  const splitter = createLayerSplitter((key, data) => {
    keys.push(key);
    chunks.push(Buffer.from(data));
  });
  for (let at = 0, turn = 0; at < layer.length; turn += 1) {
    const piece = Buffer.from(layer.subarray(at, at + (writeSizes[turn % writeSizes.length] as number)));
    splitter.write(piece);
    at += piece.length;
    piece.fill(0xee);
  }
  return { ...splitter.end(), keys, chunks };
};

async function* piecesOf(content: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < content.length; turn += 1) {
    const size = sizes[turn % sizes.length] as number;
    yield content.subarray(at, at + size);
    at += size;
  }
}

/** Puts a layer together from its shape and its content, which comes in pieces of the given sizes. */
export const putTogether = async (
  shape: LayerShape,
  sizeBytes: number,
  content: Buffer,
  pieceSizes: readonly number[] = [100_000],
): Promise<Buffer> => {
  const out: Buffer[] = [];
  for await (const part of joinLayer(shape, sizeBytes, piecesOf(content, pieceSizes))) out.push(part);
  return Buffer.concat(out);
};

interface Entry {
  readonly name?: string;
  readonly type?: string;
  /** What the size field says; a string is written as it is. */
  readonly size?: number | bigint | string;
  readonly mtime?: string;
  readonly magic?: string;
  readonly checksum?: (sum: number) => string;
  /** Of an old GNU sparse file: another header follows. */
  readonly isExtended?: boolean;
}

const base256 = (value: bigint): Buffer => {
  const field = Buffer.alloc(12);
  field.writeBigUInt64BE(value, 4);
  field[0] = 0x80;
  return field;
};

/** A header of a tar: for what the tar of this machine does not write. */
export const tarHeader = ({
  name = 'file',
  type = '0',
  size = 0,
  mtime = '14000000000\0',
  magic = 'ustar\0' + '00',
  checksum = (sum) => `${sum.toString(8).padStart(6, '0')}\0 `,
  isExtended = false,
}: Entry): Buffer => {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0' + '0000000\0' + '0000000\0', 100, 'latin1');
  const sizeField =
    typeof size === 'bigint'
      ? base256(size)
      : Buffer.from(typeof size === 'string' ? size : `${size.toString(8).padStart(11, '0')}\0`, 'latin1');
  sizeField.copy(header, 124);
  header.write(mtime, 136, 'latin1');
  header.write('        ', 148);
  header.write(type, 156, 'latin1');
  header.write(magic, 257, 'latin1');
  if (isExtended) header[482] = 1;
  header.write(checksum(header.reduce((sum, byte) => sum + byte, 0)), 148, 'latin1');
  return header;
};

/** Contents and the zeros that fill them up. */
export const padded = (content: Buffer): Buffer =>
  Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);

/** Entries as no program writes them, but with checksums that are right: any type, any size, bodies that fit it or do not. */
export const anyTar: fc.Arbitrary<Buffer> = fc
  .array(
    fc.record({
      type: fc.constantFrom(...'00xxgLKS12357D\0'),
      size: fc.oneof(fc.nat(2000), fc.constantFrom(0, 512, 1024, 1_048_576, 1_048_577, 8n << 30n)),
      mtime: fc.constantFrom('14000000000\0', '13777777777\0', '14000000000 ', '', '77777777777\0'),
      body: fc.oneof(
        fc.constantFrom(
          '',
          '11 size=100\n',
          '12 size=512\n11 mtime=1\n',
          '9 size=0\n',
          '99 size=7\n',
          '12 size=100\n9 size=1\n',
          '8 size=1\n',
          '09 size=3\n',
        ),
        fc.string({ maxLength: 1500 }),
      ),
      isExtended: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((entries) =>
    Buffer.concat(
      entries.flatMap(({ type, size, mtime, body, isExtended }) => {
        const bytes = Buffer.from(body);
        // Mostly of the size that the header says.
        const fits = typeof size === 'number' && size < 2000 && size % 5 !== 0;
        return [tarHeader({ type, size: fits ? bytes.length : size, mtime, isExtended }), padded(bytes)];
      }),
    ),
  );
