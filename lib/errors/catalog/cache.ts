import type { ErrorText } from '../slipway-error.ts';

/** Texts of the cache errors. */
export const cacheErrors = {} satisfies Record<string, (facts: never) => ErrorText>;
