import { PassThrough } from 'node:stream';
import { formatCommand, type Log } from '../log/index.ts';
import type { Runner, RunOptions, RunResult } from './types.ts';

const NOTHING: RunResult = { exitCode: 0, stdout: '', stderr: '', durationMs: 0 };

/**
 * The runner of `--plan`: it says what would be run and runs nothing; every command counts as ended well without output.
 * A dry run is another runner, chosen once, and not a flag that some call could forget.
 */
export const createPlanningRunner = (log: Log): Runner => {
  const plan = (command: readonly string[], options: Pick<RunOptions, 'shownAs' | 'cwd'> = {}): void =>
    log.emit({ kind: 'planned', effect: `run: ${formatCommand(options.shownAs ?? command)}` });
  return {
    async run(command, options) {
      plan(command, options);
      return NOTHING;
    },
    start(command, options) {
      plan(command, options);
      const stdin = new PassThrough();
      stdin.resume();
      return {
        stdin,
        stdout: new PassThrough().end(),
        pid: undefined,
        done: Promise.resolve(NOTHING),
        stop() {},
      };
    },
  };
};
