export { KNOWN_CAUSES, type KnownCause } from './causes.ts';
export { diagnose } from './diagnose.ts';
export { failedCommandOf } from './evidence.ts';
