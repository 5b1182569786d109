import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OnSignal, StepResult } from '../../lib/step/index.ts';

/** How a step ended. */
export interface StepEnd {
  readonly exitCode: number;
  /** Undefined when the step did not get far enough to write one. */
  readonly result: StepResult | undefined;
}

/** Where a step runs. */
export interface StepPlace {
  /** Absolute path of the checkout. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onSignal: OnSignal;
  readonly stderr: (text: string) => void;
}

const SCRIPTS = join(import.meta.dirname, '..');
const SIGNAL_CODES: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGKILL: 137, SIGTERM: 143 };

const readResult = async (stdout: string): Promise<StepResult | undefined> => {
  const file = stdout.trim().split('\n').at(-1) ?? '';
  if (!file.startsWith('/') || !file.endsWith('.json')) return undefined;
  return JSON.parse(await readFile(file, 'utf8')) as StepResult;
};

/** Runs a step script as a process of its own; a signal to the job goes on to it, and the job waits until it has tidied up. */
export const runStep = async (step: string, args: readonly string[], place: StepPlace): Promise<StepEnd> => {
  const child = spawn(join(SCRIPTS, `${step}.ts`), args, {
    cwd: place.cwd,
    env: { ...place.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const release = place.onSignal((signal) => void child.kill(signal));
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', place.stderr);
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? SIGNAL_CODES[signal ?? ''] ?? 1));
    });
    return { exitCode, result: await readResult(stdout) };
  } finally {
    release();
  }
};
