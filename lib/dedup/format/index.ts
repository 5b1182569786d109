/** The formats of the deduplicated store (docs/cache-format.md), without any file or server: bytes in, bytes out. */

export {
  type BaseBlock,
  type Block,
  decodeBlock,
  encodeBlock,
  type Inflate,
  MAX_BLOCK_BASES,
  MAX_BLOCK_CHUNKS,
  MAX_BLOCK_RAW_BYTES,
  PACK_MAGIC,
} from './block.ts';
export { Chunker, type OnChunk } from './chunker.ts';
export type { LayerShape } from './columns.ts';
export { joinLayer } from './layer-joiner.ts';
export { createLayerSplitter, type LayerSplitter, type SplitLayer } from './layer-splitter.ts';
export { formatManifest, type ImageManifest, parseManifest } from './manifest.ts';
export { decodePackIndex, encodePackIndex, type IndexedBlock, type PackedChunk, type PackIndex } from './pack-index.ts';
export { scanPack } from './pack-scan.ts';
export { createPackWalker, type PackWalker, type WalkedBlock } from './pack-walk.ts';
export { decodeRecipe, encodeRecipe, type Recipe, type RecipeBlock, type Run } from './recipe.ts';
export { MAX_RECIPE_RAW_BYTES, packRecipe, readRecipeHead, unpackRecipe } from './stored-recipe.ts';
export { decompressOptions } from './zstd.ts';
