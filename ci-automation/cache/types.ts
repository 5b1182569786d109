import type { CacheTools } from '../../lib/cache-tools/index.ts';
import type { CommandLine, OpenedStore, StepIo } from '../../lib/step/index.ts';

/** What a command found: for programs, for people, and what of it is damaged. */
export interface Outcome {
  readonly value: unknown;
  readonly text: string;
  readonly damaged?: readonly { readonly path: string; readonly problem: string }[];
}

/** A word of `cache`, such as `verify`, and how many words come after it. */
export interface Command {
  readonly minWords?: number;
  readonly maxWords: number;
  run(tools: CacheTools, line: CommandLine, opened: OpenedStore, io: StepIo): Promise<Outcome>;
}

/** Whether the command is only to say what it would do. */
export const isDryRun = ({ plan, flags }: CommandLine): boolean => plan || flags['--dry-run'] !== undefined;
