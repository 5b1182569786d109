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

/** Says what one command does. */
export interface CommandLog {
  /** Of all its events. */
  readonly id: number;
  output(line: string): void;
  /** @param ok whether the exit code is one that the caller takes for an answer */
  finish(end: {
    readonly exitCode: number | undefined;
    readonly signal: string | undefined;
    readonly ok: boolean;
    readonly durationMs: number;
  }): void;
}

/** What the library and the steps write to. Nothing else in Slipway prints. */
export interface Log {
  /** Says `event`, with the phase that it happens in unless it names one. */
  emit(event: LogEvent): void;
  info(text: string): void;
  warn(text: string): void;
  /** Runs `work` as a named, timed phase; phases nest. */
  phase<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Says that a command was started; what it does later belongs to the phase of now. */
  command(command: readonly string[], cwd: string): CommandLog;
  /** @param totalBytes leave out when not known */
  progress(label: string, totalBytes?: number): Progress;
  /** From now on these texts are hidden in all that is written. */
  hide(secrets: readonly string[]): void;
  /** A text without the hidden ones, for writing it elsewhere. */
  mask(text: string): string;
}

/** Several progress reports per second would only flood a log file; the terminal view needs no more either. */
const PROGRESS_INTERVAL_MS = 200;

/** A place for what is started now and reports later. */
interface Start {
  readonly emit: Sink;
  readonly now: () => number;
  readonly id: number;
  readonly phase: number | undefined;
}

const startProgress = (start: Start, label: string, totalBytes: number | undefined): Progress => {
  const { emit, now, id, phase } = start;
  const startedMs = now();
  let doneBytes = 0;
  let reportedMs = startedMs;
  const report = (finished: boolean): void => {
    reportedMs = now();
    emit({ kind: 'progress', id, phase, label, doneBytes, totalBytes, durationMs: reportedMs - startedMs, finished });
  };
  return {
    advance(bytes) {
      doneBytes += bytes;
      if (now() - reportedMs >= PROGRESS_INTERVAL_MS) report(false);
    },
    finish: () => report(true),
  };
};

const startCommand = ({ emit, id, phase }: Start, command: readonly string[], cwd: string): CommandLog => {
  emit({ kind: 'command-started', id, phase, command, cwd });
  const program = command[0] ?? '';
  return {
    id,
    output: (line) => emit({ kind: 'command-output', id, phase, program, line }),
    finish: ({ exitCode, signal, ok, durationMs }) =>
      emit({ kind: 'command-finished', id, phase, command, exitCode, signal, ok, durationMs }),
  };
};

/** A phase that is open where the code runs. */
interface OpenPhase {
  readonly id: number;
  readonly depth: number;
}

/**
 * Makes a log that sends every event to `sink`.
 *
 * @param sink for example {@link textSink} or {@link jsonSink}
 * @param now milliseconds, for durations; replaced in tests
 * @param mask what the sink hides secrets with; learns of those that turn up later
 */
export const createLog = (sink: Sink, now: () => number = Date.now, mask?: Mask): Log => {
  // Phases that run side by side are not inside each other, so that a counter will not do.
  const open = new AsyncLocalStorage<OpenPhase>();
  let lastId = 0;
  const nextId = (): number => (lastId += 1);
  const start = (): Start => ({ emit: sink, now, id: nextId(), phase: open.getStore()?.id });
  const emit: Sink = (event) => {
    const at = open.getStore();
    sink(at === undefined || 'phase' in event ? event : { ...event, phase: at.id });
  };
  return {
    emit,
    info: (text) => emit({ kind: 'info', text }),
    warn: (text) => emit({ kind: 'warning', text }),
    hide: (secrets) => mask?.add(secrets),
    mask: (text) => mask?.(text) ?? text,
    command: (command, cwd) => startCommand(start(), command, cwd),
    progress: (label, totalBytes) => startProgress(start(), label, totalBytes),
    async phase(phase, work) {
      const startedMs = now();
      const around = open.getStore();
      const [id, parent, depth] = [nextId(), around?.id, (around?.depth ?? -1) + 1];
      const finish = (outcome: Outcome): void =>
        sink({ kind: 'phase-finished', id, parent, phase, depth, outcome, durationMs: now() - startedMs });
      sink({ kind: 'phase-started', id, parent, phase, depth });
      try {
        const value = await open.run({ id, depth }, work);
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
