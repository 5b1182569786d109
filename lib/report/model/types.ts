import type { EventOf, Outcome } from '../../log/index.ts';

/** What a command printed, as far as it was kept. */
export interface OutputModel {
  /** How many lines there were. */
  readonly lines: number;
  readonly head: readonly string[];
  /** Lines between head and tail that were not kept. */
  readonly leftOut: number;
  readonly tail: readonly string[];
}

/** `running`: there is no word of its end; the step still runs, or was killed. */
export type CommandState = 'done' | 'failed' | 'running';

/** A command that a step ran. */
export interface CommandModel {
  /** Within its step. */
  readonly id: number;
  /** ID of the phase that it belongs to. */
  readonly phase: number | undefined;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly state: CommandState;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly output: OutputModel;
}

/** Bytes that crossed to the cache and from it, and those that did not need to. */
export interface BytesModel {
  readonly up: number;
  readonly down: number;
  readonly reused: number;
}

/** A part of a step that has a name; it may be in another one. */
export interface PhaseModel {
  readonly id: number;
  readonly parent: number | undefined;
  readonly name: string;
  readonly depth: number;
  readonly startedMs: number;
  readonly endedMs: number;
  /** Undefined: there is no word of its end. */
  readonly outcome: Outcome | undefined;
  /** In it and in the phases in it. */
  readonly bytes: BytesModel;
}

/** A line of a step's log that no command printed. */
export interface NoteModel {
  readonly timeMs: number;
  readonly phase: number | undefined;
  readonly tone: 'info' | 'warning';
  readonly text: string;
}

/** An event with its time. */
export type Timed<Event> = Event & { readonly timeMs: number };

/** An artifact that a step consumed or published. */
export interface ArtifactModel {
  /** In the cache. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What the result file of a step adds to its events. */
export interface ResultModel {
  readonly commit: string | undefined;
  readonly inputs: readonly ArtifactModel[];
  readonly outputs: readonly ArtifactModel[];
  /** Path in the cache of the statement on what was made. */
  readonly statement: string | undefined;
}

/** How a step ended; `vanished`: it is gone and did not say how. */
export type StepOutcome = Outcome | 'running' | 'vanished';

/** One step, as its events tell it. */
export interface StepModel {
  /** Where the events are from. */
  readonly file: string;
  readonly step: string;
  readonly args: readonly string[];
  readonly isPlan: boolean;
  readonly cwd: string;
  /** What it belongs to, if that was said. */
  readonly run: string | undefined;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly outcome: StepOutcome;
  readonly exitCode: number | undefined;
  readonly environment: EventOf<'environment'> | undefined;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  /** In the order in which they started; one inside another after it. */
  readonly phases: readonly PhaseModel[];
  readonly commands: readonly CommandModel[];
  readonly notes: readonly NoteModel[];
  /** Notes that were not kept because there were too many. */
  readonly notesLeftOut: number;
  readonly retries: readonly Timed<EventOf<'retry'>>[];
  readonly hits: readonly Timed<EventOf<'cache-hit'>>[];
  readonly misses: readonly Timed<EventOf<'cache-miss'>>[];
  readonly transfers: readonly Timed<EventOf<'transfer'>>[];
  readonly planned: readonly string[];
  readonly errors: readonly EventOf<'error'>[];
  readonly bytes: BytesModel;
  readonly result: ResultModel | undefined;
  /** The file ends within a line. */
  readonly isCutOff: boolean;
}

/** A figure beside that of earlier runs. */
export interface ComparedModel {
  readonly now: number;
  /** The middle one of the earlier runs; undefined: there is none to compare with. */
  readonly before: number | undefined;
}

/** A step or phase beside itself in earlier runs. */
export interface ComparisonModel {
  /** Names from the step down. */
  readonly path: readonly string[];
  readonly durationMs: ComparedModel;
  readonly movedBytes: ComparedModel;
}

/** Everything that a report shows. */
export interface RunModel {
  readonly version: string | undefined;
  readonly steps: readonly StepModel[];
  readonly startedMs: number;
  readonly endedMs: number;
  readonly outcome: StepOutcome;
  readonly exitCode: number | undefined;
  readonly comparisons: readonly ComparisonModel[];
  /** How many earlier runs of each step there are, at most. */
  readonly earlierRuns: number;
}
