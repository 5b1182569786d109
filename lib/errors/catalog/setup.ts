import type { ErrorText } from '../slipway-error.ts';

/** Texts of the setup errors. */
export const setupErrors = {} satisfies Record<string, (facts: never) => ErrorText>;
