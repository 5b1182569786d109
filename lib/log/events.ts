/** How a phase, command or step ended. */
export type Outcome = 'done' | 'failed' | 'interrupted' | 'skipped';

/** Format of the events (docs/events.md); counted up when a reader would have to change. */
export const EVENT_SCHEMA = 1;

/** Where an event belongs. */
interface Placed {
  /** ID of the phase that it happened in; absent outside of all. */
  readonly phase?: number;
}

/** A step began; its first event. */
interface StepStarted extends Placed {
  readonly kind: 'step-started';
  readonly schema: typeof EVENT_SCHEMA;
  readonly step: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Nothing is changed: `--plan`. */
  readonly plan: boolean;
}

/** What the step runs on; once, when it has found its container engine or given up on that. */
interface Environment extends Placed {
  readonly kind: 'environment';
  readonly slipway: string;
  readonly node: string;
  readonly host: string;
  /** Operating system and release of its kernel. */
  readonly system: string;
  readonly arch: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Name and version of the container engine, for example `docker 20.10.24`; absent when none is used or found. */
  readonly engine?: string;
}

/** What became known of the build: `version`, `sdkVersion`, `commit`, ... A later value of a name counts. */
interface Facts extends Placed {
  readonly kind: 'facts';
  readonly values: Readonly<Record<string, string | number | boolean>>;
}

interface StepFinished extends Placed {
  readonly kind: 'step-finished';
  readonly step: string;
  readonly outcome: Outcome;
  readonly exitCode: number;
  readonly durationMs: number;
  readonly resultFile?: string;
}

interface PhaseStarted {
  readonly kind: 'phase-started';
  /** Not used twice by one process, for a phase, command or transfer. */
  readonly id: number;
  /** ID of the phase around it. */
  readonly parent?: number;
  readonly phase: string;
  /** How many phases are around it. */
  readonly depth: number;
}

interface PhaseFinished {
  readonly kind: 'phase-finished';
  readonly id: number;
  readonly parent?: number;
  readonly phase: string;
  readonly depth: number;
  readonly outcome: Outcome;
  readonly durationMs: number;
}

interface Info extends Placed {
  readonly kind: 'info';
  readonly text: string;
}

interface Warning extends Placed {
  readonly kind: 'warning';
  readonly text: string;
}

interface CommandStarted extends Placed {
  readonly kind: 'command-started';
  readonly id: number;
  readonly command: readonly string[];
  readonly cwd: string;
}

/** One line of what a command printed, standard output and standard error alike. */
interface CommandOutput extends Placed {
  readonly kind: 'command-output';
  /** Of the command. */
  readonly id: number;
  readonly program: string;
  readonly line: string;
}

interface CommandFinished extends Placed {
  readonly kind: 'command-finished';
  readonly id: number;
  readonly command: readonly string[];
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** The exit code was an answer that the caller had asked for; false: the command failed or was stopped. */
  readonly ok: boolean;
  readonly durationMs: number;
}

/** How far a transfer or conversion is; a few per second at most, and one at its end. */
interface ProgressMade extends Placed {
  readonly kind: 'progress';
  readonly id: number;
  readonly label: string;
  readonly doneBytes: number;
  /** Absent while the total is not known. */
  readonly totalBytes?: number;
  readonly durationMs: number;
  readonly finished: boolean;
}

/** Something failed that may go away by itself, and is tried again after a wait. */
interface Retry extends Placed {
  readonly kind: 'retry';
  readonly what: string;
  /** The try that failed, from 1. */
  readonly attempt: number;
  /** How many tries in all may fail in a row. */
  readonly tries: number;
  readonly delayMs: number;
  readonly reason: string;
}

/** What a cache may have or lack. */
export type CachedThing = 'artifact' | 'container image' | 'binary packages' | 'nightly build' | 'published files';

/** What is asked for was there and need not be fetched or built. */
interface CacheHit extends Placed {
  readonly kind: 'cache-hit';
  readonly what: CachedThing;
  /** Its path in the cache, or its name. */
  readonly path: string;
  /** Completes what a person reads, where more is known than that it was there. */
  readonly reason?: string;
  readonly sizeBytes?: number;
}

/** What is asked for was not there as it should be. */
interface CacheMiss extends Placed {
  readonly kind: 'cache-miss';
  readonly what: CachedThing;
  readonly path: string;
  /** Why it was not there, or was not taken. */
  readonly reason: string;
}

/** Something went to the cache or came from it. */
interface Transfer extends Placed {
  readonly kind: 'transfer';
  readonly direction: 'up' | 'down';
  readonly what: string;
  /** Bytes that crossed. */
  readonly movedBytes: number;
  /** Bytes that did not need to, because the other side had them. */
  readonly reusedBytes: number;
  readonly durationMs: number;
  /** Bytes and counts by cause; the names are those of the deduplicated store. */
  readonly causes?: Readonly<Record<string, number>>;
}

/** An effect that `--plan` would have had. */
interface Planned extends Placed {
  readonly kind: 'planned';
  readonly effect: string;
}

interface ErrorSeen extends Placed {
  readonly kind: 'error';
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  /** Present for bugs only. */
  readonly stack?: string;
  /** The command whose failure this comes from. */
  readonly command?: FailedCommand;
  /** What probably lies behind it, when it is one of the known troubles. */
  readonly cause?: string;
  /** What to do about the cause. */
  readonly fix?: string;
  /** A line for a POSIX shell that runs the step again. */
  readonly rerun?: string;
}

/** A command that failed, as far as a person needs it to look into it. */
export interface FailedCommand {
  /** Of its events; absent when the command was not logged. */
  readonly id?: number;
  readonly command: readonly string[];
  readonly cwd: string;
  /** The last lines that it printed. */
  readonly lastOutput: string;
}

/** Everything a step can say, as data. The text and the JSON form are made from this and from nothing else. */
export type LogEvent =
  | StepStarted
  | Environment
  | Facts
  | StepFinished
  | PhaseStarted
  | PhaseFinished
  | Info
  | Warning
  | CommandStarted
  | CommandOutput
  | CommandFinished
  | ProgressMade
  | Retry
  | CacheHit
  | CacheMiss
  | Transfer
  | Planned
  | ErrorSeen;

/** The name of what an event says. */
export type EventKind = LogEvent['kind'];

/** The event of a kind. */
export type EventOf<Kind extends EventKind> = Extract<LogEvent, { kind: Kind }>;

const KINDS: Readonly<Record<EventKind, true>> = {
  'step-started': true,
  environment: true,
  facts: true,
  'step-finished': true,
  'phase-started': true,
  'phase-finished': true,
  info: true,
  warning: true,
  'command-started': true,
  'command-output': true,
  'command-finished': true,
  progress: true,
  retry: true,
  'cache-hit': true,
  'cache-miss': true,
  transfer: true,
  planned: true,
  error: true,
};

/** Every kind of event; the compiler sees to it that none is missing. */
export const EVENT_KINDS = Object.keys(KINDS) as readonly EventKind[];

/** Takes each event in turn; the end of the line for a log. */
export type Sink = (event: LogEvent) => void;
