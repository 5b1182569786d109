import { createHash } from 'node:crypto';
import { slipwayError } from '../../errors/index.ts';
import { TAR_BLOCK_BYTES } from '../../tar/index.ts';
import type { LayerToLoad } from './types.ts';

/** What an image archive is composed of. */
export interface ArchiveParts {
  /** Exact bytes. */
  readonly config: Buffer;
  /** sha256 of `config`, 64 hex digits. */
  readonly configDigest: string;
  /** `NAME:TAG` each. */
  readonly names: readonly string[];
  /** One for each layer of the image, lowest first. */
  readonly diffIds: readonly string[];
  /** Each layer at most once; those that are missing here are missing in the archive. */
  readonly layers: readonly LayerToLoad[];
  /** Layers that are in the archive as empty files, for an engine that wants to see every file of the list. */
  readonly emptyFiles: readonly string[];
  readonly onBytes?: (bytes: number) => void;
  /** The last piece of a layer comes when this is fulfilled; with its error the archive breaks off. */
  readonly mayEnd?: Promise<unknown>;
}

const MOST_OCTAL = 0o77777777777;

const sizeField = (bytes: number): Buffer => {
  if (bytes <= MOST_OCTAL) return Buffer.from(`${bytes.toString(8).padStart(11, '0')}\0`, 'latin1');
  // GNU's way for what is larger: binary, marked by the highest bit.
  const field = Buffer.alloc(12);
  field[0] = 0x80;
  field.writeBigUInt64BE(BigInt(bytes), 4);
  return field;
};

/** Header of a regular file, without a time so that equal images are equal archives. @param name at most 100 bytes */
export const tarHeader = (name: string, sizeBytes: number): Buffer => {
  const header = Buffer.alloc(TAR_BLOCK_BYTES);
  header.write(name, 0, 'latin1');
  header.write('0000644\x000000000\x000000000\0', 100, 'latin1');
  header.set(sizeField(sizeBytes), 124);
  header.write('00000000000\0        0', 136, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
};

/** What fills the last block of a file of that size. */
export const tarPadding = (sizeBytes: number): Buffer => Buffer.alloc(-sizeBytes & (TAR_BLOCK_BYTES - 1));

const fileOf = (diffId: string): string => `${diffId}.tar`;

/**
 * The layer's bytes, counted: the last piece comes when all of them are as many as they should be. Each piece is good until the next is asked for.
 *
 * @param source where it is from, for errors
 * Throws `LAYER_SIZE_MISMATCH`, and what reading the layer throws.
 */
export async function* countedLayer(layer: LayerToLoad, source: string): AsyncGenerator<Buffer, void, undefined> {
  const { diffId, sizeBytes } = layer;
  let found = 0;
  let last: Buffer | undefined;
  for await (const piece of layer.open()) {
    found += piece.length;
    if (found > sizeBytes) break;
    if (found < sizeBytes) yield piece;
    // Kept while the layer is asked for more, which must not come.
    else if (piece.length > 0) last = Buffer.from(piece);
  }
  if (found !== sizeBytes) throw slipwayError('LAYER_SIZE_MISMATCH', { diffId, expected: sizeBytes, found, source });
  if (last) yield last;
}

/**
 * The layer's bytes, checked; what is wrong throws before the layer is complete. Each piece is good until the next is asked for.
 *
 * @param source where it is from, for errors
 * Throws `LAYER_SIZE_MISMATCH`, `LAYER_DIGEST_MISMATCH`, and what reading the layer throws.
 */
export async function* checkedLayer(layer: LayerToLoad, source: string): AsyncGenerator<Buffer, void, undefined> {
  const { diffId, sizeBytes } = layer;
  const hash = createHash('sha256');
  let left = sizeBytes;
  for await (const piece of countedLayer(layer, source)) {
    hash.update(piece);
    left -= piece.length;
    if (left === 0) {
      // An engine must not get a whole layer that is wrong.
      const digest = hash.digest('hex');
      if (digest !== diffId) throw slipwayError('LAYER_DIGEST_MISMATCH', { diffId, found: digest, source });
    }
    yield piece;
  }
}

/**
 * Composes a docker archive, as `docker load` and `podman load` take it.
 *
 * Throws `LAYER_SIZE_MISMATCH`, `LAYER_DIGEST_MISMATCH`, and what reading a layer throws; the archive is then incomplete.
 */
export async function* composeArchive(parts: ArchiveParts): AsyncGenerator<Buffer, void, undefined> {
  const { config, configDigest, names, diffIds, layers, emptyFiles, onBytes, mayEnd } = parts;
  const configFile = `${configDigest}.json`;
  const manifest = Buffer.from(
    JSON.stringify([{ Config: configFile, RepoTags: names, Layers: diffIds.map(fileOf) }]),
    'utf8',
  );
  for (const [name, content] of [['manifest.json', manifest] as const, [configFile, config] as const]) {
    yield Buffer.concat([tarHeader(name, content.length), content, tarPadding(content.length)]);
  }
  for (const diffId of emptyFiles) yield tarHeader(fileOf(diffId), 0);
  const lastLayer = layers.at(-1);
  for (const layer of layers) {
    yield tarHeader(fileOf(layer.diffId), layer.sizeBytes);
    let left = layer.sizeBytes;
    for await (const piece of checkedLayer(layer, names[0] ?? configFile)) {
      onBytes?.(piece.length);
      left -= piece.length;
      // An engine takes an archive without its end for a whole one, but not one that breaks off within a file.
      if (left === 0 && layer === lastLayer) await mayEnd;
      yield piece;
    }
    if (layer.sizeBytes % TAR_BLOCK_BYTES > 0) yield tarPadding(layer.sizeBytes);
  }
  yield Buffer.alloc(2 * TAR_BLOCK_BYTES);
}
