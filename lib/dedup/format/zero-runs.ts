import { ByteReader, ByteWriter } from './bytes.ts';

/** Shorter runs of zeros cost more to name than to keep. */
const SHORTEST_RUN = 4;

/**
 * Writes bytes that are mostly zeros: number of zeros, number of other bytes, these bytes; and so on. Equal calls give equal bytes.
 */
export class ZeroRunWriter {
  readonly #out = new ByteWriter();
  #zeros = 0;

  #literal(bytes: Buffer): void {
    this.#out.varint(this.#zeros);
    this.#out.varint(bytes.length);
    this.#out.bytes(bytes);
    this.#zeros = 0;
  }

  addZeros(count: number): void {
    this.#zeros += count;
  }

  add(bytes: Buffer): void {
    let literalStart = 0;
    let at = 0;
    while (at < bytes.length) {
      if (bytes[at] !== 0) {
        at += 1;
        continue;
      }
      const zerosStart = at;
      while (at < bytes.length && bytes[at] === 0) at += 1;
      if (at - zerosStart < SHORTEST_RUN && at < bytes.length && zerosStart > literalStart) continue;
      if (zerosStart > literalStart) this.#literal(bytes.subarray(literalStart, zerosStart));
      this.#zeros += at - zerosStart;
      literalStart = at;
    }
    if (at > literalStart) this.#literal(bytes.subarray(literalStart, at));
  }

  finish(): Buffer {
    if (this.#zeros > 0) this.#literal(Buffer.alloc(0));
    return this.#out.finish();
  }
}

/** Reads what ZeroRunWriter wrote, a piece at a time: a short text that stands for a great many zeros costs no memory. */
export class ZeroRunReader {
  readonly #in: ByteReader;
  #zeros = 0;
  #literal = 0;

  constructor(column: Buffer, source: string) {
    this.#in = new ByteReader(column, source);
  }

  /** Fills `target` with the next bytes. */
  fill(target: Buffer): void {
    let at = 0;
    while (at < target.length) {
      if (this.#zeros > 0) {
        const count = Math.min(this.#zeros, target.length - at);
        target.fill(0, at, at + count);
        this.#zeros -= count;
        at += count;
      } else if (this.#literal > 0) {
        const count = Math.min(this.#literal, target.length - at);
        this.#in.data.copy(target, at, this.#in.at, this.#in.at + count);
        this.#in.at += count;
        this.#literal -= count;
        at += count;
      } else {
        this.#zeros = this.#in.varint('a number of zeros in the column of the headers');
        this.#literal = this.#in.count(this.#in.varint('a number of bytes'), 1, 'bytes in the column of the headers');
      }
    }
  }
}
