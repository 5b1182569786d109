import type { ArtifactCache } from '../cache/types.ts';
import type { ArchiveFormat, ArchiveTools } from './image-archive.ts';

/** What the cache of container images is made from. */
export interface ContainerCacheSettings extends ArchiveTools {
  readonly cache: ArtifactCache;
  /** A second place to read from; never written to. */
  readonly mirror?: ArtifactCache;
  /** Absolute path of an existing folder for the archives on their way; nothing stays in it. */
  readonly workFolder: string;
  readonly format: ArchiveFormat;
}
