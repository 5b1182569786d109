#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Builds the packages that developers need beside those of the OS, and publishes all of them for package managers.
 *
 * Needs: a checkout of the tag whose packages image is in the cache or in the engine.
 */
import { join } from 'node:path';
import { fill, fillAll } from '../lib/config/index.ts';
import { slipwayError } from '../lib/errors/index.ts';
import {
  applyTreePatch,
  type BuildFacts,
  defineStep,
  fetchPackagesImage,
  isVersionAtTag,
  readBuildFacts,
  removeLeftovers,
  requireArch,
  requireCount,
  runInSdk,
  type StepContext,
  visibleNames,
} from '../lib/step/index.ts';
import type { TreeDescription } from '../lib/tree/index.ts';
import { runAsScript } from './run-as-script.ts';

type PushPackages = NonNullable<TreeDescription['pushPackages']>;

/** Where the packages are collected, signed and published from; git ignores it. */
const COLLECTED = '__build__/packages-to-push';

/** Builds in the container of the packages, and copies what is to be published into the tree. */
const build = async (
  context: StepContext,
  rules: PushPackages,
  facts: BuildFacts,
  reference: string,
): Promise<string> => {
  const name = fill(rules.container, facts);
  const folder = join(COLLECTED, facts.arch);
  // The original leaves the version to the tree, which is right at a tag only.
  const version = (await isVersionAtTag(context, facts)) ? undefined : facts.version;
  await removeLeftovers(context, folder);
  await context.workspace.makeFolder(folder);
  await runInSdk(context, { name, image: reference, version, cleanup: true }, fillAll(rules.build, facts));
  await runInSdk(context, { name, image: reference, version }, fillAll(rules.collect, { ...facts, folder }));
  if (!context.plan && (await visibleNames(context.workspace.resolve(folder))).length === 0) {
    throw slipwayError('OUTPUT_MISSING', { what: 'packages', file: folder, command: rules.collect.join(' ') });
  }
  return folder;
};

export const pushPkgs = defineStep({
  name: 'push_pkgs',
  summary: 'builds development packages and publishes all packages for package managers',
  usage: 'ARCH',
  argumentsHelp: ['ARCH   architecture of the OS, for example amd64'],
  reads: 'the packages container image (containers/)',
  writes: 'boards/ARCH-usr/VERSION/pkgs/: packages and their index, each with a signature',
  parse(positionals, { tree }) {
    requireCount(this, positionals, 1, 1);
    const { pushPackages } = tree;
    if (!pushPackages) throw slipwayError('STEP_NOT_IN_TREE', { step: this.name, tree: tree.name });
    return { arch: requireArch(tree, positionals[0] ?? ''), rules: pushPackages };
  },
  async run(context, { arch, rules }) {
    const { cache, log, workspace } = context;
    const facts = await readBuildFacts(context, arch);
    const packages = await log.phase('fetch the packages', () => fetchPackagesImage(context, facts));
    await applyTreePatch(context);
    const collected = await log.phase('build the development packages', () => build(context, rules, facts, packages));
    const folder = fill(rules.cacheFolder, facts);
    const published = await log.phase('publish the packages', () =>
      cache.publish({
        folder,
        files: [workspace.resolve(collected)],
        digests: false,
        last: rules.last,
        // The index has the time when it was made.
        replace: true,
      }),
    );
    context.outputs.push(...published);
    await removeLeftovers(context, collected);
    return { version: facts.version, folder };
  },
});

if (import.meta.main) await runAsScript(pushPkgs);
