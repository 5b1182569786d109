export { type BlockDecoder, createBlockDecoder } from './block-decoder.ts';
export { type ChunkStore, type ChunkStoreOptions, createChunkStore } from './chunk-store.ts';
export {
  Chunker,
  createPackWalker,
  decodePackIndex,
  decodeRecipe,
  encodePackIndex,
  formatManifest,
  type ImageManifest,
  type PackIndex,
  parseManifest,
  type Recipe,
  readRecipeHead,
  scanPack,
  unpackRecipe,
  type WalkedBlock,
} from './format/index.ts';
export {
  DEDUP_FOLDER,
  HEADS_FOLDER,
  headsPath,
  LAYERS_FOLDER,
  layerPath,
  PACKS_FOLDER,
  packIndexPath,
  packPath,
  RECIPES_FOLDER,
  recipePath,
  TRASH_FOLDER,
} from './paths.ts';
export { formatHeads, formatLayerPointer, type Head, readHeads, readLayerPointer } from './pointers.ts';
export { openPublishSession, type PublishOptions, type PublishSession } from './publish-session.ts';
export { noFetchedBytes, readLayer, rebuildLayer, type WantedLayer } from './read-layer.ts';
export type { BlockPlace, DedupParts, FetchedBytes, LayerPointer, PublishedBytes } from './types.ts';
