/**
 * How Skiff's entry points fail: one class for everything a person can do something about, and one wrapper that
 * turns it into a message and an exit status. Anything else that is thrown is a bug and keeps its stack trace.
 */

import { stopIfInterrupted } from './interrupt.ts';

/** A failure with something to say: what was seen, what was expected (message) and what to do next (hint). */
export class Fault extends Error {
  readonly hint: string;
  readonly exitCode: number;

  /**
   * @param message what was seen and what was expected, one line
   * @param hint what to do next, may have several lines, may be empty
   * @param exitCode 1 the work failed, 2 wrong use; a command's own status where it is passed on
   */
  constructor(message: string, hint = '', exitCode = 1) {
    super(message);
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/**
 * A wrong command line or setting.
 * @returns a Fault with exit status 2, to be thrown by the caller
 */
export function misuse(message: string, hint = ''): Fault {
  return new Fault(message, hint, 2);
}

/** What zx throws when a command fails; named here because the class itself is not importable from this tree. */
interface FailedCommand {
  cmd?: string;
  exitCode: number | null;
  stderr: string;
  signal: string | null;
}

function isFailedCommand(error: unknown): error is FailedCommand {
  return error instanceof Error && 'stderr' in error && 'exitCode' in error;
}

function describe(error: unknown): { text: string; exitCode: number } {
  if (error instanceof Fault) {
    const hint = error.hint === '' ? '' : `\n  ${error.hint.replaceAll('\n', '\n  ')}`;
    return { text: `${error.message}${hint}`, exitCode: error.exitCode };
  }
  if (isFailedCommand(error)) {
    const how = error.signal ? `was ended by ${error.signal}` : `ended with status ${error.exitCode}`;
    const tail = error.stderr.trimEnd().split('\n').slice(-15).join('\n  ');
    return { text: `a command ${how}${error.cmd ? `: ${error.cmd}` : ''}\n  ${tail}`, exitCode: 1 };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `unexpected error, please report it:\n${stack}`, exitCode: 1 };
}

/**
 * Runs an entry point and ends the process with its status.
 * @param name name of the entry point, put before an error message
 * @param main gets the command-line words after the script; returns the exit status, or nothing for 0
 */
export async function runMain(name: string, main: (args: string[]) => Promise<number | undefined>): Promise<void> {
  try {
    process.exitCode = (await main(process.argv.slice(3))) ?? 0;
  } catch (error) {
    await stopIfInterrupted();
    const { text, exitCode } = describe(error);
    process.stderr.write(`${name}: ${text}\n`);
    process.exitCode = exitCode;
  }
}
