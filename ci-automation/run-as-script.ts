import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runStep, type StepDefinition, type StepIo } from '../lib/step/index.ts';
import { foldingFor } from './ci/folding.ts';

/** Slipway's own folder. */
export const SLIPWAY_ROOT = join(import.meta.dirname, '..');

const readSlipwayVersion = async (): Promise<string> => {
  const { version } = JSON.parse(await readFile(join(SLIPWAY_ROOT, 'package.json'), 'utf8')) as { version: string };
  return version;
};

/** A log in a CI is a file even where the CI offers a terminal. */
const isTerminal = (): boolean => process.stderr.isTTY === true && !process.env.CI && process.env.TERM !== 'dumb';

/** The outside world of a command, taken from this process. */
export const processIo = async (): Promise<StepIo> => ({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  stdout: (text) => process.stdout.write(text),
  stderr: {
    write: (text) => process.stderr.write(text),
    isTerminal: isTerminal(),
    // Asked again and again, because a window may change its size.
    get columns() {
      return process.stderr.columns;
    },
    get rows() {
      return process.stderr.rows;
    },
    folding: foldingFor(process.env),
  },
  onSignal(handler) {
    const onInt = (): void => handler('SIGINT');
    const onTerm = (): void => handler('SIGTERM');
    process.on('SIGINT', onInt).on('SIGTERM', onTerm);
    return () => process.off('SIGINT', onInt).off('SIGTERM', onTerm);
  },
  now: () => new Date(),
  slipwayVersion: await readSlipwayVersion(),
  slipwayRoot: SLIPWAY_ROOT,
});

/** Runs a step as the program that this process is. */
export const runAsScript = async <Arguments>(step: StepDefinition<Arguments>): Promise<void> => {
  process.exitCode = await runStep(step, await processIo());
};

/** `npm run NAME` works in Slipway's folder, but is asked about the folder that it was called in. */
const callersFolder = ({ env, cwd }: StepIo, name: string): string =>
  env.npm_lifecycle_event === name && env.npm_package_name === 'slipway' ? (env.INIT_CWD ?? cwd) : cwd;

/**
 * Runs a command that is no step as the program that this process is.
 *
 * @param name of its npm script
 * @param main returns the exit code
 */
export const runCommandAsScript = async (name: string, main: (io: StepIo) => Promise<number>): Promise<void> => {
  const io = await processIo();
  process.exitCode = await main({ ...io, cwd: callersFolder(io, name) });
};
