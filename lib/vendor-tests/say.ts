import type { Log } from '../log/index.ts';
import { type Asked, listMissing } from './next-run.ts';
import type { VendorTap } from './types.ts';

/** Says how a run ended. @param exitCode of the vendor script; undefined when a signal ended it */
export const sayRun = (log: Log, asked: Asked, tap: VendorTap, exitCode: number | undefined): void => {
  if (exitCode !== 0) {
    const end = exitCode === undefined ? 'was killed' : `ended with exit code ${exitCode}`;
    log.info(`The vendor script ${end}; its results decide.`);
  }
  for (const problem of tap.problems) log.warn(`The TAP file of this run is not whole: ${problem}.`);
  const missing = listMissing(asked, tap);
  if (tap.problems.length === 0 && missing.length > 0) {
    log.warn(`Asked for and not in the results: ${missing.join(', ')}. Not every test runs everywhere.`);
  }
};

/** Says what the next run is for. */
export const sayNext = (log: Log, next: Asked, failed: readonly string[]): void => {
  if (failed.length > 0) log.info(`Failed tests: ${failed.length}`);
  for (const name of failed) log.info(`  ${name}`);
  if (next.whole) log.info('Everything that was asked for has to be run again.');
};
