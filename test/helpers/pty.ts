import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatCommand } from '../../lib/log/index.ts';
import { createTestScreen, type TestScreen } from './screen.ts';

/** A program that believes that it talks to a person. */
export interface PtyProgram {
  readonly screen: TestScreen;
  /** What is typed; `\u0003` is Ctrl-C. */
  type(text: string): void;
  /** Gives the window another size, and tells the program (SIGWINCH). */
  resize(columns: number, rows: number): void;
  /** Waits until the rows in view are as wanted; throws with all rows when the program ends before, or after 25 s. */
  until(isSo: (seen: readonly string[]) => boolean): Promise<void>;
  /** Its exit code, as a shell counts. */
  readonly done: Promise<number>;
  /** Takes the terminal away from a program that still runs, which ends it. */
  close(): Promise<void>;
}

/** How to start it. */
export interface PtyOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly columns: number;
  readonly rows: number;
  /** Absolute path of a folder for the name of the pseudo-terminal. */
  readonly folder: string;
}

const POLL_MS = 20;
const PATIENCE_MS = 25_000;

/** Starts a program on a real pseudo-terminal, with script(1), whose screen a terminal emulator draws. */
export const startOnPty = (command: readonly string[], options: PtyOptions): PtyProgram => {
  const { columns, rows, folder, cwd, env } = options;
  const ttyFile = join(folder, 'tty');
  const start = `tty >${formatCommand([ttyFile])}; stty cols ${columns} rows ${rows}; exec ${formatCommand(command)}`;
  const screen = createTestScreen(columns, rows);
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', start, '/dev/null'], {
    cwd,
    env: { ...env, TERM: 'xterm-256color', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let hasEnded = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => screen.write(text));
  const done = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      hasEnded = true;
      resolve(code ?? -1);
    });
  });
  return {
    screen,
    type: (text) => void child.stdin.write(text),
    resize(wide, high) {
      screen.resize(wide, high);
      const tty = readFileSync(ttyFile, 'utf8').trim();
      execFileSync('stty', ['-F', tty, 'cols', String(wide), 'rows', String(high)]);
    },
    async until(isSo) {
      const endMs = Date.now() + PATIENCE_MS;
      for (;;) {
        const seen = await screen.seen();
        if (isSo(seen)) return;
        const isOver = hasEnded ? 'The program ended too early' : Date.now() > endMs ? 'It took too long' : '';
        if (isOver) throw new Error(`${isOver}; seen:\n${(await screen.all()).join('\n')}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    done,
    async close() {
      // By its own end script(1) hangs up.
      if (!hasEnded) child.kill('SIGTERM');
      await done;
      screen.dispose();
    },
  };
};
