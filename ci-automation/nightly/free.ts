import { $ } from 'zx';
import { fill } from '../../lib/config/index.ts';
import type { TreeDescription } from '../../lib/tree/index.ts';
import { explainVersion, parseVersion } from '../../lib/version/index.ts';

/** What is to be freed, and where. */
export interface FreeRequest {
  readonly arch: string;
  /** Command of the container engine, for example `['docker']`. */
  readonly engine: readonly string[];
  /** Absolute path of the checkout: only what belongs to its versions is removed. */
  readonly tree: string;
  /** Tag of the packages image to keep. */
  readonly current: string;
}

/** The tags of this repository's versions, as they are in names of images; the engine may have other people's builds too. */
const ownVersionTags = async (tree: string): Promise<string[]> =>
  (await $({ cwd: tree, quiet: true })`git tag`).stdout
    .split('\n')
    .filter((tag) => explainVersion(tag) === undefined)
    .map((tag) => parseVersion(tag).dockerForm);

/**
 * Removes the containers that the steps leave for looking into, and the packages images of earlier nightlies of this repository. The SDK and the
 * newest packages image stay in the engine: the next nightly starts from them.
 */
export const freeContainers = async (
  description: TreeDescription,
  { arch, engine, tree, current }: FreeRequest,
): Promise<void> => {
  const run = $({ quiet: true });
  // What cannot be removed now, because somebody else is at it, must not fail a build that is over.
  const tryTo = $({ quiet: true, nothrow: true });
  const versionTags = await ownVersionTags(tree);
  const namesOf = (template: string): string[] => versionTags.map((versionTag) => fill(template, { arch, versionTag }));
  const { packages, image, vms } = description;
  const own = new Set([packages, image, vms].flatMap(({ container }) => namesOf(container)));
  const names = (await run`${engine} ps --all --format ${'{{.Names}}'}`).stdout.split('\n');
  const left = names.filter((name) => own.has(name));
  if (left.length > 0) await tryTo`${engine} rm --force ${left}`;
  const repository = fill(packages.image, { arch });
  const tags = (await run`${engine} images ${repository} --format ${'{{.Tag}}'}`).stdout.split('\n');
  const old = tags.filter((tag) => tag !== current && versionTags.includes(tag)).map((tag) => `${repository}:${tag}`);
  if (old.length > 0) await tryTo`${engine} rmi --force ${old}`;
};
