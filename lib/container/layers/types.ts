import type { Log } from '../../log/index.ts';
import type { Engine } from '../types.ts';

/** What reading and loading layers need. */
export interface LayerTools {
  readonly engine: Engine;
  readonly log: Log;
}

/** An image's configuration: its exact bytes, and their sha256 (64 hex digits). */
export interface ImageConfig {
  readonly bytes: Buffer;
  readonly digest: string;
}

/**
 * Takes one layer.
 *
 * @param diffId 64 hex digits; what the engine says, not yet verified: compare it with the sha256 of `bytes`
 * @param bytes the uncompressed tar; need not be read to the end
 */
export type OnLayer = (diffId: string, bytes: AsyncIterable<Buffer>) => Promise<void>;

/** How to read layers. */
export interface StreamLayersOptions {
  /** Default true; false: ask the engine to save the image although its folder could be read. */
  readonly fast?: boolean;
}

/** An image in a container engine, to be read layer by layer. */
export interface ImageSource {
  /** 64 hex digits; the source stays at this image even if its name moves on. */
  readonly imageId: string;
  /** Digests of the uncompressed layers, 64 hex digits, lowest first; the same one may come twice. */
  readonly diffIds: readonly string[];
  /** `folder`: from docker's folder; `archive`: from what the engine saves. */
  readonly how: 'folder' | 'archive';
  /**
   * Hands out the layers with these diff IDs, each once, one after the other, in any order.
   *
   * Throws `LAYER_FAST_READ_FAILED` when the engine's folder fails in the middle of a layer (the answer is to drop what came of it and to
   * call again for what is left, with `fast: false`), `IMAGE_ARCHIVE_INVALID` when the engine's archive lacks a layer or is none, what
   * the engine throws, and what `onLayer` throws.
   */
  streamLayers(wanted: ReadonlySet<string>, onLayer: OnLayer, options?: StreamLayersOptions): Promise<void>;
  /** The image's configuration, verified. Costs nothing after `streamLayers` has read an archive, or with `folder`; else one more archive. */
  readConfig(): Promise<ImageConfig>;
}

/** A layer that may have to be loaded. */
export interface LayerToLoad {
  /** sha256 of the uncompressed tar, 64 hex digits. */
  readonly diffId: string;
  readonly sizeBytes: number;
  /** The uncompressed tar; called for layers that the engine lacks only, and a second time when the engine has refused the first try. */
  open(): AsyncIterable<Buffer>;
  /** Once it is open: settles when the rest can be read without waiting for other machines; absent: at once. */
  readonly fetched?: Promise<void>;
}

/** What loading did. */
export interface LoadResult {
  /** The engine's ID of the loaded image, 64 hex digits. */
  readonly imageId: string;
  readonly sentBytes: number;
  readonly leftOutBytes: number;
  readonly sentLayers: number;
  readonly leftOutLayers: number;
}
