import { spawn } from 'node:child_process';

/** How a program ended, and what it wrote. */
export interface ChildEnd {
  readonly exitCode: number | undefined;
  readonly output: string;
}

/** How to run it. */
export interface ChildOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes the output as it comes; standard output and standard error both. */
  readonly onOutput?: (text: string) => void;
  /** Once the output has this in it, the program has `graceMs` to end; then it is killed. */
  readonly endsAfter?: { readonly text: string; readonly graceMs: number };
}

/** Runs a program of the tests' own (jest, tsc, biome); a signal for this process stops it too. */
export const runChild = (command: readonly string[], options: ChildOptions): Promise<ChildEnd> =>
  new Promise((resolve) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const forward = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    const signals = ['SIGINT', 'SIGTERM'] as const;
    for (const signal of signals) process.on(signal, forward);
    let timer: NodeJS.Timeout | undefined;
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk;
      options.onOutput?.(chunk.toString());
      const { endsAfter } = options;
      if (!endsAfter || timer || !output.includes(endsAfter.text)) return;
      timer = setTimeout(() => child.kill('SIGKILL'), endsAfter.graceMs);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const end = (exitCode: number | undefined): void => {
      clearTimeout(timer);
      for (const signal of signals) process.off(signal, forward);
      resolve({ exitCode, output });
    };
    child.on('error', (error) => {
      output += `${error.message}\n`;
      end(undefined);
    });
    child.on('close', (code) => end(code ?? undefined));
  });
