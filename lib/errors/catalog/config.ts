import type { ErrorText } from '../slipway-error.ts';

/** Texts of the config errors. */
export const configErrors = {} satisfies Record<string, (facts: never) => ErrorText>;
