import { createHash } from 'node:crypto';
import { Chunker, type OnChunk } from './chunker.ts';
import { ColumnsWriter, type LayerShape } from './columns.ts';
import { CHECKSUM, headerSum, isZeroBlock, MTIME, numberField, TAR_BLOCK_BYTES, TarGrammar } from './tar-grammar.ts';

const FIELDS_END = CHECKSUM.offset + CHECKSUM.bytes;
const ZEROS = Buffer.alloc(TAR_BLOCK_BYTES);

/** The checksum that a header should have, or undefined if what it has is neither this one nor the signed variant: then it is no header. */
const verifiedSum = (block: Buffer): number | undefined => {
  const found = numberField(block, CHECKSUM.offset, CHECKSUM.bytes);
  if (found === undefined) return undefined;
  const sum = headerSum(block);
  return found === sum || found === headerSum(block, true) ? sum : undefined;
};

/** Without its mtime and checksum, such a header could not be told from an end block. */
const isBlank = (block: Buffer): boolean =>
  block[0] === 0 &&
  block.compare(ZEROS, 0, MTIME.offset, 0, MTIME.offset) === 0 &&
  block.compare(ZEROS, FIELDS_END, TAR_BLOCK_BYTES, FIELDS_END, TAR_BLOCK_BYTES) === 0;

/** What a splitter says of the layer. */
export interface SplitLayer {
  /** sha256 of the whole layer, 64 hex digits. */
  readonly diffId: string;
  readonly sizeBytes: number;
  readonly shape: LayerShape;
}

/** Takes a layer apart. */
export interface LayerSplitter {
  /** The next bytes, as many as there are; `data` may change after the call. */
  write(data: Buffer): void;
  /** To be called once. */
  end(): SplitLayer;
}

/** Takes a layer apart while it comes in. */
class Splitter implements LayerSplitter {
  readonly #hash = createHash('sha256');
  readonly #chunker: Chunker;
  readonly #grammar = new TarGrammar();
  readonly #columns = new ColumnsWriter();
  #sizeBytes = 0;
  /** Bytes of the layer up to the end of the last complete part. */
  #tarBytes = 0;
  #isTar: boolean = true;
  /** Of the content that is going on. */
  #contentLeft = 0;
  /** The begin of a part whose rest has not come yet. */
  #pending = Buffer.allocUnsafe(TAR_BLOCK_BYTES);
  #pendingBytes = 0;

  constructor(onChunk: OnChunk) {
    this.#chunker = new Chunker(onChunk);
  }

  write(data: Buffer): void {
    this.#hash.update(data);
    this.#sizeBytes += data.length;
    let at = 0;
    while (at < data.length) at = this.#step(data, at);
  }

  /** Takes some bytes of `data` from `at` on, and says up to where. */
  #step(data: Buffer, at: number): number {
    if (!this.#isTar) {
      this.#chunker.add(data, at, data.length);
      return data.length;
    }
    return this.#grammar.part === 'content' ? this.#content(data, at) : this.#collect(data, at);
  }

  #content(data: Buffer, at: number): number {
    const to = Math.min(data.length, at + this.#contentLeft);
    this.#contentLeft -= to - at;
    if (this.#contentLeft > 0) {
      this.#chunker.add(data, at, to);
    } else {
      this.#chunker.finish(data, at, to);
      this.#advance(undefined);
    }
    return to;
  }

  #collect(data: Buffer, at: number): number {
    const { length } = this.#grammar;
    if (this.#pendingBytes === 0 && data.length - at >= length) {
      this.#part(data.subarray(at, at + length));
      return at + length;
    }
    if (this.#pending.length < length) {
      const larger = Buffer.allocUnsafe(length);
      this.#pending.copy(larger, 0, 0, this.#pendingBytes);
      this.#pending = larger;
    }
    const to = Math.min(data.length, at + length - this.#pendingBytes);
    data.copy(this.#pending, this.#pendingBytes, at, to);
    this.#pendingBytes += to - at;
    if (this.#pendingBytes === length) {
      this.#pendingBytes = 0;
      this.#part(this.#pending.subarray(0, length));
    }
    return to;
  }

  #part(bytes: Buffer): void {
    if (this.#grammar.part === 'block') this.#block(bytes);
    else {
      this.#columns.other(bytes);
      this.#advance(bytes);
    }
  }

  #block(block: Buffer): void {
    if (isZeroBlock(block)) {
      this.#columns.zeroBlock();
      this.#advance(block);
      return;
    }
    const sum = isBlank(block) ? undefined : verifiedSum(block);
    if (sum !== undefined && this.#advance(block)) this.#columns.header(block, sum);
    else this.#leaveTar(block);
  }

  #advance(bytes: Buffer | undefined): boolean {
    const { length } = this.#grammar;
    if (!this.#grammar.next(bytes)) return false;
    this.#tarBytes += length;
    if (this.#grammar.part === 'content') {
      this.#contentLeft = this.#grammar.length;
      this.#chunker.begin(this.#contentLeft);
    }
    return true;
  }

  /** From here on everything is content. */
  #leaveTar(bytes: Buffer): void {
    this.#isTar = false;
    this.#chunker.begin(Infinity);
    this.#chunker.add(bytes, 0, bytes.length);
  }

  end(): SplitLayer {
    const endsInContent = this.#isTar && this.#grammar.part === 'content';
    if (this.#isTar && this.#pendingBytes > 0) this.#leaveTar(this.#pending.subarray(0, this.#pendingBytes));
    this.#chunker.finish(this.#pending, 0, 0);
    const tarBytes = endsInContent ? this.#sizeBytes : this.#tarBytes;
    const shape: LayerShape =
      tarBytes > 0
        ? { kind: 'tar', columns: this.#columns.finish(tarBytes) }
        : { kind: 'opaque', columns: Buffer.alloc(0) };
    return { diffId: this.#hash.digest('hex'), sizeBytes: this.#sizeBytes, shape };
  }
}

/**
 * Makes a splitter: takes a layer apart into the contents of its files, cut into chunks, and its shape. A layer that is no tar, or is one only
 * up to somewhere, is content from there on; that is never an error.
 *
 * @param onChunk called for each chunk, in the order of the layer: `key` is its sha256 as 32 characters of latin1, `data` is valid only
 *   during the call
 */
export const createLayerSplitter = (onChunk: OnChunk): LayerSplitter => new Splitter(onChunk);
