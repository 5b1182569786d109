#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Builds the generic OS image from the packages of the build before.
 *
 * Needs: a checkout of the tag whose packages image is in the cache or in the engine.
 */
import { join } from 'node:path';
import { fill, fillAll } from '../lib/config/index.ts';
import {
  applyTreePatch,
  type BuildFacts,
  defineStep,
  fetchPackagesImage,
  findPublished,
  officialEnv,
  readBuildFacts,
  removeLeftovers,
  requireArch,
  requireCount,
  runInSdk,
  type StepContext,
  sayPublished,
  withLists,
} from '../lib/step/index.ts';
import { runAsScript } from './run-as-script.ts';

/** Where the step leaves its images in the tree, and what it publishes of them. */
const IMAGES = 'images';
const LATEST = join(IMAGES, 'latest');

const build = async (context: StepContext, facts: BuildFacts, reference: string): Promise<void> => {
  const { tree } = context;
  const board = `--board=${facts.arch}-usr`;
  const container = {
    name: fill(tree.image.container, facts),
    image: reference,
    version: facts.version,
    env: officialEnv(tree, facts),
    leftovers: `${tree.image.hostRoot}/${facts.arch}-usr`,
  };
  const run = (...command: string[]) => runInSdk(context, container, command);
  const beforeRoot = fillAll(tree.image.beforeRoot, await withLists(context, facts, tree.image.beforeRoot));
  await runInSdk(context, { ...container, cleanup: true }, ['mkdir', '-p', tree.image.root]);
  await run('./set_official', board, facts.official ? '--official' : '--noofficial');
  await run(
    './build_image',
    board,
    `--group=${facts.group}`,
    ...beforeRoot,
    `--output_root=${tree.image.root}`,
    '--only_store_compressed',
    ...fillAll(tree.image.arguments, facts),
  );
  await removeLeftovers(context, IMAGES);
  await run('mv', `${tree.image.root}/${facts.arch}-usr/`, './images//');
};

export const image = defineStep({
  name: 'image',
  summary: 'builds the generic OS image',
  usage: 'ARCH',
  argumentsHelp: ['ARCH   architecture of the OS, for example amd64'],
  reads: 'the packages container image (containers/)',
  writes: 'images/ARCH/VERSION/: generic image, kernel, package and contents lists',
  parse(positionals, { tree }) {
    requireCount(this, positionals, 1, 1);
    return { arch: requireArch(tree, positionals[0] ?? '') };
  },
  async run(context, { arch }) {
    const { tree, cache, log, workspace } = context;
    const facts = await readBuildFacts(context, arch);
    const folder = `images/${arch}/${facts.version}`;
    const published = await findPublished(context, { version: facts.version, arch });
    const before = published.ofRun((path) => path.startsWith(`${folder}/`));
    if (before) return sayPublished(context, facts, before);
    const packages = await log.phase('fetch the packages', () => fetchPackagesImage(context, facts));
    await applyTreePatch(context);
    await log.phase('build the image', () => build(context, facts, packages));
    for (const name of tree.image.remove) await workspace.remove(join(LATEST, name));
    const records = await log.phase('publish the image', () =>
      cache.publish({ folder, files: [workspace.resolve(LATEST)] }),
    );
    context.outputs.push(...records);
    return { version: facts.version, folder };
  },
});

if (import.meta.main) await runAsScript(image);
