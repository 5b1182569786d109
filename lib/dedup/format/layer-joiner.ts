import { formatInvalid } from './bytes.ts';
import { ColumnsReader, type LayerShape } from './columns.ts';
import { TAR_BLOCK_BYTES, TarGrammar } from './tar-grammar.ts';

/** What small pieces are gathered into. */
const OUT_BYTES = 256 * 1024;

/** A piece that is as large as this goes out as it is. */
const UNCOPIED_BYTES = 96 * 1024;

/** Bytes that are not content, valid until the next step; or how many bytes of content come next. */
type Piece = Buffer | number;

/** What a layer is made of, in order, without the contents. */
function* walkShape({ kind, columns }: LayerShape, sizeBytes: number, source: string): Generator<Piece> {
  if (kind === 'opaque') {
    yield sizeBytes;
    return;
  }
  const reader = new ColumnsReader(columns, source);
  const { tarBytes } = reader;
  if (tarBytes > sizeBytes)
    throw formatInvalid(source, 0, `the tar in the layer has ${tarBytes} bytes, the layer only ${sizeBytes}`);
  const grammar = new TarGrammar();
  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  let at = 0;
  while (at < tarBytes) {
    const { part, length } = grammar;
    const left = tarBytes - at;
    if (part === 'content') {
      yield Math.min(length, left);
      grammar.next();
    } else {
      if (left < length)
        throw formatInvalid(source, 0, `the tar in the layer ends in the middle of its structure, at byte ${at}`);
      const bytes = length <= block.length ? block.subarray(0, length) : Buffer.alloc(length);
      if (part === 'block') reader.block(bytes);
      else reader.other(bytes);
      if (!grammar.next(bytes))
        throw formatInvalid(source, 0, `the header at byte ${at} of the layer has no valid size`);
      yield bytes;
    }
    at += Math.min(length, left);
  }
  if (sizeBytes > tarBytes) yield sizeBytes - tarBytes;
}

/** Gathers small pieces. */
class Batch {
  readonly #isReused: boolean;
  #buffer = Buffer.allocUnsafeSlow(OUT_BYTES);
  #start = 0;
  #used = 0;

  /** @param isReused what was gathered is used up when more is added */
  constructor(isReused: boolean) {
    this.#isReused = isReused;
  }

  /** Copies from `bytes` what has room, and says how much that was. */
  add(bytes: Buffer, from: number, to: number): number {
    const count = bytes.copy(this.#buffer, this.#used, from, to);
    this.#used += count;
    return count;
  }

  get isFull(): boolean {
    return this.#used === OUT_BYTES;
  }

  get isEmpty(): boolean {
    return this.#used === this.#start;
  }

  /** What was gathered; the rest of the buffer is for what comes next. */
  take(): Buffer {
    const gathered = this.#buffer.subarray(this.#start, this.#used);
    if (this.#isReused) {
      this.#used = 0;
      return gathered;
    }
    this.#start = this.#used;
    if (this.isFull) {
      this.#buffer = Buffer.allocUnsafeSlow(OUT_BYTES);
      this.#start = 0;
      this.#used = 0;
    }
    return gathered;
  }
}

/** Contents as they come, to be taken in other portions. */
class Contents {
  readonly #pieces: AsyncIterator<Buffer>;
  piece: Buffer = Buffer.alloc(0);
  at = 0;

  constructor(content: AsyncIterable<Buffer>) {
    this.#pieces = content[Symbol.asyncIterator]();
  }

  /** False if there is no more. */
  async next(): Promise<boolean> {
    while (this.at === this.piece.length) {
      const result = await this.#pieces.next();
      if (result.done === true) return false;
      this.piece = result.value;
      this.at = 0;
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}

/**
 * Puts a layer together again.
 *
 * @param sizeBytes of the layer
 * @param content of the layer's files, in order, in pieces of any size; closed when the caller stops early
 * @param source what the shape comes from, for errors
 * @param isReused the buffer in which small pieces are gathered is used again for each: what is returned is good until the next is asked for
 * @returns buffers of some 100 KiB and more, parts of `content` among them; without `isReused` the caller may keep them. Whether they are the right bytes,
 *   only the digest of all of them can say.
 *   Throws `DEDUP_FORMAT_INVALID` when shape, size and content do not fit together.
 */
export async function* joinLayer(
  shape: LayerShape,
  sizeBytes: number,
  content: AsyncIterable<Buffer>,
  source = 'a recipe',
  isReused = false,
): AsyncGenerator<Buffer, void, undefined> {
  const contents = new Contents(content);
  const batch = new Batch(isReused);
  try {
    for (const piece of walkShape(shape, sizeBytes, source)) {
      if (typeof piece !== 'number') {
        for (let from = 0; from < piece.length; ) {
          from += batch.add(piece, from, piece.length);
          if (batch.isFull) yield batch.take();
        }
        continue;
      }
      for (let left = piece; left > 0; ) {
        if (contents.at === contents.piece.length && !(await contents.next())) {
          throw formatInvalid(source, 0, `the content of the layer ends ${left} bytes before its file does`);
        }
        const end = Math.min(contents.piece.length, contents.at + left);
        if (end - contents.at >= UNCOPIED_BYTES) {
          if (!batch.isEmpty) yield batch.take();
          yield contents.piece.subarray(contents.at, end);
          left -= end - contents.at;
          contents.at = end;
          continue;
        }
        const count = batch.add(contents.piece, contents.at, end);
        contents.at += count;
        left -= count;
        if (batch.isFull) yield batch.take();
      }
    }
    if (await contents.next()) throw formatInvalid(source, 0, 'there is more content than the layer has room for');
    const last = batch.take();
    if (last.length > 0) yield last;
  } finally {
    await contents.close();
  }
}
