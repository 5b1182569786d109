/** Numbers of tests; the last line of `npm test` is made from their sum. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Adds up what the layers report. */
export const sumTallies = (tallies: readonly Tally[]): Tally =>
  tallies.reduce(
    (sum, tally) => ({
      passed: sum.passed + tally.passed,
      failed: sum.failed + tally.failed,
      skipped: sum.skipped + tally.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );

/**
 * The numbers as one line.
 *
 * @example tallyText({ passed: 12, failed: 0, skipped: 1 }) // '12 passed, 0 failed, 1 skipped'
 */
export const tallyText = ({ passed, failed, skipped }: Tally): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

/** A run without a failure that ran nothing at all has shown nothing. */
export const isGreen = ({ passed, failed }: Tally): boolean => failed === 0 && passed > 0;
