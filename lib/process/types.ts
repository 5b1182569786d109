import type { Readable, Writable } from 'node:stream';

/** A program and its arguments; never a shell string. */
export type Command = readonly [program: string, ...args: string[]];

/** How to run one command. */
export interface RunOptions {
  /** Absolute path; default: the runner's working directory. */
  readonly cwd?: string;
  /** Added to the runner's environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Text for standard input; default: none (end of file at once). */
  readonly input?: string;
  /** `log` shows standard output line by line, `capture` keeps it for the caller. Default `log`. */
  readonly stdout?: 'log' | 'capture';
  /** Exit codes that are an answer and not a failure; default `[0]`. */
  readonly okExitCodes?: readonly number[];
  /** Milliseconds until the command is stopped; 0 = none. Default 0. */
  readonly timeoutMs?: number;
  /** What to show instead of the command in logs and errors, when an argument is not for the public. */
  readonly shownAs?: Command;
}

/** What a command that ended came back with. */
export interface RunResult {
  readonly exitCode: number;
  /** Standard output when `stdout` was `capture`, without the last line end; else empty. */
  readonly stdout: string;
  /** The last lines of standard error. */
  readonly stderr: string;
  readonly durationMs: number;
}

/** A started command whose streams the caller connects; for pipelines. */
export interface RunningCommand {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly pid: number | undefined;
  /** Resolves when the command ended well; rejects like {@link Runner.run}. */
  readonly done: Promise<RunResult>;
  /** Stops the command: SIGTERM, and SIGKILL when it does not follow. */
  stop(): void;
}

/**
 * Runs programs. A step gets one for its effects and one for questions; with `--plan` the first only says what it would run.
 *
 * Both methods throw `COMMAND_FAILED`, `COMMAND_NOT_FOUND`, `COMMAND_TIMED_OUT` or `INTERRUPTED`.
 */
export interface Runner {
  run(command: Command, options?: RunOptions): Promise<RunResult>;
  start(command: Command, options?: Omit<RunOptions, 'input' | 'stdout'>): RunningCommand;
}
