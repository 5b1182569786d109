import { ByteReader, ByteWriter } from './bytes.ts';
import { CHECKSUM, headerSum, isZeroBlock, MTIME, TAR_BLOCK_BYTES, writeChecksum } from './tar-grammar.ts';
import { ZeroRunReader, ZeroRunWriter } from './zero-runs.ts';

/** What a layer is beside the contents of its files. */
export interface LayerShape {
  /** `opaque`: not a tar at all; everything is content and `columns` is empty. */
  readonly kind: 'tar' | 'opaque';
  /** The columns, encoded (docs/cache-format.md). */
  readonly columns: Buffer;
}

const MTIME_DIGITS = MTIME.bytes - 1;

/** The mtime field if it is eleven octal digits and a zero byte, as nearly always. */
const plainMtime = (header: Buffer): number | undefined => {
  if (header[MTIME.offset + MTIME_DIGITS] !== 0) return undefined;
  let value = 0;
  for (let at = MTIME.offset; at < MTIME.offset + MTIME_DIGITS; at += 1) {
    const digit = (header[at] as number) - 0x30;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  return value;
};

const writePlainMtime = (header: Buffer, mtime: number): void => {
  let rest = mtime;
  for (let at = MTIME.offset + MTIME_DIGITS - 1; at >= MTIME.offset; at -= 1) {
    header[at] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
  header[MTIME.offset + MTIME_DIGITS] = 0;
};

const LARGEST_MTIME = 8 ** MTIME_DIGITS - 1;

/** Gathers the columns of a tar: what is not content in one, without the fields that change when a file is only touched; these in others. */
export class ColumnsWriter {
  readonly #main = new ZeroRunWriter();
  readonly #mtimes = new ByteWriter();
  readonly #checksums = new ByteWriter();
  readonly #scratch = Buffer.alloc(TAR_BLOCK_BYTES);
  #lastMtime = 0;
  #plainChecksums = 0;

  zeroBlock(): void {
    this.#main.addZeros(TAR_BLOCK_BYTES);
  }

  #addMtime(header: Buffer): void {
    const mtime = plainMtime(header);
    if (mtime === undefined) {
      this.#mtimes.varint(0);
      this.#mtimes.bytes(header.subarray(MTIME.offset, MTIME.offset + MTIME.bytes));
      return;
    }
    const step = mtime - this.#lastMtime;
    this.#mtimes.varint(step < 0 ? -2 * step : 2 * step + 1);
    this.#lastMtime = mtime;
  }

  /** @param sum the checksum that the header should have */
  header(header: Buffer, sum: number): void {
    this.#addMtime(header);
    header.copy(this.#scratch);
    writeChecksum(this.#scratch, sum);
    if (
      this.#scratch.compare(
        header,
        CHECKSUM.offset,
        CHECKSUM.offset + CHECKSUM.bytes,
        CHECKSUM.offset,
        CHECKSUM.offset + CHECKSUM.bytes,
      ) === 0
    ) {
      this.#plainChecksums += 1;
    } else {
      this.#checksums.varint(this.#plainChecksums);
      this.#checksums.bytes(header.subarray(CHECKSUM.offset, CHECKSUM.offset + CHECKSUM.bytes));
      this.#plainChecksums = 0;
    }
    this.#scratch.fill(0, MTIME.offset, CHECKSUM.offset + CHECKSUM.bytes);
    this.#main.add(this.#scratch);
  }

  /** Bodies that are not content, and padding. */
  other(bytes: Buffer): void {
    this.#main.add(bytes);
  }

  /** @param tarBytes so many bytes of the layer were taken for a tar; what follows is content */
  finish(tarBytes: number): Buffer {
    const [main, mtimes] = [this.#main.finish(), this.#mtimes.finish()];
    const head = new ByteWriter();
    head.varint(tarBytes);
    head.varint(main.length);
    head.varint(mtimes.length);
    return Buffer.concat([head.finish(), main, mtimes, this.#checksums.finish()]);
  }
}

/** Reads columns; throws `DEDUP_FORMAT_INVALID`. */
export class ColumnsReader {
  readonly tarBytes: number;
  readonly #main: ZeroRunReader;
  readonly #mtimes: ByteReader;
  readonly #checksums: ByteReader;
  #lastMtime = 0;
  #plainChecksums = 0;

  constructor(columns: Buffer, source: string) {
    const reader = new ByteReader(columns, `The shape in ${source}`);
    this.tarBytes = reader.varint('the number of bytes in the tar');
    const mainBytes = reader.varint('the length of the first column');
    const mtimeBytes = reader.varint('the length of the second column');
    this.#main = new ZeroRunReader(reader.bytes(mainBytes, 'the column of the headers'), `The headers in ${source}`);
    this.#mtimes = new ByteReader(reader.bytes(mtimeBytes, 'the column of the mtimes'), `The mtimes in ${source}`);
    this.#checksums = new ByteReader(reader.bytes(reader.left, 'a column'), `The checksums in ${source}`);
    this.#nextChecksum();
  }

  #nextChecksum(): void {
    this.#plainChecksums = this.#checksums.left === 0 ? Infinity : this.#checksums.varint('a number of headers');
  }

  #fillMtime(header: Buffer): void {
    const code = this.#mtimes.varint('an mtime');
    if (code === 0) {
      this.#mtimes.bytes(MTIME.bytes, 'an mtime').copy(header, MTIME.offset);
      return;
    }
    const mtime = this.#lastMtime + (code % 2 === 0 ? -code / 2 : (code - 1) / 2);
    if (mtime < 0 || mtime > LARGEST_MTIME) throw this.#mtimes.invalid('an mtime is out of range');
    writePlainMtime(header, mtime);
    this.#lastMtime = mtime;
  }

  /** Fills `block` with the next block where a header could be: a header or zeros. */
  block(block: Buffer): void {
    this.#main.fill(block);
    if (isZeroBlock(block)) return;
    this.#fillMtime(block);
    if (this.#plainChecksums > 0) {
      this.#plainChecksums -= 1;
      writeChecksum(block, headerSum(block));
    } else {
      this.#checksums.bytes(CHECKSUM.bytes, 'a checksum').copy(block, CHECKSUM.offset);
      this.#nextChecksum();
    }
  }

  /** Fills `bytes` with the next bytes that are neither header nor content. */
  other(bytes: Buffer): void {
    this.#main.fill(bytes);
  }
}
