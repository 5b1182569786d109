import { $ } from 'zx';
import { slipwayError } from '../../lib/errors/index.ts';
import { parseVersion, type Version } from '../../lib/version/index.ts';

/** The version of the last build: the youngest tag of the OS repository. */
export const lastBuild = async (tree: string): Promise<Version | undefined> => {
  const git = $({ cwd: tree, quiet: true });
  const tag = (
    await git`git for-each-ref --sort=-creatordate --count=1 --format=${'%(refname:strip=2)'} refs/tags`
  ).stdout.trim();
  return tag === '' ? undefined : parseVersion(tag);
};

/**
 * Checks out a version to go on with it.
 *
 * @param step the step to start from, for the error text
 * @throws NIGHTLY_NOTHING_BUILT
 */
export const checkoutBuild = async (tree: string, version: Version | undefined, step: string): Promise<Version> => {
  if (!version) throw slipwayError('NIGHTLY_NOTHING_BUILT', { step });
  await $({ cwd: tree, quiet: true })`git checkout --quiet --force ${version.text}`;
  return version;
};
