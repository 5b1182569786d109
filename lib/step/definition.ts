import type { Settings } from '../config/index.ts';
import type { OwnFlag } from './arguments.ts';
import type { StepContext } from './context.ts';

/** One step: what it is called with, what it reads and writes, and what it does. */
export interface StepDefinition<Arguments> {
  /** As the CI world knows it, for example `sdk_bootstrap`. */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** The positional arguments, for example `[VERSION] ARCH`. */
  readonly usage: string;
  /** What each argument is. */
  readonly argumentsHelp: readonly string[];
  readonly reads: string;
  readonly writes: string;
  readonly ownFlags?: readonly OwnFlag[];
  /** Whether it works with the container engine; one that does not must run where there is none. Default: yes. */
  usesEngine?(args: Arguments, settings: Settings): boolean;
  /** `DRY_RUN=y` in the environment means `--plan`, as in the original; for other steps only the flag does. */
  readonly hasDryRun?: boolean;
  /**
   * Checks the arguments before anything happens.
   *
   * @throws errors of kind misuse
   */
  parse(positionals: readonly string[], context: ParseContext): Arguments;
  run(context: StepContext, args: Arguments): Promise<StepSummary | undefined>;
}

/** What the arguments are checked against. */
export interface ParseContext {
  readonly settings: Settings;
  readonly tree: StepContext['tree'];
  readonly flags: Readonly<Record<string, string | undefined>>;
  /** The environment of the step, for what it hands on to programs. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Nothing will be changed. */
  readonly plan: boolean;
}

/** Facts for the result file beside inputs and outputs, for example `{ outcome: 'unchanged' }`. */
export type StepSummary = Readonly<Record<string, unknown>>;

/** Keeps the type of the arguments between `parse` and `run`. */
export const defineStep = <Arguments>(definition: StepDefinition<Arguments>): StepDefinition<Arguments> => definition;
