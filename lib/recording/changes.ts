import { type FSWatcher, watch } from 'node:fs';

/** Tells when something happened in a folder. */
export interface Changes {
  /** Resolves at the next change, after `ms`, or when `signal` aborts, whatever is first. */
  next(ms: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Without notice of changes (network file systems, a full table of watches) looking again is all that is left. */
const startWatching = (folder: string, onChange: () => void): FSWatcher | undefined => {
  try {
    const watcher = watch(folder, onChange);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
};

/** Watches a folder. @param folder absolute path; need not be there */
export const watchFolder = (folder: string): Changes => {
  let hasChanged = false;
  let wake: (() => void) | undefined;
  const notice = (): void => {
    hasChanged = true;
    wake?.();
  };
  let watcher = startWatching(folder, notice);
  return {
    async next(ms, signal) {
      if (!hasChanged && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
          signal.addEventListener('abort', wake, { once: true });
        });
        if (wake) signal.removeEventListener('abort', wake);
        wake = undefined;
      }
      hasChanged = false;
      // The folder may have been made since.
      watcher ??= startWatching(folder, notice);
    },
    close: () => watcher?.close(),
  };
};
