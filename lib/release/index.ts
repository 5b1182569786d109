export { PHASES, type Phase, parsePhases } from './phases.ts';
export { type ReleaseProfile, releaseSchema } from './profile.ts';
export { type PhaseOutcome, runRelease } from './release.ts';
export type { ReleaseContext, ReleaseFacts, ReleaseRequest } from './types.ts';
