import type { ErrorText } from '../slipway-error.ts';

/** Texts of the testing errors. */
export const testingErrors = {} satisfies Record<string, (facts: never) => ErrorText>;
