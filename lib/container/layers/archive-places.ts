import { posix } from 'node:path';
import { findV1Layer } from './v1-layer-id.ts';

/** What is known of an image archive while it is read. */
export interface ArchivePlaces {
  /** Small files by their names. */
  readonly texts: Map<string, Buffer>;
  /** Targets of links by their names. */
  readonly links: Map<string, string>;
}

/** An archive's own list of its files. */
export interface ArchiveManifest {
  readonly config: string;
  /** The file of each layer, lowest first. */
  readonly layers: readonly string[];
}

/**
 * Which layer a file of the archive is, from its name and what came before it, or undefined when that cannot be told yet: podman's
 * `DIFFID.tar`, docker's `blobs/sha256/DIFFID`, and `ID/layer.tar` of docker before version 25.
 */
export const layerOfFile = (
  name: string,
  diffIds: readonly string[],
  { texts }: Pick<ArchivePlaces, 'texts'>,
): string | undefined => {
  const [, hex] = /^(?:blobs\/sha256\/)?([0-9a-f]{64})(?:\.tar)?$/.exec(name) ?? [];
  if (hex !== undefined) return diffIds.includes(hex) ? hex : undefined;
  const [, id] = /^([0-9a-f]{64})\/layer\.tar$/.exec(name) ?? [];
  const json = id === undefined ? undefined : texts.get(`${id}/json`);
  return id !== undefined && json ? findV1Layer(id, json.toString('utf8'), diffIds) : undefined;
};

/** Parses `manifest.json`; undefined when it is missing or not the list of one image. */
export const readManifest = ({ texts }: Pick<ArchivePlaces, 'texts'>): ArchiveManifest | undefined => {
  try {
    const images = JSON.parse(texts.get('manifest.json')?.toString('utf8') ?? '') as unknown;
    const [image] = images as [{ Config?: unknown; Layers?: unknown }];
    const layers = image.Layers ?? [];
    if (typeof image.Config !== 'string' || !Array.isArray(layers)) return undefined;
    return { config: image.Config, layers: layers.map(String) };
  } catch {
    return undefined;
  }
};

/** Follows the archive's links to the file that a name stands for. */
export const followLinks = (name: string, { links }: Pick<ArchivePlaces, 'links'>): string => {
  let at = posix.normalize(name);
  for (let steps = 0; steps < 8; steps++) {
    const target = links.get(at);
    if (target === undefined) break;
    at = target;
  }
  return at;
};
