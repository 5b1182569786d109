import { readdirSync, readFileSync } from 'node:fs';

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // The process is gone.
    return undefined;
  }
};

const threadsOf = (pid: number): string[] => {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
};

const childrenOf = (pid: number): number[] =>
  threadsOf(pid).flatMap((thread) =>
    (read(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  );

/** A process and all that it and they have started and not lost. */
export const treeOf = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(treeOf)];

const kibOf = (status: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);

/** Bytes of memory of a process: now, and at most so far; undefined when it is gone. */
export const memoryOf = (pid: number): { name: string; nowBytes: number; peakBytes: number } | undefined => {
  const status = read(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const name = /^Name:\s+(.*)$/m.exec(status)?.[1] ?? '';
  return { name, nowBytes: kibOf(status, 'VmRSS') * 1024, peakBytes: kibOf(status, 'VmHWM') * 1024 };
};

/** The kernel counts in hundredths of a second here. */
const MS_PER_TICK = 10;

/** Fields of /proc/PID/stat after the name, which may have spaces in it; the first one is the state. */
const statFields = (pid: number | 'self'): string[] =>
  (read(`/proc/${pid}/stat`) ?? '').replace(/^.*\) /, '').split(' ');

const ticks = (fields: readonly string[], ...at: readonly number[]): number =>
  at.reduce((sum, index) => sum + Number(fields[index] ?? 0), 0) * MS_PER_TICK;

/** CPU time in milliseconds of all children of this process that have ended, and of theirs. */
export const endedChildrenCpuMs = (): number => ticks(statFields('self'), 13, 14);

/** CPU time in milliseconds of another process and of its children that have ended; 0 when it is not there. */
export const cpuMsOf = (pid: number): number => ticks(statFields(pid), 11, 12, 13, 14);

/** CPU time in milliseconds that the whole machine spent on something since it started. */
export const machineBusyMs = (): number => {
  const fields = (read('/proc/stat') ?? '').split('\n')[0]?.split(/\s+/).slice(1) ?? [];
  // user, nice, system, irq, softirq
  return ticks(fields, 0, 1, 2, 5, 6);
};

/** Process ID of the container engine's daemon; 0 when it does not say. */
export const engineDaemon = (): number => Number(read('/var/run/docker.pid') ?? 0);
