import type { CommandModel, RunModel, StepModel } from '../model/types.ts';
import { failedCommandOf } from './failure.ts';

/** More commands of one step than this are not listed one by one. */
const MOST_COMMANDS = 600;

/** A step with the commands that the page shows. */
export interface ShownStep extends StepModel {
  readonly allCommands: number;
  readonly allLines: number;
}

/** A run with the commands that the page shows. */
export interface ShownRun extends RunModel {
  readonly steps: readonly ShownStep[];
}

/** Those that failed, the longest, and the last ones. */
const chooseCommands = (commands: readonly CommandModel[]): readonly CommandModel[] => {
  const third = MOST_COMMANDS / 3;
  const failed = commands.filter(({ state }) => state !== 'done').slice(-third);
  const longest = commands.toSorted((a, b) => b.endedMs - b.startedMs - (a.endedMs - a.startedMs)).slice(0, third);
  return [...failed, ...commands.slice(-third), ...longest];
};

/** A page with thousands of commands would be of no use: chooses those that somebody may look for. */
export const chooseShown = (step: StepModel): ShownStep => {
  const { commands } = step;
  const chosen = new Set([...chooseCommands(commands), failedCommandOf(step)]);
  return {
    ...step,
    commands: commands.length <= MOST_COMMANDS ? commands : commands.filter((one) => chosen.has(one)),
    allCommands: commands.length,
    allLines: commands.reduce((sum, { output }) => sum + output.lines, 0),
  };
};
