import type { EventKind, EventOf, LogEvent } from '../../log/index.ts';
import type { RecordedEvent, RecordingHeader } from '../../recording/index.ts';
import { OutputKeeper, type OutputLimits } from './output.ts';
import type {
  BytesModel,
  CommandModel,
  CommandState,
  NoteModel,
  PhaseModel,
  ResultModel,
  StepModel,
  StepOutcome,
} from './types.ts';

/** How much of a step's log is kept. */
export interface KeptLimits {
  /** Of each command. */
  readonly output: OutputLimits;
  /** Of a command that ended well, once there is very much. */
  readonly scarce: OutputLimits;
  /** Characters of a step's output that are very much. */
  readonly characters: number;
  /** Of events of a kind, such as notes. */
  readonly events: number;
}

/** A page of a few megabytes at most per step. */
export const KEPT_LIMITS: KeptLimits = {
  output: { head: 100, tail: 300 },
  scarce: { head: 3, tail: 10 },
  characters: 3_000_000,
  events: 5_000,
};

/** What is known of a step besides its events. */
export interface StepSurroundings {
  readonly file: string;
  /** The file ends within a line. */
  readonly isCutOff: boolean;
  /** Whether the process that wrote the events is known to be gone. */
  isOwnerGone(owner: string): boolean;
  readonly result: ResultModel | undefined;
}

interface OpenCommand {
  readonly started: EventOf<'command-started'>;
  readonly timeMs: number;
  readonly keeper: OutputKeeper;
  endedMs: number | undefined;
  finished: EventOf<'command-finished'> | undefined;
}

interface OpenPhase {
  readonly started: EventOf<'phase-started'>;
  readonly timeMs: number;
  endedMs: number | undefined;
  finished: EventOf<'phase-finished'> | undefined;
}

const NO_BYTES: BytesModel = { up: 0, down: 0, reused: 0 };

const sumBytes = (transfers: readonly EventOf<'transfer'>[]): BytesModel =>
  transfers.reduce(
    ({ up, down, reused }, one) => ({
      up: up + (one.direction === 'up' ? one.movedBytes : 0),
      down: down + (one.direction === 'down' ? one.movedBytes : 0),
      reused: reused + one.reusedBytes,
    }),
    NO_BYTES,
  );

/** Makes the model of a step out of its events, one after the other, in little memory however long the log is. */
export class StepBuilder {
  readonly #limits: KeptLimits;
  #header: RecordingHeader | undefined;
  #started: EventOf<'step-started'> | undefined;
  #finished: EventOf<'step-finished'> | undefined;
  #firstMs: number | undefined;
  #startedMs: number | undefined;
  #lastMs = 0;
  #facts: StepModel['facts'] = {};
  #characters = 0;
  readonly #phases = new Map<number, OpenPhase>();
  readonly #commands = new Map<number, OpenCommand>();
  /** Events of which the page has a list, by kind. */
  readonly #kept = new Map<EventKind, { readonly event: LogEvent; readonly timeMs: number }[]>();
  #notesLeftOut = 0;

  constructor(limits = KEPT_LIMITS) {
    this.#limits = limits;
  }

  /** Whether there was anything of a step yet. */
  isEmpty(): boolean {
    return this.#started === undefined;
  }

  add({ timeMs, event }: RecordedEvent): void {
    this.#firstMs ??= timeMs;
    // A clock that is set back must not give bars that end before they begin.
    this.#lastMs = Math.max(this.#lastMs, timeMs);
    switch (event.kind) {
      case 'recording':
        this.#header = event;
        return;
      case 'step-started':
        this.#started = event;
        this.#startedMs = timeMs;
        return;
      case 'step-finished':
        this.#finished = event;
        return;
      case 'facts':
        this.#addFacts(event.values);
        return;
      case 'phase-started':
        this.#phases.set(event.id, { started: event, timeMs, endedMs: undefined, finished: undefined });
        return;
      case 'phase-finished':
        this.#finish(this.#phases.get(event.id), event, timeMs);
        return;
      case 'command-started':
        this.#startCommand(event, timeMs);
        return;
      case 'command-output':
        this.#commands.get(event.id)?.keeper.add(event.line);
        return;
      case 'command-finished':
        this.#finishCommand(event, timeMs);
        return;
      case 'progress':
        return;
      default:
        this.#keep(event, timeMs);
    }
  }

