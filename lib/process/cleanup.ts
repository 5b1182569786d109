import type { Log } from '../log/index.ts';

/** Things to free when a step ends, however it ends. */
export interface Cleanup {
  /**
   * Registers something to free.
   *
   * @param label what it is, for the log
   * @param free called once, in the reverse order of registration
   * @returns frees it now, and takes it off the list
   */
  add(label: string, free: () => Promise<void> | void): () => Promise<void>;
  /** Frees all that is left; failures are logged, and the rest is freed all the same. */
  runAll(): Promise<void>;
}

/** Makes an empty {@link Cleanup}. */
export const createCleanup = (log: Log): Cleanup => {
  const entries: { label: string; free: () => Promise<void> | void }[] = [];
  return {
    add(label, free) {
      const entry = { label, free };
      entries.push(entry);
      return async () => {
        const at = entries.indexOf(entry);
        if (at < 0) return;
        entries.splice(at, 1);
        await free();
      };
    },
    async runAll() {
      for (let entry = entries.pop(); entry; entry = entries.pop()) {
        try {
          await entry.free();
        } catch (error) {
          log.warn(`Could not free ${entry.label}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    },
  };
};
