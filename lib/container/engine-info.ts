import type { EngineStorage } from './types.ts';

/** What an engine says of itself. */
export interface EngineInfo {
  readonly name: 'docker' | 'podman';
  readonly version: string;
  /** Of docker: what the daemon calls itself, another name on each machine. */
  readonly daemonId?: string;
  /** For example `overlay2`. */
  readonly storageDriver: string;
  readonly storage: EngineStorage;
  readonly isRootless: boolean;
  /** Absolute path of the folder with its images, on the engine's machine. */
  readonly imageFolder: string;
  /** In the engine's own words, for example `x86_64`. */
  readonly arch: string;
  /** Of podman: the OCI runtime that it would use, for example `crun`. */
  readonly runtime?: string;
}

/** The question that {@link parseEngineInfo} reads the answer to; docker and podman both know it. */
export const INFO_WORDS = ['info', '--format', '{{json .}}'] as const;

interface DockerInfo {
  readonly ID?: string;
  readonly ServerVersion?: string;
  readonly Driver?: string;
  readonly DriverStatus?: readonly (readonly string[])[] | null;
  readonly SecurityOptions?: readonly string[] | null;
  readonly DockerRootDir?: string;
  readonly Architecture?: string;
}

interface PodmanInfo {
  readonly host?: {
    readonly arch?: string;
    readonly ociRuntime?: { readonly name?: string };
    readonly security?: { readonly rootless?: boolean };
  };
  readonly store?: { readonly graphDriverName?: string; readonly graphRoot?: string };
  readonly version?: { readonly Version?: string };
}

const dockerStorage = ({ Driver, DockerRootDir, DriverStatus }: DockerInfo): EngineStorage => {
  if (DriverStatus?.some(([key]) => key === 'driver-type')) return { kind: 'containerd' };
  return { kind: 'graph', overlayRoot: Driver === 'overlay2' && DockerRootDir ? DockerRootDir : undefined };
};

const fromDocker = (info: DockerInfo): EngineInfo => ({
  name: 'docker',
  version: info.ServerVersion ?? '?',
  ...(info.ID ? { daemonId: info.ID } : {}),
  storageDriver: info.Driver ?? '?',
  storage: dockerStorage(info),
  isRootless: (info.SecurityOptions ?? []).some((option) => option.includes('rootless')),
  imageFolder: info.DockerRootDir ?? '',
  arch: info.Architecture ?? '?',
});

const fromPodman = ({ host, store, version }: PodmanInfo): EngineInfo => ({
  name: 'podman',
  version: version?.Version ?? '?',
  storageDriver: store?.graphDriverName ?? '?',
  storage: { kind: 'podman' },
  isRootless: host?.security?.rootless ?? false,
  imageFolder: store?.graphRoot ?? '',
  arch: host?.arch ?? '?',
  runtime: host?.ociRuntime?.name,
});

/**
 * Parses what an engine prints when it is asked {@link INFO_WORDS}; the package podman-docker calls podman `docker`, so the answer tells which
 * of the two it is.
 *
 * @returns undefined for anything else; also for what docker's client prints when no daemon answers
 */
export const parseEngineInfo = (text: string): EngineInfo | undefined => {
  let info: (DockerInfo & PodmanInfo) | null;
  try {
    info = JSON.parse(text) as (DockerInfo & PodmanInfo) | null;
  } catch {
    return undefined;
  }
  if (info?.store !== undefined) return fromPodman(info);
  return info?.ServerVersion ? fromDocker(info) : undefined;
};
