import type { ErrorText } from '../slipway-error.ts';

/** Texts of the errors of the simulation. */
export const simulateErrors = {
  SIMULATE_FILE_INVALID: (c: { file: string; faults: readonly string[] }): ErrorText => ({
    kind: 'misuse',
    message: `${c.file} cannot be used for a simulation.`,
    hint: `${c.faults.join('\n')}\nThe comments in config/simulate.yaml say what parameters are; figures are a file like config/cache-figures.json, or the record of 'npm run bench -- cache' with all its nights.`,
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
