import type { ErrorText } from '../slipway-error.ts';

/** Texts of the container errors. */
export const containerErrors = {} satisfies Record<string, (facts: never) => ErrorText>;
