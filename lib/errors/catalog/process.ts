import { formatCommand } from '../../log/format.ts';
import type { ErrorText } from '../slipway-error.ts';

const lastLines = (output: string): string =>
  output.trim() === '' ? 'It printed nothing.' : `Its last lines:\n${output.trimEnd()}`;

/** Texts of the errors of running other programs. */
export const processErrors = {
  COMMAND_FAILED: (c: {
    command: readonly string[];
    cwd: string;
    exitCode: number | undefined;
    signal: string | undefined;
    lastOutput: string;
    /** Of its events in the log. */
    commandId?: number;
  }): ErrorText => ({
    kind: 'failure',
    message: `${c.command[0]} ended with ${c.signal ? `signal ${c.signal}` : `exit code ${c.exitCode}`}.`,
    hint: `${lastLines(c.lastOutput)}\nTo run it again: cd ${formatCommand([c.cwd])} && ${formatCommand(c.command)}`,
  }),
  COMMAND_NOT_FOUND: (c: { program: string }): ErrorText => ({
    kind: 'failure',
    message: `The program '${c.program}' is not installed or not executable.`,
    hint: `Install it, or run 'npm run setup' in Slipway's checkout, which installs everything the steps use.`,
  }),
  COMMAND_FOLDER_MISSING: (c: { command: readonly string[]; cwd: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.command[0]} was to be run in ${c.cwd}, which does not exist.`,
    hint: 'Was the folder removed while the step ran?',
  }),
  COMMAND_TIMED_OUT: (c: {
    command: readonly string[];
    cwd?: string;
    timeoutMs: number;
    lastOutput: string;
    commandId?: number;
  }): ErrorText => ({
    kind: 'failure',
    message: `${c.command[0]} was stopped because it ran longer than ${Math.round(c.timeoutMs / 1000)} s.`,
    hint: lastLines(c.lastOutput),
  }),
  INTERRUPTED: (c: { signal: string }): ErrorText => ({
    kind: 'failure',
    message: `Interrupted by ${c.signal}.`,
    hint: 'What was started has been stopped and freed. Running the step again is safe.',
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
