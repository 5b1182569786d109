import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StepResult } from '../../lib/step/index.ts';
import type { FixtureWorld } from './fixture-world.ts';

const SCRIPTS = join(import.meta.dirname, '..', '..', 'ci-automation');

/** How a step ended. */
export interface StepEnd {
  /** Undefined when a signal killed it. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** What the last line of standard output names; undefined when that is no result file. */
  readonly result: StepResult | undefined;
}

/** How to call a step. */
export interface StepCall {
  /** Added to the environment of the world; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Absolute; default: the tree of the world. */
  readonly cwd?: string;
}

/** A step at work. */
export interface RunningStep {
  readonly pid: number;
  readonly done: Promise<StepEnd>;
  /** Sends a signal to the step, as a CI does. */
  signal(name: NodeJS.Signals): void;
  /** Waits until `isThere` is true; throws with the log when the step ends before. */
  until(isThere: (stderr: string) => boolean): Promise<void>;
}

const POLL_MS = 10;

const readResult = (stdout: string): StepResult | undefined => {
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!last.endsWith('.json') || !existsSync(last)) return undefined;
  return JSON.parse(readFileSync(last, 'utf8')) as StepResult;
};

/** Starts a step script by its path, as a CI does. @param step for example `sdk_bootstrap` */
export const startStep = (
  world: FixtureWorld,
  step: string,
  args: readonly string[],
  { env, cwd = world.tree }: StepCall = {},
): RunningStep => {
  const child = spawn(join(SCRIPTS, `${step}.ts`), args, {
    cwd,
    env: { ...world.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let hasEnded = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const done = new Promise<StepEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      hasEnded = true;
      resolve({ exitCode: code ?? undefined, stdout, stderr, result: readResult(stdout) });
    });
  });
  return {
    pid: child.pid ?? -1,
    done,
    signal: (name) => void child.kill(name),
    async until(isThere) {
      while (!isThere(stderr)) {
        if (hasEnded) throw new Error(`${step} ended too early:\n${stderr}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
  };
};

/** Runs a step to its end. */
export const runStep = (
  world: FixtureWorld,
  step: string,
  args: readonly string[],
  call: StepCall = {},
): Promise<StepEnd> => startStep(world, step, args, call).done;

/** The part of a step's log that says the error; empty when there is none. */
export const errorIn = ({ stderr }: Pick<StepEnd, 'stderr'>): string => {
  const at = stderr.indexOf('error ');
  return at < 0 ? '' : stderr.slice(at).replace(/\n=== .*\n$/, '');
};

/** Runs a step that must end well; throws with its log otherwise. */
export const mustRun = async (...call: Parameters<typeof runStep>): Promise<StepEnd> => {
  const end = await runStep(...call);
  if (end.exitCode !== 0) throw new Error(`${call[1]} ended with ${end.exitCode}:\n${end.stderr}`);
  return end;
};
