import type { FoundEngine } from '../container/index.ts';
import type { Command, Runner } from '../process/index.ts';

/** What an engine says of itself. */
export interface EngineFacts {
  readonly version: string;
  /** For example `overlay2`. */
  readonly storageDriver: string;
  readonly isRootless: boolean;
  /** Absolute path of the folder with its images, on the engine's machine. */
  readonly storeFolder: string;
  /** In the engine's own words, for example `x86_64`. */
  readonly arch: string;
}

interface DockerInfo {
  readonly ServerVersion?: string;
  readonly Driver?: string;
  readonly SecurityOptions?: readonly string[];
  readonly DockerRootDir?: string;
  readonly Architecture?: string;
}

interface PodmanInfo {
  readonly host?: { readonly arch?: string; readonly security?: { readonly rootless?: boolean } };
  readonly store?: { readonly graphDriverName?: string; readonly graphRoot?: string };
  readonly version?: { readonly Version?: string };
}

const fromDocker = (info: DockerInfo): EngineFacts => ({
  version: info.ServerVersion ?? '?',
  storageDriver: info.Driver ?? '?',
  isRootless: (info.SecurityOptions ?? []).some((option) => option.includes('rootless')),
  storeFolder: info.DockerRootDir ?? '',
  arch: info.Architecture ?? '?',
});

const fromPodman = ({ host, store, version }: PodmanInfo): EngineFacts => ({
  version: version?.Version ?? '?',
  storageDriver: store?.graphDriverName ?? '?',
  isRootless: host?.security?.rootless ?? false,
  storeFolder: store?.graphRoot ?? '',
  arch: host?.arch ?? '?',
});

/** Asks an engine that answers what it is. */
export const readEngineFacts = async (runner: Runner, { name, command, env }: FoundEngine): Promise<EngineFacts> => {
  const ask = [...command, 'info', '--format', '{{json .}}'] as unknown as Command;
  const { stdout } = await runner.run(ask, { stdout: 'capture', env });
  return name === 'docker' ? fromDocker(JSON.parse(stdout)) : fromPodman(JSON.parse(stdout));
};
