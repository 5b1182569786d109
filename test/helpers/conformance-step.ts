import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

const SCRIPTS = join(import.meta.dirname, '..', '..', 'ci-automation');

/** Who runs a step. */
export type Side = 'bash' | 'slipway';

/** The functions of the original's steps: file below its `ci-automation/` and name. */
const FUNCTIONS: Readonly<Record<string, readonly [string, string]>> = {
  sdk_bootstrap: ['sdk_bootstrap.sh', 'sdk_bootstrap'],
  sdk_container: ['sdk_container.sh', 'sdk_container_build'],
  packages_tag: ['packages-tag.sh', 'packages_tag'],
  packages: ['packages.sh', 'packages_build'],
  push_pkgs: ['push_pkgs.sh', 'push_packages'],
  image: ['image.sh', 'image_build'],
  vms: ['vms.sh', 'vm_build'],
  release: ['release.sh', 'release_build'],
};

/** A call of a step: name and arguments. */
export type StepWords = readonly [step: string, ...args: string[]];

/** How a step ended. */
export interface StepEnd {
  /** Undefined when a signal killed it. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A step of one side at work. */
export interface StepAtWork {
  readonly pid: number;
  readonly done: Promise<StepEnd>;
  /** Waits until `isThere` is true; throws with the log when the step ends before. */
  until(isThere: () => boolean): Promise<void>;
}

const POLL_MS = 10;

/** Steps of ours start in half the time with it, and a world has a HOME of its own, where it would be empty. */
export const compileCache = (): string =>
  process.env.NODE_COMPILE_CACHE ??
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'slipway/node-compile-cache');

const commandOf = (side: Side, [step, ...args]: StepWords): [string, string[]] => {
  if (side === 'slipway') return [join(SCRIPTS, `${step}.ts`), args];
  const [file, name] = FUNCTIONS[step] ?? ['', ''];
  return ['bash', ['-c', `source ci-automation/${file} && ${name} "$@"`, 'bash', ...args]];
};

/** Starts a step as a CI does: ours by its path, the original's by bash that reads its file and calls its function. */
export const startStep = (
  side: Side,
  words: StepWords,
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
): StepAtWork => {
  const [program, args] = commandOf(side, words);
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  let hasEnded = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const end = (exitCode: number | undefined): StepEnd => {
    hasEnded = true;
    return { exitCode, stdout, stderr };
  };
  const done = new Promise<StepEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(end(code ?? undefined)));
    // What a killed step started may hold its output open.
    child.once('exit', (code) => code === null && resolve(end(undefined)));
  });
  return {
    pid: child.pid ?? -1,
    done,
    async until(isThere) {
      while (!isThere()) {
        if (hasEnded) throw new Error(`${words[0]} ended too early:\n${stdout}\n${stderr}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
  };
};
