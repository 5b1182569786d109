import type { ErrorText } from '../slipway-error.ts';

/** Texts of the version errors. */
export const versionErrors = {
  VERSION_INVALID: (c: { version: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `'${c.version}' is not a version: ${c.reason}.`,
    hint: 'A version is CHANNEL-MAJOR.MINOR.PATCH[-SUFFIX], for example main-4799.0.0-nightly-20260821-2100.',
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
