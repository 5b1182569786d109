export { type Cleanup, createCleanup } from './cleanup.ts';
export { inParallel } from './in-parallel.ts';
export { createPlanningRunner } from './planning-runner.ts';
export { type RetryOptions, retry } from './retry.ts';
export { createRunner, type RunnerSettings } from './runner.ts';
export type { Command, Runner, RunningCommand, RunOptions, RunResult } from './types.ts';
export { waitForAll } from './wait-for-all.ts';
