export { type ArtifactCacheOptions, createArtifactCache } from './artifact-cache.ts';
export { createStore, type StoreParts, type StoreSettings } from './create-store.ts';
export { createFallbackStore } from './fallback-store.ts';
export { createMirrorStore, type MirrorStoreOptions } from './mirror-store.ts';
export { validatePath } from './paths.ts';
export { PATIENCE, type Patience } from './try-again.ts';
export type {
  ArtifactCache,
  ArtifactRecord,
  CachePath,
  CacheStore,
  PublishedFiles,
  PublishOptions,
  PublishRequest,
  StoreEntry,
  TransferOptions,
  Upload,
} from './types.ts';
