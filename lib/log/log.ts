import { AsyncLocalStorage } from 'node:async_hooks';
import type { LogEvent, Outcome, Sink } from './events.ts';
import type { Mask } from './mask.ts';

/** Counts the bytes of one transfer or conversion and reports them a few times per second. */
export interface Progress {
  /** `bytes` more are done. */
  advance(bytes: number): void;
  /** All is done; reports the final figure once. */
  finish(): void;
}

/** What the library and the steps write to. Nothing else in Slipway prints. */
export interface Log {
  emit(event: LogEvent): void;
  info(text: string): void;
  warn(text: string): void;
  /** Runs `work` as a named, timed phase; phases nest. */
  phase<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** @param totalBytes leave out when not known */
  progress(label: string, totalBytes?: number): Progress;
  /** From now on these texts are hidden in all that is written. */
  hide(secrets: readonly string[]): void;
  /** A text without the hidden ones, for writing it elsewhere. */
  mask(text: string): string;
}

/** Several progress reports per second would only flood a log file; the terminal view needs no more either. */
const PROGRESS_INTERVAL_MS = 200;

const startProgress = (emit: Sink, now: () => number, label: string, totalBytes: number | undefined): Progress => {
  const startedMs = now();
  let doneBytes = 0;
  let reportedMs = startedMs;
  const report = (finished: boolean): void => {
    reportedMs = now();
    emit({ kind: 'progress', label, doneBytes, totalBytes, durationMs: reportedMs - startedMs, finished });
  };
  return {
    advance(bytes) {
      doneBytes += bytes;
      if (now() - reportedMs >= PROGRESS_INTERVAL_MS) report(false);
    },
    finish: () => report(true),
  };
};

/**
 * Makes a log that sends every event to `sink`.
 *
 * @param sink for example {@link textSink} or {@link jsonSink}
 * @param now milliseconds, for durations; replaced in tests
 * @param mask what the sink hides secrets with; learns of those that turn up later
 */
export const createLog = (sink: Sink, now: () => number = Date.now, mask?: Mask): Log => {
  // Phases that run side by side are not inside each other, so that a counter will not do.
  const depths = new AsyncLocalStorage<number>();
  return {
    emit: sink,
    info: (text) => sink({ kind: 'info', text }),
    warn: (text) => sink({ kind: 'warning', text }),
    hide: (secrets) => mask?.add(secrets),
    mask: (text) => mask?.(text) ?? text,
    progress: (label, totalBytes) => startProgress(sink, now, label, totalBytes),
    async phase(phase, work) {
      const startedMs = now();
      const at = depths.getStore() ?? 0;
      const finish = (outcome: Outcome): void =>
        sink({ kind: 'phase-finished', phase, depth: at, outcome, durationMs: now() - startedMs });
      sink({ kind: 'phase-started', phase, depth: at });
      try {
        const value = await depths.run(at + 1, work);
        finish('done');
        return value;
      } catch (error) {
        finish('failed');
        throw error;
      }
    },
  };
};

/** A log that says nothing; for library use and for tests that do not look at the log. */
export const silentLog: Log = createLog(() => {});
