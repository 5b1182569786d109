import type { ErrorText } from '../slipway-error.ts';

/** Texts of the tag errors. */
export const tagErrors = {} satisfies Record<string, (facts: never) => ErrorText>;
