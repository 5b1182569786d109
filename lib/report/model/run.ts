import { compareRuns } from './compare.ts';
import { callOf, versionOf } from './identity.ts';
import type { RunModel, StepModel, StepOutcome } from './types.ts';

/** What is worst counts for the whole run. */
const SEVERITY: readonly StepOutcome[] = ['skipped', 'done', 'running', 'interrupted', 'vanished', 'failed'];

const byStart = (a: StepModel, b: StepModel): number => a.startedMs - b.startedMs || a.file.localeCompare(b.file);

/** Only the last attempt of each call: what was tried again and worked has worked. */
const lastAttempts = (steps: readonly StepModel[]): StepModel[] => [
  ...new Map(steps.map((one) => [callOf(one), one] as const)).values(),
];

/** Whether a step belongs to the same run as the newest one. */
const belongsTo = (newest: StepModel, version: string | undefined, one: StepModel): boolean => {
  if (newest.run !== undefined || one.run !== undefined) return one.run === newest.run;
  return version !== undefined && versionOf(one) === version;
};

/** Steps of a run, and those of earlier ones, each in the order in which they started. */
export interface ChosenSteps {
  readonly steps: readonly StepModel[];
  readonly earlier: readonly StepModel[];
}

/**
 * Finds the steps of the newest run among all that are there: those that say that they belong to the same run as the newest step; without such a
 * word those that built the same version. Plans are no runs.
 */
export const chooseNewestRun = (all: readonly StepModel[]): ChosenSteps => {
  const sorted = all.filter(({ isPlan }) => !isPlan).sort(byStart);
  const newest = sorted.at(-1);
  if (!newest) return { steps: [], earlier: [] };
  const version = versionOf(newest);
  const steps = sorted.filter((one) => one === newest || belongsTo(newest, version, one));
  return { steps: lastAttempts(steps).sort(byStart), earlier: sorted.filter((one) => !steps.includes(one)) };
};

/**
 * Puts steps together to the run that a report is about.
 *
 * @param earlier steps of earlier runs to compare with
 */
export const buildRun = (steps: readonly StepModel[], earlier: readonly StepModel[]): RunModel => {
  const sorted = [...steps].sort(byStart);
  const outcomes = sorted.map(({ outcome }) => outcome);
  const versions = sorted.map(versionOf).filter((version) => version !== undefined);
  const { comparisons, earlierRuns } = compareRuns(sorted, earlier);
  return {
    version: versions.at(-1),
    steps: sorted,
    startedMs: Math.min(...sorted.map(({ startedMs }) => startedMs)),
    endedMs: Math.max(...sorted.map(({ endedMs }) => endedMs)),
    outcome: SEVERITY.findLast((outcome) => outcomes.includes(outcome)) ?? 'running',
    exitCode: sorted.find(({ exitCode = 0 }) => exitCode !== 0)?.exitCode ?? sorted.at(-1)?.exitCode,
    comparisons,
    earlierRuns,
  };
};
