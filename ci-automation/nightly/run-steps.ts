import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { $ } from 'zx';
import type { StepResult } from '../../lib/step/index.ts';

/** One call of a step script. */
export interface StepCall {
  /** Name of the script in `ci-automation/`, without extension. */
  readonly step: string;
  readonly args: readonly string[];
}

/** How a step ended; a step that could not start has no result file. */
export interface StepRun extends StepCall {
  readonly exitCode: number;
  readonly durationMs: number;
  readonly result?: StepResult;
}

const readResult = async (stdout: string): Promise<StepResult | undefined> => {
  const file = stdout.trim().split('\n').at(-1);
  return file?.startsWith('/') ? (JSON.parse(await readFile(file, 'utf8')) as StepResult) : undefined;
};

/**
 * Runs a step script as a CI would: a process of its own in the root of the tree. Its log goes straight to this terminal; the process group is
 * shared, so that Ctrl-C reaches the step.
 *
 * @param scripts absolute folder of the step scripts
 */
export const runStepScript = async (
  { step, args }: StepCall,
  { scripts, cwd, env }: { scripts: string; cwd: string; env: NodeJS.ProcessEnv },
): Promise<StepRun> => {
  const startedMs = Date.now();
  const script = join(scripts, `${step}.ts`);
  const child = $({ cwd, env, quiet: true, nothrow: true, detached: false, stdio: ['inherit', 'pipe', 'inherit'] });
  const { exitCode, stdout } = await child`${process.execPath} ${script} ${args}`;
  return { step, args, exitCode: exitCode ?? 1, durationMs: Date.now() - startedMs, result: await readResult(stdout) };
};
