import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isSlipwayError, slipwayError } from '../../lib/errors/index.ts';
import type { Runner } from '../../lib/process/index.ts';
import type { PlannedRun, ReproducePlan } from './plan.ts';
import { cloneSubmodules, fillSubmodules, hasSubmodules } from './submodules.ts';
import type { ReproduceFolders } from './workspace.ts';

/** Where a statement says that something was built from. */
export type StatedSource = Pick<PlannedRun, 'url' | 'tag' | 'commit'>;

/** Where a tag may be. */
export interface SourceSearch {
  /** Of `--repository`. */
  readonly named: string | undefined;
  /** Absolute path of the folder that the user is in; it may be a checkout. */
  readonly cwd: string;
  /** Absolute paths of the origins of this machine's nightlies. */
  readonly nightlyOrigins: readonly string[];
}

const CAPTURE = { stdout: 'capture' } as const;

const ask = async (runner: Runner, args: readonly string[], cwd: string): Promise<string | undefined> => {
  try {
    const env = { GIT_TERMINAL_PROMPT: '0' };
    return (await runner.run(['git', ...args], { ...CAPTURE, cwd, env })).stdout;
  } catch (error) {
    if (isSlipwayError(error, 'COMMAND_FAILED')) return undefined;
    throw error;
  }
};

/** The commit that a tag of a repository leads to; undefined when it has none, or cannot be reached. */
const tagCommit = async (runner: Runner, url: string, tag: string, cwd: string): Promise<string | undefined> => {
  const text = await ask(runner, ['ls-remote', '--', url, `refs/tags/${tag}`, `refs/tags/${tag}^{}`], cwd);
  const refs = new Map((text ?? '').split('\n').map((line) => line.split('\t').reverse() as [string, string]));
  return refs.get(`refs/tags/${tag}^{}`) ?? refs.get(`refs/tags/${tag}`);
};

const candidates = async (
  runner: Runner,
  { named, cwd, nightlyOrigins }: SourceSearch,
  run: StatedSource,
): Promise<string[]> => {
  if (named !== undefined) return [named];
  const own = await ask(runner, ['remote', 'get-url', 'origin'], cwd);
  return [...new Set([own, ...nightlyOrigins, run.url])].filter((url) => url !== undefined && url !== '') as string[];
};

/**
 * Finds the repository that has the tags of all runs, where the statements say that they were.
 *
 * @throws REPRODUCE_SOURCE_UNKNOWN, REPRODUCE_TAG_MOVED
 */
export const findRepository = async (
  runner: Runner,
  search: SourceSearch,
  { version, runs }: { readonly version: string; readonly runs: readonly StatedSource[] },
): Promise<string> => {
  const [first] = runs;
  if (!first) throw new Error('a plan without runs');
  const tried: string[] = [];
  for (const url of await candidates(runner, search, first)) {
    const commits = new Map<string, string | undefined>();
    for (const { tag } of runs) if (!commits.has(tag)) commits.set(tag, await tagCommit(runner, url, tag, search.cwd));
    if ([...commits.values()].every((commit) => commit !== undefined)) {
      const moved = runs.find(({ tag, commit }) => commits.get(tag) !== commit);
      if (!moved) return url;
      const { tag, commit: stated } = moved;
      throw slipwayError('REPRODUCE_TAG_MOVED', { tag, repository: url, commit: commits.get(tag) ?? '', stated });
    }
    tried.push(url);
  }
  throw slipwayError('REPRODUCE_SOURCE_UNKNOWN', { version, tried });
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** @param cwd what a relative address is against */
export const cloneBare = async (runner: Runner, url: string, target: string, cwd: string): Promise<void> => {
  await rm(target, { recursive: true, force: true });
  await runner.run(['git', 'clone', '--quiet', '--bare', '--', url, target], { cwd });
};

/** Makes the bare clones that stand for the remotes of the tree and its submodules: all runs clone from them and push to them, and to nothing else. */
export const cloneOrigin = async (
  runner: Runner,
  search: SourceSearch,
  plan: ReproducePlan,
  { root, origin, modules }: ReproduceFolders,
): Promise<string> => {
  const url = await findRepository(runner, search, plan);
  await mkdir(root, { recursive: true });
  await cloneBare(runner, url, `${origin}.new`, search.cwd);
  await rm(origin, { recursive: true, force: true });
  await rename(`${origin}.new`, origin);
  // As the bare clone has it: absolute, should it be a folder.
  const { stdout: remote } = await runner.run(['git', 'config', '--get', 'remote.origin.url'], {
    ...CAPTURE,
    cwd: origin,
  });
  await cloneSubmodules(
    runner,
    { origin, modules },
    remote,
    plan.runs.map(({ tag }) => tag),
  );
  return url;
};

/** A fresh checkout of a tag, whose remote is the bare clone. */
export const checkOut = async (runner: Runner, origin: string, tag: string, tree: string): Promise<void> => {
  await rm(tree, { recursive: true, force: true });
  await mkdir(join(tree, '..'), { recursive: true });
  await runner.run(['git', '-c', 'advice.detachedHead=false', 'clone', '--quiet', '--branch', tag, '--', origin, tree]);
};

/** {@link checkOut} with the submodules, as a step needs it. */
export const checkOutTree = async (
  runner: Runner,
  { origin, modules }: ReproduceFolders,
  tag: string,
  tree: string,
): Promise<void> => {
  await checkOut(runner, origin, tag, tree);
  await fillSubmodules(runner, modules, tree);
};

/** Whether the bare clone has the tags where they belong, and all their submodules are there. */
export const hasSources = async (
  runner: Runner,
  folders: ReproduceFolders,
  { runs }: ReproducePlan,
): Promise<boolean> => {
  const { origin } = folders;
  if (!(await exists(origin))) return false;
  for (const { tag, commit } of runs) {
    const here = await ask(runner, ['rev-parse', '--verify', '--quiet', `refs/tags/${tag}^{commit}`], origin);
    if (here !== commit || !(await hasSubmodules(runner, folders, tag))) return false;
  }
  return true;
};
