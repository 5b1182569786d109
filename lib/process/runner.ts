import { existsSync } from 'node:fs';
import { PassThrough, Writable } from 'node:stream';
import { execa, type Options, type ResultPromise } from 'execa';
import { type SlipwayError, slipwayError } from '../errors/index.ts';
import { type CommandLog, type Log, silentLog } from '../log/index.ts';
import { splitLines } from './lines.ts';
import { createTail, type Tail } from './tail.ts';
import type { Command, Runner, RunningCommand, RunOptions, RunResult } from './types.ts';

/** What every command of a runner has in common. */
export interface RunnerSettings {
  readonly log?: Log;
  /** Absolute path. */
  readonly cwd: string;
  /** The whole environment of the commands; nothing else is inherited. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborting stops every running command and lets no new one start; `reason` is the error they throw. */
  readonly signal?: AbortSignal;
  /** Milliseconds between SIGTERM and SIGKILL; default 5000. */
  readonly killGraceMs?: number;
}

interface Finished {
  readonly failed: boolean;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly timedOut: boolean;
  readonly code?: string;
  readonly durationMs: number;
  readonly stdout?: unknown;
  readonly cause?: unknown;
}

const stopGroup = (pid: number | undefined, signal: NodeJS.Signals): void => {
  if (pid === undefined) return;
  try {
    // The whole process group: a stopped script must not leave its children at work.
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/** SIGTERM now; SIGKILL after the grace if the command is still there. */
const createStopper = (pid: number | undefined, ended: Promise<unknown>, graceMs: number) => (): void => {
  stopGroup(pid, 'SIGTERM');
  const timer = setTimeout(() => stopGroup(pid, 'SIGKILL'), graceMs);
  void ended.finally(() => clearTimeout(timer));
};

/** What was run, as people may see it. */
interface Shown {
  readonly command: Command;
  readonly cwd: string;
  readonly id: number;
}

const errorOf = ({ command: shown, cwd, id }: Shown, options: RunOptions, end: Finished, tail: Tail): SlipwayError => {
  if (end.code === 'ENOENT' && !existsSync(cwd)) return slipwayError('COMMAND_FOLDER_MISSING', { command: shown, cwd });
  if (end.code === 'ENOENT' || end.code === 'EACCES') {
    return slipwayError('COMMAND_NOT_FOUND', { program: shown[0] }, end.cause);
  }
  const lastOutput = tail.text();
  if (end.timedOut) {
    return slipwayError('COMMAND_TIMED_OUT', {
      command: shown,
      cwd,
      timeoutMs: options.timeoutMs ?? 0,
      lastOutput,
      commandId: id,
    });
  }
  return slipwayError('COMMAND_FAILED', {
    command: shown,
    cwd,
    exitCode: end.exitCode,
    signal: end.signal,
    lastOutput,
    commandId: id,
  });
};

const toLog = (said: CommandLog, tail: Tail): Writable =>
  splitLines((line) => {
    tail.add(line);
    said.output(line);
  });

/**
 * Makes the runner that really runs programs, with execa: argument arrays, output streamed to the log line by line, time limits,
 * and the kill ladder (SIGTERM to the process group, then SIGKILL).
 */
export const createRunner = (settings: RunnerSettings): Runner => {
  const { log = silentLog, killGraceMs = 5000, signal } = settings;

  const launch = (command: Command, options: RunOptions, extra: Options): RunningCommand => {
    signal?.throwIfAborted();
    const [program, ...args] = command;
    const cwd = options.cwd ?? settings.cwd;
    const shown = options.shownAs ?? command;
    const tail = createTail();
    const said = log.command(shown, cwd);
    const errors = toLog(said, tail);
    const output = extra.stdout === undefined ? toLog(said, tail) : undefined;
    const startedMs = performance.now();
    const child = execa(program, args, {
      cwd,
      env: { ...settings.env, ...options.env },
      extendEnv: false,
      // A group of its own, so that stopping it stops all that it started.
      detached: true,
      cleanup: true,
      reject: false,
      buffer: false,
      stderr: 'pipe',
      ...extra,
      ...(output ? { stdout: 'pipe' } : {}),
    } as Options) as unknown as ResultPromise<{ reject: false; buffer: false }>;
    child.stderr?.pipe(errors);
    if (output) child.stdout?.pipe(output);

    let timedOut = false;
    let stop = (): void => {};
    const done = (async (): Promise<RunResult> => {
      const end = (await child) as unknown as Finished;
      const durationMs = performance.now() - startedMs;
      const { exitCode } = end;
      const isAnswer = exitCode !== undefined && (options.okExitCodes ?? [0]).includes(exitCode);
      const ok = isAnswer && !timedOut && !signal?.aborted;
      said.finish({ exitCode, signal: end.signal, ok, durationMs });
      if (signal?.aborted) throw signal.reason;
      if (!ok) throw errorOf({ command: shown, cwd, id: said.id }, options, { ...end, timedOut }, tail);
      const stdout = typeof end.stdout === 'string' ? end.stdout : '';
      return { exitCode, stdout, stderr: tail.text(), durationMs };
    })();
    stop = createStopper(child.pid, Promise.allSettled([done]), killGraceMs);

    const abort = (): void => stop();
    signal?.addEventListener('abort', abort, { once: true });
    const timer = options.timeoutMs
      ? setTimeout(() => {
          timedOut = true;
          stop();
        }, options.timeoutMs)
      : undefined;
    void Promise.allSettled([done]).then(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    });
    return {
      stdin: child.stdin ?? new Writable({ write: (_chunk, _encoding, next) => next() }),
      stdout: child.stdout ?? new PassThrough().end(),
      pid: child.pid,
      done,
      stop,
    };
  };

  return {
    async run(command, options = {}) {
      const capture = options.stdout === 'capture';
      const input: Options = options.input === undefined ? { stdin: 'ignore' } : { input: options.input };
      const extra: Options = capture ? { ...input, stdout: 'pipe', buffer: { stdout: true, stderr: false } } : input;
      return launch(command, options, extra).done;
    },
    start: (command, options = {}) => launch(command, options, { stdin: 'pipe', stdout: 'pipe' }),
  };
};
