import type { LayerToLoad } from '../../container/index.ts';
import type { ImageManifest } from '../../dedup/index.ts';

/** What an image can be written as. */
export const EXPORT_FORMATS = ['tar.zst', 'oci', 'casync'] as const;
/** One of {@link EXPORT_FORMATS}. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** An image on its way out of the deduplicated store. */
export interface ExportedImage {
  readonly manifest: ImageManifest;
  /** `NAME:VERSION` */
  readonly reference: string;
  /** All layers, lowest first. */
  readonly layers: readonly LayerToLoad[];
  /** Each of them once. */
  readonly distinct: readonly LayerToLoad[];
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}
