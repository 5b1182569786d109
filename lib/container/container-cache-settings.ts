import type { ArtifactCache } from '../cache/types.ts';
import type { ChunkStore } from '../dedup/index.ts';
import type { ArchiveFormat, ArchiveTools } from './image-archive.ts';
import type { ImageTraffic } from './traffic.ts';

/** How images are stored: each content once, as a whole archive each, or both. What is read is whichever is there. */
export type CacheLayout = 'flat' | 'dedup' | 'both';

/** What the cache of container images is made from. */
export interface ContainerCacheSettings extends ArchiveTools {
  readonly cache: ArtifactCache;
  /** A second place to read from; never written to. */
  readonly mirror?: ArtifactCache;
  /** Absolute path of an existing folder for the archives on their way; nothing stays in it. */
  readonly workFolder: string;
  readonly format: ArchiveFormat;
  readonly layout: CacheLayout;
  /** What this machine keeps of the deduplicated store; undefined when the cache is a folder here. */
  readonly chunkStore?: ChunkStore;
  readonly signal?: AbortSignal;
  /** Hears what each image cost. */
  readonly onTraffic?: (traffic: ImageTraffic) => void;
}
