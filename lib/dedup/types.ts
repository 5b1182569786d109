import type { CacheStore } from '../cache/index.ts';
import type { Log } from '../log/index.ts';
import type { BlockDecoder } from './block-decoder.ts';
import type { ChunkStore } from './chunk-store.ts';

/** Where a block is, once its pack is complete. */
export interface BlockPlace {
  /** Digest of the raw bytes, 64 hex digits. */
  readonly id: string;
  /** ID of the pack, 64 hex digits. */
  readonly pack: string;
  /** Of the block's record in the pack. */
  readonly offset: number;
  readonly recordBytes: number;
  readonly rawBytes: number;
}

/** What the store knows of a layer by its diff ID. */
export interface LayerPointer {
  readonly diffId: string;
  readonly sizeBytes: number;
  /** Recipe of the layer, then the recipe that this one is a difference to, and so on. */
  readonly recipes: readonly string[];
  /** All packs that hold blocks of it. */
  readonly packs: readonly string[];
}

/** Where the bytes of a publication went, by cause. */
export interface PublishedBytes {
  /** Bytes of the layers that were read. */
  layerBytes: number;
  /** Bytes of contents that the store had already. */
  duplicateBytes: number;
  /** Bytes of contents that it did not have, before compression. */
  newBytes: number;
  /** Bytes of contents that were stored again, because too little of the blocks that had them was of use. */
  rewrittenBytes: number;
  /** New packs. */
  packBytes: number;
  /** Recipes, pack indexes, pointers. */
  indexBytes: number;
  /** New packs that an earlier, broken publication had sent already. */
  resumedBytes: number;
}

/** Where the bytes of a fetch came from, by cause. */
export interface FetchedBytes {
  /** Bytes of the layers that were rebuilt. */
  layerBytes: number;
  /** Compressed blocks that came from the server. */
  blockBytes: number;
  /** Bytes between wanted blocks, fetched because one request is cheaper than two. */
  gapBytes: number;
  /** Recipes and pointers that came from the server. */
  indexBytes: number;
  /** Compressed blocks that this machine had. */
  localBytes: number;
  /** Blocks that were fetched a second time. */
  againBytes: number;
  requests: number;
}

/** What everything in the deduplicated store works with. */
export interface DedupParts {
  readonly store: CacheStore;
  /** What this machine keeps of the store; undefined when the store is a folder here. */
  readonly chunkStore?: ChunkStore;
  /** Decompresses blocks of layers that are rebuilt; default: with the threads that Node has, into new memory. */
  readonly decoder?: BlockDecoder;
  readonly log: Log;
  readonly signal?: AbortSignal;
}
