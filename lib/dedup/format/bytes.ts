import { slipwayError } from '../../errors/index.ts';

/** The error for bytes that are not what the format says. */
export const formatInvalid = (source: string, offset: number, problem: string, cause?: unknown): Error =>
  slipwayError('DEDUP_FORMAT_INVALID', { source, offset, problem }, cause);

/** Bytes of a digest, and of everything that is named by its digest. */
export const ID_BYTES = 32;

const PAGE_BYTES = 256 * 1024;

/** Gathers bytes of unknown number in pages, so that nothing is copied over and over. All integers are little endian. */
export class ByteWriter {
  #done: Buffer[] = [];
  #page = Buffer.allocUnsafe(1024);
  #used = 0;

  #room(bytes: number): void {
    if (this.#page.length - this.#used >= bytes) return;
    this.#done.push(this.#page.subarray(0, this.#used));
    this.#page = Buffer.allocUnsafeSlow(PAGE_BYTES);
    this.#used = 0;
  }

  u8(value: number): void {
    this.#room(1);
    this.#page[this.#used] = value;
    this.#used += 1;
  }

  u32(value: number): void {
    this.#room(4);
    this.#used = this.#page.writeUInt32LE(value, this.#used);
  }

  /** A whole number from 0 to 2^53 - 1, in eight bytes. */
  u64(value: number): void {
    this.u32(value % 0x1_0000_0000);
    this.u32(Math.floor(value / 0x1_0000_0000));
  }

  /** A whole number from 0 to 2^53 - 1: seven bits per byte, the lowest first, the top bit set in all bytes but the last. */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#page[this.#used] = (rest % 0x80) + 0x80;
      this.#used += 1;
      rest = Math.floor(rest / 0x80);
    }
    this.#page[this.#used] = rest;
    this.#used += 1;
  }

  /** A whole number that may be negative: 0, -1, 1, -2, 2 ... as 0, 1, 2, 3, 4 ... */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** Takes a copy of `bytes`. */
  bytes(bytes: Buffer): void {
    let from = 0;
    while (from < bytes.length) {
      this.#room(1);
      const count = bytes.copy(this.#page, this.#used, from);
      this.#used += count;
      from += count;
    }
  }

  /** An ID of 64 hex digits, as 32 bytes. */
  id(id: string): void {
    this.bytes(Buffer.from(id, 'hex'));
  }

  finish(): Buffer {
    return Buffer.concat([...this.#done, this.#page.subarray(0, this.#used)]);
  }
}

/** Reads bytes one thing after the other; whatever is not there is an error that names `source` and the offset. */
export class ByteReader {
  readonly data: Buffer;
  readonly source: string;
  at = 0;
  readonly #start: number;

  /** @param start offset in `source` of the first byte of `data` */
  constructor(data: Buffer, source: string, start = 0) {
    this.data = data;
    this.source = source;
    this.#start = start;
  }

  get left(): number {
    return this.data.length - this.at;
  }

  /** The error for what was found at `at`, or where the reader is now. */
  invalid(problem: string, at = this.at, cause?: unknown): Error {
    return formatInvalid(this.source, this.#start + at, problem, cause);
  }

  #take(count: number, what: string): number {
    if (this.left < count) throw this.invalid(`${what} has ${count} bytes and only ${this.left} are left`);
    this.at += count;
    return this.at - count;
  }

  u8(what: string): number {
    return this.data[this.#take(1, what)] as number;
  }

  u32(what: string): number {
    return this.data.readUInt32LE(this.#take(4, what));
  }

  u64(what: string): number {
    const at = this.#take(8, what);
    const value = this.data.readUInt32LE(at) + this.data.readUInt32LE(at + 4) * 0x1_0000_0000;
    if (!Number.isSafeInteger(value)) throw this.invalid(`${what} is too large a number`, at);
    return value;
  }

  varint(what: string): number {
    const start = this.at;
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 8; count += 1) {
      const byte = this.u8(what);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (Number.isSafeInteger(value)) return value;
        break;
      }
      factor *= 0x80;
    }
    throw this.invalid(`${what} is too large a number`, start);
  }

  signed(what: string): number {
    const value = this.varint(what);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** How many things follow that take at least `bytesEach` bytes: never more than there is room for. */
  count(value: number, bytesEach: number, what: string): number {
    if (value * bytesEach > this.left)
      throw this.invalid(`there should be ${value} ${what} and only ${this.left} bytes are left`);
    return value;
  }

  /** The next bytes, not copied. */
  bytes(count: number, what: string): Buffer {
    const at = this.#take(count, what);
    return this.data.subarray(at, at + count);
  }

  id(what: string): string {
    const at = this.#take(ID_BYTES, what);
    return this.data.toString('hex', at, at + ID_BYTES);
  }

  magic(expected: Buffer): void {
    const at = this.at;
    if (!this.bytes(Math.min(expected.length, this.left), 'its first mark').equals(expected)) {
      throw this.invalid(`the mark ${JSON.stringify(expected.toString('latin1'))} is missing`, at);
    }
  }

  end(): void {
    if (this.left > 0) throw this.invalid(`${this.left} bytes follow after the end`);
  }
}
