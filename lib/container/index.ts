export type { CacheLayout, ContainerCacheSettings } from './container-cache-settings.ts';
export { createEngine, type EngineSettings } from './engine.ts';
export type { EngineInfo } from './engine-info.ts';
export { type EngineSocket, openEngineSocket } from './engine-socket.ts';
export {
  type EngineSearch,
  type EngineSearchOptions,
  type FoundEngine,
  findEngine,
  requireEngine,
} from './find-engine.ts';
export type { ArchiveFormat } from './image-archive.ts';
export { createContainerCache } from './image-cache.ts';
export { cachePaths, plainReference, publishedPaths, validateImageName } from './image-names.ts';
export { importImage } from './import-image.ts';
export {
  checkedLayer,
  composeArchive,
  type ImageFile,
  type LayerToLoad,
  openImageFile,
  tarHeader,
  tarPadding,
} from './layers/index.ts';
export { createPlanningContainerCache, type PlanningContainerCacheSettings } from './planning-image-cache.ts';
export { type ImageTraffic, movedBytes } from './traffic.ts';
export type { ContainerCache, Engine, ImageName } from './types.ts';
