export { loadStep, loadSteps } from './load.ts';
export { compareRuns, medianOf } from './model/compare.ts';
export { callOf, versionOf } from './model/identity.ts';
export { type OutputLimits, plainLine } from './model/output.ts';
export { parseResult } from './model/result.ts';
export { buildRun, type ChosenSteps, chooseNewestRun } from './model/run.ts';
export { KEPT_LIMITS, type KeptLimits, StepBuilder, type StepSurroundings } from './model/step.ts';
export type * from './model/types.ts';
export { type RenderOptions, renderReport } from './render/index.ts';
