import type { ErrorText } from '../slipway-error.ts';

/** Texts of the setup errors. Those of the very first script are in lib/setup/enter.mjs, which runs before TypeScript can. */
export const setupErrors = {
  HOST_PACKAGES_MISSING: (c: { packages: readonly { name: string; why: string }[]; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `${c.packages.length} Debian package${c.packages.length === 1 ? ' is' : 's are'} missing, and ${c.reason}.`,
    hint: [
      ...c.packages.map(({ name, why }) => `${name}: ${why}`),
      `To install: apt-get update && apt-get install --no-install-recommends ${c.packages.map(({ name }) => name).join(' ')}`,
    ].join('\n'),
  }),
  HOST_PACKAGES_FAILED: (c: { packages: readonly string[]; lastOutput: string }): ErrorText => ({
    kind: 'failure',
    message: `apt-get could not install ${c.packages.join(', ')}.`,
    hint: `Its last lines:\n${c.lastOutput}\nCheck the package sources of the machine (apt-get update), then run this again.`,
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
