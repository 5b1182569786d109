import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { $ } from 'zx';
import type { ArtifactCache } from '../../lib/cache/types.ts';
import { fill } from '../../lib/config/index.ts';
import type { TreeDescription } from '../../lib/tree/index.ts';
import { parseVersionFile, type VersionNumber } from '../../lib/version/index.ts';

/** What is known of the SDK that the tree names. */
export interface SdkState {
  readonly sdk: VersionNumber;
  /** Whether its container image is in the cache. */
  readonly isPublished: boolean;
  readonly isUsable: boolean;
  /** Why it can or cannot be used again, for people. */
  readonly why: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** The tag that an SDK version was made under; versions have no channel, tags do. */
const findTag = async (tree: string, sdk: VersionNumber): Promise<string | undefined> => {
  const tags = (await $({ cwd: tree, quiet: true })`git tag --list ${`*-${sdk.dockerForm}`}`).stdout;
  return tags.split('\n').find((tag) => tag.endsWith(`-${sdk.dockerForm}`));
};

const changedInputs = async (tree: string, tag: string, inputs: readonly string[]): Promise<string[]> =>
  (await $({ cwd: tree, quiet: true })`git diff --name-only ${tag} HEAD -- ${inputs}`).stdout
    .split('\n')
    .filter(Boolean);

/**
 * Finds out whether the SDK that the tree names can be used again: it is in the cache, nothing that it is made from changed since, and it is not
 * so old that it would miss security updates.
 *
 * @param tree absolute path of the checkout
 */
export const inspectSdk = async (
  tree: string,
  description: TreeDescription,
  cache: ArtifactCache,
  now: Date,
): Promise<SdkState> => {
  const file = join(tree, description.versionFile);
  const { sdk } = parseVersionFile(description.variablePrefix, await readFile(file, 'utf8'), file);
  const images = description.sdk.flavours.map((flavour) => fill(description.sdk.image, { flavour }));
  const isPublished = await cache.hasAll(
    images.map((name) => `containers/${sdk.dockerForm}/${name}-${sdk.dockerForm}.id`),
  );
  const no = (why: string): SdkState => ({ sdk, isPublished, isUsable: false, why });
  if (!isPublished) return no('there is no SDK in the cache yet');
  const tag = await findTag(tree, sdk);
  if (!tag) return no(`the tag of the SDK ${sdk.cacheForm} is gone`);
  const changed = await changedInputs(tree, tag, description.sdk.inputs);
  if (changed.length > 0) return no(`changed since ${tag}: ${changed.join(', ')}`);
  const seconds = Number((await $({ cwd: tree, quiet: true })`git log -1 --format=%ct ${tag}`).stdout);
  const days = (now.getTime() - seconds * 1000) / DAY_MS;
  if (days > description.sdk.maxAgeDays) return no(`the SDK is ${Math.floor(days)} days old`);
  return { sdk, isPublished, isUsable: true, why: `SDK ${sdk.cacheForm}: nothing that it is made from changed` };
};
