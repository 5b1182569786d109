import { access, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** What decides whether podman needs help on this machine. */
export interface PodmanFacts {
  /** The OCI runtime that podman would use, for example `crun`. */
  readonly runtime: string;
  /** cgroup v1 controllers with a v2 hierarchy beside them. */
  readonly hasHybridCgroups: boolean;
  /** Hard limit of open files; Infinity when there is none. */
  readonly maxOpenFiles: number;
  /** Whether limits can be raised (CAP_SYS_RESOURCE). */
  readonly canRaiseLimits: boolean;
}

/** podman asks for this many open files in every container, and cannot start one where it does not get them. */
const PODMAN_OPEN_FILES = 1_048_576;

/** Bit of CAP_SYS_RESOURCE in the capability mask of a process (capabilities(7)). */
const CAP_SYS_RESOURCE = 24n;

const settingsFile = (name: string): string => fileURLToPath(new URL(`../../config/podman/${name}`, import.meta.url));

/**
 * The `CONTAINERS_CONF` that lets podman start containers on this machine, or undefined where it can do so by itself.
 *
 * Two limits of build machines that are containers or small virtual machines themselves: crun refuses hybrid cgroups, and limits
 * cannot be raised without CAP_SYS_RESOURCE.
 */
export const podmanSettings = (facts: PodmanFacts): string | undefined => {
  if (facts.runtime === 'crun' && facts.hasHybridCgroups) return settingsFile('runc.conf');
  if (!facts.canRaiseLimits && facts.maxOpenFiles < PODMAN_OPEN_FILES) return settingsFile('limits.conf');
  return undefined;
};

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** Reads the facts from /proc and /sys. @param runtime name of podman's OCI runtime */
export const readPodmanFacts = async (runtime: string): Promise<PodmanFacts> => {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  const capabilities = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0';
  return {
    runtime,
    hasHybridCgroups: await exists('/sys/fs/cgroup/unified/cgroup.procs'),
    maxOpenFiles: hard === undefined ? Number.POSITIVE_INFINITY : Number(hard),
    canRaiseLimits: ((BigInt(`0x${capabilities}`) >> CAP_SYS_RESOURCE) & 1n) === 1n,
  };
};
