#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Makes the SDK container images from the SDK tarball.
 *
 * Needs: a checkout of the tag whose SDK tarball is in the cache.
 */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ArtifactRecord } from '../lib/cache/index.ts';
import { fill } from '../lib/config/index.ts';
import type { ImageName } from '../lib/container/index.ts';
import { inParallel } from '../lib/process/index.ts';
import {
  type BuildFacts,
  CLEANUP_FILE,
  defineStep,
  findPublished,
  logStamp,
  publishLogs,
  readBuildFacts,
  removeLeftovers,
  requireCount,
  type StepContext,
  sayPublished,
  takeOwnership,
} from '../lib/step/index.ts';
import { parseVersionFile } from '../lib/version/index.ts';
import { runAsScript } from './run-as-script.ts';

const LOGS = '__build__/sdk-container-logs-to-upload';

/** Saving is the engine's work on one core, compressing ours on the others: two at a time keep both busy. */
const AT_ONCE = 2;

const imagesOf = ({ tree, registry }: StepContext, { sdkVersionTag: version }: BuildFacts): readonly ImageName[] =>
  tree.sdk.flavours.map((flavour) => ({ name: fill(tree.sdk.image, { flavour }), version, registry }));

const publishImages = async (context: StepContext, images: readonly ImageName[]): Promise<void> => {
  const records = await inParallel(images, AT_ONCE, (image) => context.containers.publish(image));
  context.outputs.push(...records.flat());
};

/** An image with what an earlier run published of it; undefined: it is to be made. */
interface Wanted {
  readonly image: ImageName;
  readonly before: readonly ArtifactRecord[] | undefined;
}

const lookFor = async (context: StepContext, facts: BuildFacts): Promise<readonly Wanted[]> => {
  const published = await findPublished(context, { version: facts.sdkVersion, arch: undefined });
  return inParallel(imagesOf(context, facts), AT_ONCE, async (image) => ({
    image,
    before: await published.ofPaths(context.imagePaths(image)),
  }));
};

/**
 * flatcar/scripts writes the version file itself while it makes the images, and where several tags are at HEAD it becomes unreadable for every later
 * step.
 */
const repairVersionFile = async ({ tree, workspace, log }: StepContext, before: string): Promise<void> => {
  const file = workspace.resolve(tree.versionFile);
  try {
    parseVersionFile(tree.variablePrefix, await readFile(file, 'utf8'), file);
  } catch (error) {
    log.warn(`${error instanceof Error ? error.message : error} It is written back as it was.`);
    await workspace.write(tree.versionFile, before);
  }
};

export const sdkContainer = defineStep({
  name: 'sdk_container',
  summary: 'makes the SDK container images from the SDK tarball',
  usage: '',
  argumentsHelp: [],
  reads: 'sdk/ARCH/VERSION/: SDK tarball',
  writes: 'containers/VERSION/: SDK container images; build-logs/',
  parse(positionals) {
    requireCount(this, positionals, 0, 0);
  },
  async run(context) {
    const { tree, cache, workspace, effects, log } = context;
    const arch = context.settings.ARCH;
    const facts = await readBuildFacts(context, arch);
    const wanted = await lookFor(context, facts);
    const missing = wanted.filter(({ before }) => before === undefined).map(({ image }) => image);
    const before = wanted.flatMap((one) => one.before ?? []);
    if (missing.length === 0) return sayPublished(context, { version: facts.sdkVersion }, before);
    // An image that is made again is another one, and what is published does not change: a set that was not finished is completed.
    for (const { image } of wanted.filter((one) => one.before !== undefined)) {
      log.info(`${image.name}:${image.version} is published already and stays as it is.`);
    }
    context.published.push(...before);
    const tarball = basename(fill(tree.sdk.tarball, facts));
    await workspace.makeFolder(tree.sdk.buildFolder);
    const fetched = await log.phase('fetch the SDK tarball', () =>
      cache.fetch(`sdk/${arch}/${facts.sdkVersion}/${tarball}`, workspace.resolve(tree.sdk.buildFolder)),
    );
    context.inputs.push({ path: fetched.path, sizeBytes: fetched.sizeBytes, sha256: fetched.sha256 });
    await removeLeftovers(context, LOGS);
    await workspace.makeFolder(LOGS);
    const startedAt = context.now();
    const versionText = await readFile(workspace.resolve(tree.versionFile), 'utf8');
    const built = log.phase('make the SDK images', () =>
      effects.run([
        './build_sdk_container_image',
        '-l',
        workspace.resolve(LOGS),
        '-x',
        CLEANUP_FILE,
        `./${join(tree.sdk.buildFolder, tarball)}`,
      ]),
    );
    try {
      await built;
      await log.phase('publish the SDK images', () => publishImages(context, missing));
    } finally {
      if (!context.signal.aborted) {
        await repairVersionFile(context, versionText);
        await takeOwnership(context, LOGS);
        const name = `sdk-container-logs-${arch}-${logStamp(startedAt)}.tar.xz`;
        await publishLogs(context, { folder: LOGS, name, version: facts.sdkVersion });
      }
    }
    return { sdkVersion: facts.sdkVersion };
  },
});

if (import.meta.main) await runAsScript(sdkContainer);
