import { tmpdir } from 'node:os';
import type { ArtifactCache } from '../cache/index.ts';
import {
  type CacheLayout,
  type ContainerCache,
  createContainerCache,
  createEngine,
  type Engine,
  openEngineSocket,
  requireEngine,
} from '../container/index.ts';
import { type ChunkStore, createChunkStore } from '../dedup/index.ts';
import { silentLog } from '../log/index.ts';
import { runnersOf, type World } from './world.ts';

export type { CacheLayout, ContainerCache, Engine, ImageName } from '../container/index.ts';
export type { World } from './world.ts';

/** Which engine. */
export interface EngineOptions extends World {
  /** For example `docker` or `sudo podman`; default: the variable `docker` of `env`, else the one that answers. */
  readonly docker?: string;
}

/**
 * Finds the container engine of this machine, docker or podman, as the steps do.
 *
 * Throws `ENGINE_MISSING` with what was tried.
 */
export const openEngine = async (options: EngineOptions): Promise<Engine> => {
  const { env, docker = env.docker } = options;
  const { query, effects } = runnersOf(options);
  const found = await requireEngine({ env: { ...env, docker }, query });
  const { cwd = '/', log = silentLog, signal } = options;
  const socket = openEngineSocket(found, { env, cwd, log, signal });
  return createEngine({ ...found, query, effects, socket });
};

/** What container images are moved between. */
export interface ContainerCacheOptions extends World {
  readonly engine: Engine;
  readonly cache: ArtifactCache;
  /** How images are stored; default `dedup`. What is read is whichever is there. */
  readonly layout?: CacheLayout;
  /** Absolute path of an existing folder for archives on their way; default: the system's folder for temporary files. */
  readonly workFolder?: string;
  /** Keeps what was fetched from a server for the next image: a folder and how many bytes it may hold; default: nothing is kept. */
  readonly chunks?: { readonly dir: string; readonly limitBytes: number };
}

/** As readers of Flatcar's cache expect them; zstd reads the gzip of older ones too. */
const FORMAT = {
  extension: 'tar.zst',
  compress: ['zstd', '-T0', '-q', '-c'],
  decompress: ['zstd', '-d', '-q', '-c'],
} as const;

/** Opens the container images of an artifact cache: `ensure` brings one into the engine, `publish` stores one. */
export const openContainerCache = (options: ContainerCacheOptions): ContainerCache => {
  const { engine, cache, layout = 'dedup', workFolder = tmpdir(), chunks, log = silentLog, signal } = options;
  const chunkStore: ChunkStore | undefined = chunks && createChunkStore({ ...chunks, log });
  const { effects } = runnersOf(options);
  return createContainerCache({ engine, cache, layout, workFolder, chunkStore, log, signal, effects, format: FORMAT });
};
