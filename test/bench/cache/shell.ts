import { execFile } from 'node:child_process';

/** A program that ended with something else than 0. */
export class ProgramError extends Error {}

/** Environment added to that of this process; undefined takes a variable away. */
export type ExtraEnv = Readonly<Record<string, string | undefined>>;

/**
 * Runs a program that is no part of a measurement.
 *
 * @returns its standard output, trimmed
 * @throws ProgramError with the end of its messages
 */
export const run = (program: string, args: readonly string[], env: ExtraEnv = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 256 * 1024 * 1024 };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout.trim());
      reject(new ProgramError(`${program} ${args.slice(0, 4).join(' ')}: ${error.code}\n${stderr.slice(-2000)}`));
    });
  });

/** A pipe of programs: a bash script with the words as `$1`, `$2`, …; the first failure counts. */
export const pipe = (script: string, ...words: readonly string[]): Promise<string> =>
  run('bash', ['-o', 'pipefail', '-ec', script, 'pipe', ...words]);
