import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactCache, createArtifactCache } from '../../cache/index.ts';
import { cachePaths, plainReference, validateImageName } from '../../container/index.ts';
import { type ImageManifest, noFetchedBytes, parseManifest, rebuildLayer } from '../../dedup/index.ts';
import { isSlipwayError, slipwayError } from '../../errors/index.ts';
import type { Verifier } from '../../signing/index.ts';
import { readManifests } from '../manifests.ts';
import type { CacheTools } from '../types.ts';
import { writeCasync } from './casync.ts';
import { writeDockerArchive } from './docker-archive.ts';
import { intoPlace, requireFree } from './into-place.ts';
import { writeOciArchive, writeOciFolder } from './oci-layout.ts';
import type { ExportedImage, ExportFormat } from './types.ts';

/** What to export. */
export interface ExportRequest {
  readonly name: string;
  /** With `-` for `+`. */
  readonly version: string;
  readonly format: ExportFormat;
  /** Absolute path; an OCI layout becomes one tar when this ends with `.tar`, else a folder. */
  readonly target: string;
  readonly dryRun: boolean;
  /** Undefined: signatures are not asked for. */
  readonly verifier: Verifier | undefined;
}

/** What was exported. */
export interface ExportReport {
  /** `NAME:VERSION` */
  readonly image: string;
  readonly format: ExportFormat;
  readonly target: string;
  readonly dryRun: boolean;
  /** `flat`: the archive is a copy of the one in the cache. */
  readonly from: 'dedup' | 'flat';
  /** 64 hex digits, what the publishing engine called it; undefined of a flat image. */
  readonly imageId?: string;
  readonly layers?: number;
  /** Of the layers, uncompressed; of the archive, if it was copied. */
  readonly bytes: number;
}

const nameOf = ({ name, version }: ExportRequest) => ({ name, version, registry: '' });

const orMissing = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if (isSlipwayError(error, 'CACHE_ARTIFACT_MISSING')) return undefined;
    throw error;
  }
};

/** The manifest, verified as every reader does; undefined when there is none. */
const fetchManifest = async (
  tools: CacheTools,
  cache: ArtifactCache,
  request: ExportRequest,
): Promise<ImageManifest | undefined> => {
  const { manifest: path } = cachePaths(nameOf(request), '');
  const fetched = await orMissing(cache.fetch(path, tools.temp));
  return fetched && parseManifest(await readFile(fetched.file, 'utf8'), path, request);
};

const open = (tools: CacheTools, manifest: ImageManifest, onBytes: (bytes: number) => void): ExportedImage => {
  const bytes = noFetchedBytes();
  const layers = manifest.layers.map((layer) => ({ ...layer, open: () => rebuildLayer(tools, layer, bytes) }));
  return {
    manifest,
    reference: plainReference({ ...manifest, registry: '' }),
    layers,
    distinct: [...new Map(layers.map((layer) => [layer.diffId, layer])).values()],
    onBytes,
    signal: tools.signal,
  };
};

/** @returns where it is */
const write = async (image: ExportedImage, { format, target }: ExportRequest, own: string): Promise<string> => {
  const made = join(own, 'image');
  if (format === 'tar.zst') await writeDockerArchive(image, made);
  else if (format === 'casync') await writeCasync(image, made);
  else if (target.endsWith('.tar')) await writeOciArchive(image, made);
  else await writeOciFolder(image, made);
  return made;
};

/** An image that is not in the deduplicated store: its archive can be copied as it is. */
const exportFlat = async (
  tools: CacheTools,
  cache: ArtifactCache,
  request: ExportRequest,
): Promise<Omit<ExportReport, 'image' | 'format' | 'target' | 'dryRun'>> => {
  const { store } = tools;
  const image = plainReference(nameOf(request));
  const { folder, archive: path } = cachePaths(nameOf(request), 'tar.zst');
  const names = await store.list(folder);
  const archive = names.find(
    (name) => name.startsWith(`${request.name}-${request.version}.tar`) && !/\.(DIGESTS|sig|asc)$/.test(name),
  );
  if (archive === undefined) {
    const { images } = await readManifests(tools);
    const known = images.map(({ reference }) => reference);
    throw slipwayError('CACHE_NO_SUCH_IMAGE', { image, location: store.location, known });
  }
  if (request.format !== 'tar.zst' || `${folder}/${archive}` !== path) {
    const { location } = store;
    throw slipwayError('CACHE_EXPORT_FLAT', {
      image,
      location,
      archive: `${folder}/${archive}`,
      format: request.format,
    });
  }
  const bytes = (await store.size(path)) ?? 0;
  if (!request.dryRun) {
    await intoPlace(request.target, bytes, async (own) => (await cache.fetch(path, own)).file);
  }
  return { from: 'flat', bytes };
};

/**
 * Writes an image of the cache as an ordinary file or folder. Manifest and layers are verified; the target appears when all of it is
 * right, or not at all.
 *
 * Throws `CACHE_NO_SUCH_IMAGE`, `CACHE_EXPORT_FLAT`, `CACHE_TOOL_VALUE_INVALID` for a target that is there already, `CACHE_DISK_FULL`, and
 * what reading images throws.
 */
export const exportImage = async (tools: CacheTools, request: ExportRequest): Promise<ExportReport> => {
  const { format, target, dryRun, verifier } = request;
  const { store, log, signal } = tools;
  validateImageName(nameOf(request));
  await requireFree(target);
  const cache = createArtifactCache({ store, verifier, log, signal });
  const common = { image: plainReference(nameOf(request)), format, target, dryRun };
  const manifest = await fetchManifest(tools, cache, request);
  if (!manifest) return { ...common, ...(await exportFlat(tools, cache, request)) };
  const counted = open(tools, manifest, (bytes) => progress.advance(bytes));
  const bytes = counted.distinct.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const progress = log.progress(`export ${common.image}`, bytes);
  if (!dryRun) await intoPlace(target, bytes, (own) => write(counted, request, own));
  progress.finish();
  const imageId = manifest.imageId.replace('sha256:', '');
  return { ...common, from: 'dedup', imageId, layers: manifest.layers.length, bytes };
};
