import type { ErrorText } from '../slipway-error.ts';

/** Texts of the step errors. */
export const stepErrors = {} satisfies Record<string, (facts: never) => ErrorText>;
