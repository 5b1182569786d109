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
