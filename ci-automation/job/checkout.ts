import { slipwayError } from '../../lib/errors/index.ts';
import type { Log } from '../../lib/log/index.ts';
import type { Runner } from '../../lib/process/index.ts';

/** Git asks nobody: a job has no terminal, and a password prompt would hang until the CI's time limit. */
const QUIET = { GIT_TERMINAL_PROMPT: '0' };

const ask = async (runner: Runner, args: readonly string[]): Promise<string> =>
  (await runner.run(['git', ...args], { stdout: 'capture', env: QUIET })).stdout;

/** All tags and the whole history, which say what the last build was; a CI may have fetched a single commit. */
export const completeHistory = async (runner: Runner): Promise<void> => {
  const isShallow = (await ask(runner, ['rev-parse', '--is-shallow-repository'])) === 'true';
  await runner.run(['git', 'fetch', '--quiet', '--tags', '--force', ...(isShallow ? ['--unshallow'] : []), 'origin'], {
    env: QUIET,
  });
};

/**
 * Checks out the tag of the run. A worker that has the checkout from an earlier try, or has only the branch, gets the same files as any other.
 *
 * @throws JOB_TAG_MISSING
 */
export const checkoutTag = async (runner: Runner, log: Log, tag: string): Promise<void> => {
  const ref = `refs/tags/${tag}`;
  const isThere = (await ask(runner, ['ls-remote', 'origin', ref])) !== '';
  if (!isThere) throw slipwayError('JOB_TAG_MISSING', { tag });
  const isShallow = (await ask(runner, ['rev-parse', '--is-shallow-repository'])) === 'true';
  const depth = isShallow ? ['--depth=1'] : [];
  await runner.run(['git', 'fetch', '--quiet', '--force', '--no-tags', ...depth, 'origin', `+${ref}:${ref}`], {
    env: QUIET,
  });
  await runner.run(['git', 'checkout', '--quiet', '--force', '--detach', ref], { env: QUIET });
  await runner.run(['git', 'submodule', '--quiet', 'update', '--init', '--recursive', '--force'], { env: QUIET });
  log.info(`Checked out ${tag}.`);
};
