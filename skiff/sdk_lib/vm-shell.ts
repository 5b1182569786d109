import { constants } from 'node:os';

const controller = new AbortController();

/** `$` for this program: quiet, and stopped together with us. Values in the template become quoted arguments. */
export const sh = $({ quiet: true, signal: controller.signal });

/**
 * Run `work`, then `cleanup` whatever happened. On SIGINT, SIGTERM and SIGHUP child processes are stopped, `cleanup`
 * runs and the process ends with 128 + signal number, as a shell would report it.
 */
export async function runWithCleanup<T>(work: () => Promise<T>, cleanup: () => Promise<void>): Promise<T> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      controller.abort(new Error(`stopped by ${signal}`));
      void cleanup().finally(() => process.exit(128 + constants.signals[signal]));
    });
  }
  try {
    return await work();
  } finally {
    await cleanup();
  }
}

/**
 * Environment for programs that stamp times: mtools and xorriso take every time from SOURCE_DATE_EPOCH, and FAT times
 * are local times.
 */
export function pinnedEnv(epoch: number): NodeJS.ProcessEnv {
  return { ...process.env, SOURCE_DATE_EPOCH: String(epoch), TZ: 'UTC' };
}
