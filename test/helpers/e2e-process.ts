import { createWriteStream, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

/** How a program ended, and what it said. */
export interface LoggedEnd {
  readonly name: string;
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** A program at work. */
export interface LoggedProgram {
  /** Resolves once its standard error has this in it. @throws when the program ends first */
  seen(pattern: RegExp): Promise<void>;
  /** A signal to the whole process group, as Ctrl-C on a terminal is one. Only with `ownGroup`. */
  signalGroup(signal: NodeJS.Signals): void;
  readonly ended: Promise<LoggedEnd>;
}

/** How to run it. */
export interface LoggedOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  /** In a process group of its own; without that, Ctrl-C for the tests reaches it too. */
  readonly ownGroup?: boolean;
}

const LAST_LINES = 40;

/** The end of a log, for error messages. */
export const lastLines = (text: string, count = LAST_LINES): string =>
  text.trimEnd().split('\n').slice(-count).join('\n');

/** Starts programs one after another, each with a log file of its own. */
export interface LoggedRunner {
  start(command: readonly string[], options: LoggedOptions): LoggedProgram;
  /** Runs to the end and insists on the exit code. @throws with the end of the log */
  run(command: readonly string[], options: LoggedOptions & { readonly expect?: number }): Promise<LoggedEnd>;
}

/** Insists on an exit code. @throws with the end of the log */
export const requireExit = (end: LoggedEnd, expected: number): LoggedEnd => {
  if (end.exitCode === expected) return end;
  throw new Error(
    `${end.name} ended with ${end.exitCode ?? 'a signal'}, expected ${expected}; its last lines:\n${lastLines(`${end.stdout}\n${end.stderr}`)}`,
  );
};

/**
 * @param folder absolute; gets one file per program, numbered
 * @param signal ends every program
 */
export const createLoggedRunner = (folder: string, signal: AbortSignal): LoggedRunner => {
  let count = 0;
  mkdirSync(folder, { recursive: true });

  const start: LoggedRunner['start'] = ([program = '', ...args], { cwd, env, timeoutMs, ownGroup = false }) => {
    count += 1;
    const name = [basename(program, '.ts'), ...args].join(' ');
    const file = createWriteStream(join(folder, `${String(count).padStart(2, '0')}-${basename(program, '.ts')}.log`));
    const startedMs = performance.now();
    const child = execa(program, args, {
      cwd,
      env: { ...env },
      extendEnv: false,
      detached: ownGroup,
      reject: false,
      stdin: 'ignore',
      timeout: timeoutMs,
      cancelSignal: signal,
      // Steps need time to free what they have taken.
      forceKillAfterDelay: 30_000,
      maxBuffer: 200_000_000,
    });
    let stderr = '';
    let isOver = false;
    child.stdout.pipe(file, { end: false });
    child.stderr.pipe(file, { end: false });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const ended = child.then((end) => {
      isOver = true;
      file.end(`\nended with ${end.exitCode ?? end.signal}\n`);
      const { exitCode, stdout } = end;
      return { name, exitCode, stdout, stderr, durationMs: performance.now() - startedMs };
    });
    return {
      ended,
      async seen(pattern) {
        while (!pattern.test(stderr)) {
          if (isOver) throw new Error(`${name} ended before ${pattern} was seen:\n${lastLines(stderr)}`);
          await sleep(20);
        }
      },
      signalGroup(name) {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      },
    };
  };
  return {
    start,
    run: async (command, options) => requireExit(await start(command, options).ended, options.expect ?? 0),
  };
};
