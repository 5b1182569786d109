export { type ArchiveParts, checkedLayer, composeArchive, tarHeader, tarPadding } from './compose-archive.ts';
export { type ImageFile, openImageFile } from './image-file.ts';
export { openImageSource } from './image-source.ts';
export { loadLayers } from './load-layers.ts';
export { missingLayers } from './missing-layers.ts';
export type {
  ImageConfig,
  ImageSource,
  LayerToLoad,
  LayerTools,
  LoadResult,
  OnLayer,
  StreamLayersOptions,
} from './types.ts';
