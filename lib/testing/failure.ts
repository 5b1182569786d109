import type { RunResult } from '../process/index.ts';

/** What a check throws when the image is not as it should be. */
export class CheckFailure extends Error {
  /** Output and values, line by line. */
  readonly details: readonly string[];

  /** @param message one line: what was seen and what was expected */
  constructor(message: string, details: readonly string[] = []) {
    super(message);
    this.name = 'CheckFailure';
    this.details = details;
  }
}

const outputOf = ({ stdout, stderr }: RunResult): string[] =>
  `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');

/** Fails unless both are the same. @param what is compared, for example `VERSION in /etc/os-release` */
export const requireEqual = (what: string, actual: string | number | undefined, expected: string | number): void => {
  if (actual === expected) return;
  const seen = actual === undefined ? 'missing' : `'${actual}'`;
  throw new CheckFailure(`${what} is ${seen}, expected '${expected}'`);
};

/** Fails unless `condition` holds. */
export const requireThat = (condition: boolean, message: string, details: readonly string[] = []): void => {
  if (!condition) throw new CheckFailure(message, details);
};

/** Fails unless the guest's command ended with exit code 0. @returns its standard output */
export const requireSuccess = (what: string, result: RunResult): string => {
  requireThat(result.exitCode === 0, `${what} failed with exit code ${result.exitCode}`, outputOf(result));
  return result.stdout;
};

/** Fails unless the guest refused the command. */
export const requireRefusal = (what: string, result: RunResult): void =>
  requireThat(result.exitCode !== 0, `${what} was allowed, expected: refused`, outputOf(result));