  /** An empty value only says that somebody did not know. */
  #addFacts(values: StepModel['facts']): void {
    const known = Object.entries(values).filter(([, value]) => value !== '');
    this.#facts = { ...this.#facts, ...Object.fromEntries(known) };
  }

  #finish<Finished>(
    open: { endedMs: number | undefined; finished: Finished | undefined } | undefined,
    event: Finished,
    timeMs: number,
  ): void {
    if (open) Object.assign(open, { endedMs: timeMs, finished: event });
  }

  #startCommand(started: EventOf<'command-started'>, timeMs: number): void {
    const keeper = new OutputKeeper(this.#limits.output);
    this.#commands.set(started.id, { started, timeMs, keeper, endedMs: undefined, finished: undefined });
  }

  #finishCommand(event: EventOf<'command-finished'>, timeMs: number): void {
    const open = this.#commands.get(event.id);
    if (!open) return;
    this.#finish(open, event, timeMs);
    if (event.ok && this.#characters > this.#limits.characters) open.keeper.shrinkTo(this.#limits.scarce);
    this.#characters += open.keeper.size();
  }

  #keep(event: LogEvent, timeMs: number): void {
    const { kind } = event;
    const list = this.#kept.get(kind) ?? [];
    this.#kept.set(kind, list);
    list.push({ event, timeMs });
    if (list.length <= this.#limits.events) return;
    list.shift();
    if (kind === 'info' || kind === 'warning') this.#notesLeftOut += 1;
  }

  #all<Kind extends EventKind>(kind: Kind): (EventOf<Kind> & { readonly timeMs: number })[] {
    return (this.#kept.get(kind) ?? []).map(({ event, timeMs }) => ({ ...(event as EventOf<Kind>), timeMs }));
  }

  /** IDs of the phases that a phase is in, itself first. */
  #phasesAround(id: number | undefined): number[] {
    const around: number[] = [];
    for (
      let at = id;
      at !== undefined && !around.includes(at);
      at = this.#phases.get(at)?.started.parent ?? undefined
    ) {
      around.push(at);
    }
    return around;
  }

  #phaseModels(): PhaseModel[] {
    const transfers = this.#all('transfer').map((one) => ({ one, around: this.#phasesAround(one.phase) }));
    return [...this.#phases.values()].map(({ started, timeMs, endedMs, finished }) => ({
      id: started.id,
      parent: started.parent ?? undefined,
      name: started.phase,
      depth: started.depth,
      startedMs: timeMs,
      endedMs: Math.max(timeMs, endedMs ?? this.#lastMs),
      outcome: finished?.outcome,
      bytes: sumBytes(transfers.filter(({ around }) => around.includes(started.id)).map(({ one }) => one)),
    }));
  }

  #commandModels(): CommandModel[] {
    return [...this.#commands.values()].map(({ started, timeMs, endedMs, finished, keeper }) => {
      const state: CommandState = finished === undefined ? 'running' : finished.ok ? 'done' : 'failed';
      return {
        id: started.id,
        phase: started.phase ?? undefined,
        command: started.command,
        cwd: started.cwd,
        startedMs: timeMs,
        endedMs: Math.max(timeMs, endedMs ?? this.#lastMs),
        state,
        exitCode: finished?.exitCode ?? undefined,
        signal: finished?.signal ?? undefined,
        output: keeper.model(),
      };
    });
  }

  #notes(): NoteModel[] {
    const notesOf = (tone: 'info' | 'warning'): NoteModel[] =>
      this.#all(tone).map(({ timeMs, phase, text }) => ({ timeMs, phase: phase ?? undefined, tone, text }));
    return [...notesOf('info'), ...notesOf('warning')].sort((a, b) => a.timeMs - b.timeMs);
  }

  #outcome(isOwnerGone: StepSurroundings['isOwnerGone']): StepOutcome {
    if (this.#finished) return this.#finished.outcome;
    return this.#header && isOwnerGone(this.#header.owner) ? 'vanished' : 'running';
  }

  build({ file, isCutOff, isOwnerGone, result }: StepSurroundings): StepModel {
    const started = this.#started;
    const startedMs = this.#startedMs ?? this.#firstMs ?? 0;
    const transfers = this.#all('transfer');
    return {
      file,
      step: started?.step ?? this.#header?.step ?? file,
      args: started?.args ?? [],
      isPlan: started?.plan ?? false,
      cwd: started?.cwd ?? '',
      run: this.#header?.run,
      startedMs,
      endedMs: Math.max(startedMs, this.#lastMs),
      outcome: this.#outcome(isOwnerGone),
      exitCode: this.#finished?.exitCode,
      environment: this.#all('environment').at(-1),
      facts: this.#facts,
      phases: this.#phaseModels(),
      commands: this.#commandModels(),
      notes: this.#notes(),
      notesLeftOut: this.#notesLeftOut,
      retries: this.#all('retry'),
      hits: this.#all('cache-hit'),
      misses: this.#all('cache-miss'),
      transfers,
      planned: this.#all('planned').map(({ effect }) => effect),
      errors: this.#all('error'),
      bytes: sumBytes(transfers),
      result,
      isCutOff,
    };
  }
}
