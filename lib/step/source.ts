import { isSlipwayError } from '../errors/index.ts';
import type { Git } from '../git/index.ts';
import { waitForAll } from '../process/index.ts';
import type { BuildSource } from '../provenance/index.ts';
import { deriveCacheForm, pickTag } from '../version/index.ts';
import type { StepContext } from './context.ts';

/** A URL without user and password; other forms (`git@host:path`, folders) have none. */
export const withoutCredentials = (url: string): string => url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');

/** The nearest tag before HEAD; undefined where there is none. */
const nearestTag = async (git: Git): Promise<string | undefined> => {
  try {
    return (await git.describe()).replace(/-\d+-g[0-9a-f]+$/, '');
  } catch (error) {
    if (isSlipwayError(error, 'COMMAND_FAILED')) return undefined;
    throw error;
  }
};

/**
 * The tag of the version that is checked out, also under local commits such as the tree's patch; without such a tag the commit.
 *
 * @param version cache form
 */
export const readSource = async ({ git }: Pick<StepContext, 'git'>, version: string): Promise<BuildSource> => {
  const [head, remote, tags] = await waitForAll([git.head(), git.getConfig('remote.origin.url'), git.tagsAt()]);
  const url = withoutCredentials(remote ?? '');
  const tag = pickTag(tags, version) ?? (await nearestTag(git));
  const commit =
    tag !== undefined && deriveCacheForm(tag) === version ? await git.commitOf(`refs/tags/${tag}`) : undefined;
  if (commit === undefined) return { url, commit: head };
  return { url, tag, commit, head: head === commit ? undefined : head };
};
