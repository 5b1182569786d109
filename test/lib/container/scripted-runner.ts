import { PassThrough } from 'node:stream';
import { slipwayError } from '../../../lib/errors/index.ts';
import type { Command, Runner, RunningCommand, RunOptions, RunResult } from '../../../lib/process/index.ts';

/** What a scripted command answers; `undefined` stands for a program that is not installed. */
export interface Answer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitCode?: number;
}

/** Answers commands; `line` is the command joined by spaces. */
export type Script = (line: string, options: RunOptions) => Answer | undefined;

/** A runner that runs nothing, answers from a script, and keeps every command that it was given. */
export const scriptedRunner = (script: Script) => {
  const lines: string[] = [];
  const environments: RunOptions['env'][] = [];
  const answer = (command: Command, options: RunOptions): RunResult => {
    const line = command.join(' ');
    lines.push(line);
    environments.push(options.env);
    const given = script(line, options);
    if (given === undefined) throw slipwayError('COMMAND_NOT_FOUND', { program: command[0] });
    const { stdout = '', stderr = '', exitCode = 0 } = given;
    if (!(options.okExitCodes ?? [0]).includes(exitCode)) {
      throw slipwayError('COMMAND_FAILED', { command, cwd: '/', exitCode, signal: undefined, lastOutput: stderr });
    }
    return { exitCode, stdout, stderr, durationMs: 1 };
  };
  const runner: Runner = {
    run: async (command, options = {}) => answer(command, options),
    start(command, options = {}): RunningCommand {
      const done = (async () => answer(command, options))();
      done.catch(() => undefined);
      return { stdin: new PassThrough().resume(), stdout: new PassThrough().end(), pid: undefined, done, stop() {} };
    },
  };
  return { runner, lines, environments };
};
