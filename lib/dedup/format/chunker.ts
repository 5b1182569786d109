import { hash } from 'node:crypto';

const SHORTEST = 16 * 1024;
const LONGEST = 256 * 1024;
/** A file up to this length is one chunk. */
const WHOLE_FILE = 64 * 1024;

/** A cut is made where the rolling hash is below this: once in 48 KiB, after the first 16 KiB of a chunk. */
const CUT_BELOW = -0x8000_0000 + Math.round(0x1_0000_0000 / (48 * 1024));

/** A number per byte value for the rolling hash: the first four bytes of its sha256. */
const GEAR = Int32Array.from({ length: 256 }, (_, byte) => hash('sha256', Buffer.of(byte), 'buffer').readInt32LE(0));

/** Gets a chunk: its sha256 as 32 characters of latin1, and its bytes, which are valid only during the call. */
export type OnChunk = (key: string, data: Buffer) => void;

/**
 * Cuts contents into chunks where their bytes say so, so that the same bytes are cut alike wherever they are.
 * Where chunks are cut matters to publishers that want to find each other's chunks, and to no reader.
 */
export class Chunker {
  readonly #onChunk: OnChunk;
  /** The begin of a chunk whose rest has not come yet. */
  readonly #carry = Buffer.allocUnsafeSlow(LONGEST);
  #carried = 0;
  #hash = 0;
  #shortest = 0;
  #longest = 0;

  constructor(onChunk: OnChunk) {
    this.#onChunk = onChunk;
  }

  /** A content of so many bytes begins; Infinity if nobody knows. */
  begin(sizeBytes: number): void {
    this.#longest = sizeBytes <= WHOLE_FILE ? WHOLE_FILE : LONGEST;
    this.#shortest = sizeBytes <= WHOLE_FILE ? WHOLE_FILE : SHORTEST;
  }

  /** Where in `data`, from `from` on, the current chunk ends; 0 if not before `to`. */
  #findCut(data: Buffer, from: number, to: number): number {
    const start = from + Math.max(0, this.#shortest - this.#carried);
    const last = from + this.#longest - this.#carried;
    const end = Math.min(to, last);
    let rolling = this.#hash;
    for (let at = start; at < end; at += 1) {
      rolling = ((rolling << 1) + (GEAR[data[at] as number] as number)) | 0;
      if (rolling < CUT_BELOW) {
        this.#hash = 0;
        return at + 1;
      }
    }
    this.#hash = last <= to ? 0 : rolling;
    return last <= to ? last : 0;
  }

  #emit(data: Buffer): void {
    this.#onChunk(hash('sha256', data, 'binary'), data);
  }

  #keep(data: Buffer, from: number, to: number): void {
    data.copy(this.#carry, this.#carried, from, to);
    this.#carried += to - from;
  }

  /** More of the content: the bytes of `data` from `start` up to `to`. */
  add(data: Buffer, start: number, to: number): void {
    let from = start;
    while (from < to) {
      const cut = this.#findCut(data, from, to);
      if (cut === 0) {
        this.#keep(data, from, to);
        return;
      }
      if (this.#carried === 0) {
        this.#emit(data.subarray(from, cut));
      } else {
        this.#keep(data, from, cut);
        this.#emitCarried();
      }
      from = cut;
    }
  }

  #emitCarried(): void {
    const bytes = this.#carried;
    this.#carried = 0;
    this.#hash = 0;
    if (bytes > 0) this.#emit(this.#carry.subarray(0, bytes));
  }

  /** The content ends: the bytes of `data` from `start` up to `to` are its last. */
  finish(data: Buffer, start: number, to: number): void {
    let from = start;
    while (from < to) {
      const cut = this.#findCut(data, from, to) || to;
      if (this.#carried === 0) this.#emit(data.subarray(from, cut));
      else {
        this.#keep(data, from, cut);
        this.#emitCarried();
      }
      from = cut;
    }
    this.#emitCarried();
    this.#hash = 0;
  }
}
