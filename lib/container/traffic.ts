import type { FetchedBytes, PublishedBytes } from '../dedup/index.ts';

/** What one image cost on its way to the cache or from it; in the record of every run. */
export type ImageTraffic =
  | { readonly image: string; readonly way: 'published'; readonly bytes: PublishedBytes }
  | { readonly image: string; readonly way: 'fetched'; readonly bytes: FetchedBytes };

/** Bytes that crossed to the cache, or from it. */
export const movedBytes = ({ way, bytes }: ImageTraffic): number =>
  way === 'published'
    ? bytes.packBytes + bytes.indexBytes
    : bytes.blockBytes + bytes.gapBytes + bytes.indexBytes + bytes.againBytes;
