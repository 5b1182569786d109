import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../lib/log/index.ts';

/** Ends the lock. */
export type Release = () => Promise<void>;

const POLITE_MS = 1000;

/**
 * Waits until no other job of this user on this machine works for the same arch: containers and images have names by arch and version, and an engine
 * has one of each name. The vendor formats of an arch are jobs of their own, and a CI may give several of them to one machine.
 *
 * util-linux's flock holds the lock as long as its standard input is open, so that nothing is left when a job is killed.
 *
 * @param arch undefined for the steps of the SDK
 */
export const lockEngine = async (
  arch: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<Release> => {
  signal.throwIfAborted();
  const folder = join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'slipway', 'locks');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `engine-${(arch ?? 'sdk').replace(/[^\w-]/g, '_')}.lock`);
  const holder = spawn('flock', ['--exclusive', file, 'sh', '-c', 'echo held; cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = once(holder, 'close');
  const patience = setTimeout(
    () => log.info('Waiting for another job of this machine that works for the same arch.'),
    POLITE_MS,
  );
  const release = async (): Promise<void> => {
    holder.stdin.end();
    await ended;
  };
  const stop = (): void => void holder.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([once(holder.stdout, 'data'), ended]);
  } finally {
    clearTimeout(patience);
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
  return release;
};
