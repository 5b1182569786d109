import { join } from 'node:path';
import { isSlipwayError } from '../errors/index.ts';
import type { Git } from '../git/index.ts';
import { waitForAll } from '../process/index.ts';
import type { TreeDescription } from '../tree/index.ts';
import { deriveCacheForm, deriveGroup, pickTag, readVersionFile } from '../version/index.ts';
import type { StepContext } from './context.ts';

/** What the checkout says about the build; fills the placeholders of the tree description. */
export interface BuildFacts {
  readonly [name: string]: string | boolean;
  readonly arch: string;
  /** OS version in cache form, for example `4799.0.0+nightly-20260821-2100`. */
  readonly version: string;
  /** The same with `-` for `+`, for image tags and container names. */
  readonly versionTag: string;
  /** Its three numbers, for example `4799.0.0`. */
  readonly versionId: string;
  /** What follows them; empty for a release. */
  readonly buildId: string;
  readonly sdkVersion: string;
  readonly sdkVersionTag: string;
  /** Update group: the channel of the tag, or `developer`. */
  readonly group: string;
  readonly official: boolean;
}

/** `git describe`, or nothing where no tag leads to HEAD. */
const describeOrNothing = async (git: Git): Promise<string | undefined> => {
  try {
    return await git.describe();
  } catch (error) {
    if (isSlipwayError(error, 'COMMAND_FAILED')) return undefined;
    throw error;
  }
};

/**
 * Reads versions and channel from the checkout, and says them in the log.
 *
 * @throws NOT_A_GIT_CHECKOUT, VERSION_FILE_MISSING, VERSION_FILE_INVALID
 */
export const readBuildFacts = async (
  { root, tree, git, log }: Pick<StepContext, 'root' | 'tree' | 'git' | 'log'>,
  arch: string,
): Promise<BuildFacts> => {
  const { os, sdk } = await readVersionFile(join(root, tree.versionFile), tree.variablePrefix);
  // The first question says best what is wrong when this is no clone.
  const [, tags] = await waitForAll([git.head(), git.tagsAt()]);
  // Between two tags the original goes by the nearest one before.
  const tag = tags.length > 0 ? pickTag(tags, os.cacheForm) : await describeOrNothing(git);
  const facts: BuildFacts = {
    arch,
    version: os.cacheForm,
    versionTag: os.dockerForm,
    versionId: os.vernum,
    buildId: os.buildId,
    sdkVersion: sdk.cacheForm,
    sdkVersionTag: sdk.dockerForm,
    group: deriveGroup(tag ?? ''),
    official: os.isOfficial,
  };
  const { version, sdkVersion, group, official } = facts;
  // Who asks for the version alone has no architecture.
  log.emit({ kind: 'facts', values: { ...(arch === '' ? {} : { arch }), version, sdkVersion, group, official } });
  return facts;
};

/**
 * Whether a tree that is not told the OS version would find out the right one by itself, from the tag that is checked out. Between tags and at
 * several tags flatcar/scripts writes a wrong or unreadable version file.
 */
export const isVersionAtTag = async (
  { git }: Pick<StepContext, 'git'>,
  { version }: Pick<BuildFacts, 'version'>,
): Promise<boolean> => {
  const tags = await git.tagsAt();
  return tags.length === 1 && deriveCacheForm(tags[0] ?? '') === version;
};

/** The environment of entry points that make images. */
export const officialEnv = (
  { officialVariable }: Pick<TreeDescription, 'officialVariable'>,
  { official }: Pick<BuildFacts, 'official'>,
): Readonly<Record<string, string>> =>
  officialVariable === undefined ? {} : { [officialVariable]: official ? '1' : '0' };
