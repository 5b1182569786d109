/** What must be undone when this process is told to end: newest first, then the process ends with the signal's status. */

const statuses = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
const cleanups: (() => Promise<void>)[] = [];
const pending = new Set<Promise<unknown>>();
let interrupted = false;

/** Goes on when the process is not about to end; otherwise never, so that nothing new is begun while it cleans up. */
export async function stopIfInterrupted(): Promise<void> {
  if (interrupted) await new Promise(() => undefined);
}

/**
 * Does something short that a clean-up could miss while it is half done, such as making a container: it is not begun any
 * more after a signal, and a signal waits for its end.
 */
export async function runWhole<T>(work: () => PromiseLike<T>): Promise<T> {
  await stopIfInterrupted();
  const done = Promise.resolve(work());
  pending.add(done);
  try {
    return await done;
  } finally {
    pending.delete(done);
  }
}

async function cleanUp(status: number): Promise<void> {
  // A second signal is the rule: one to the process group, one from the parent. It must not end the clean-up.
  if (interrupted) return;
  interrupted = true;
  await Promise.allSettled(pending);
  for (const cleanup of cleanups.toReversed()) await cleanup().catch(() => undefined);
  process.exit(status);
}

/**
 * Registers something to do on SIGHUP, SIGINT and SIGTERM, before the process ends.
 * @param cleanup must be safe to call at any time; its own failure is of no interest any more
 */
export function onInterrupt(cleanup: () => Promise<void>): void {
  if (cleanups.length === 0) {
    for (const [signal, status] of Object.entries(statuses)) process.on(signal, () => void cleanUp(status));
  }
  cleanups.push(cleanup);
}
