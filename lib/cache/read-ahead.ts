import type { CachePath, CacheStore } from './types.ts';

const PIECE_BYTES = 8 * 1024 * 1024;
/** Connections at a time; more than that does not make a line faster. */
const AT_ONCE = 4;

/** What to read. */
export interface ReadAheadRequest {
  readonly path: CachePath;
  readonly sizeBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * The bytes of a file in order, while several ranges of it are on their way; each is asked for again after a cut, from where it was.
 *
 * Throws what `CacheStore.readRange` throws.
 */
export async function* readAhead(
  store: Pick<CacheStore, 'readRange'>,
  { path, sizeBytes, signal }: ReadAheadRequest,
): AsyncGenerator<Buffer, void, undefined> {
  const coming: Promise<Buffer>[] = [];
  let asked = 0;
  const ask = (): void => {
    const length = Math.min(PIECE_BYTES, sizeBytes - asked);
    if (length === 0) return;
    const piece = store.readRange(path, asked, length);
    // One before it may fail first, and then nobody waits for this one.
    piece.catch(() => {});
    coming.push(piece);
    asked += length;
  };
  try {
    for (let started = 0; started < AT_ONCE; started += 1) ask();
    for (let piece = coming.shift(); piece !== undefined; piece = coming.shift()) {
      const bytes = await piece;
      signal?.throwIfAborted();
      ask();
      yield bytes;
    }
  } finally {
    // What is still on its way writes to nobody's memory after this.
    await Promise.allSettled(coming);
  }
}
