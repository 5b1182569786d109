export { type MachineOptions, openMachine } from './open-machine.ts';
export { renderReport } from './render.ts';
export { type RunChecksOptions, runChecks } from './run-checks.ts';
export { CHECKS, selectChecks } from './select-checks.ts';
export type { Check, CheckContext, CheckReport, DoctorReport, Finding, Machine, Outcome } from './types.ts';
