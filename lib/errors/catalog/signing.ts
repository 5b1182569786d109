import type { ErrorText } from '../slipway-error.ts';

/** Texts of the signing errors. */
export const signingErrors = {} satisfies Record<string, (facts: never) => ErrorText>;
