#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Builds the packages of the OS in the SDK and publishes the result as a container image. With a VERSION it tags that version first.
 *
 * Needs: a checkout of the tag (or, with VERSION, of what is to be tagged) whose SDK image is in the cache, a registry or the engine.
 */
import { fill, fillAll } from '../lib/config/index.ts';
import {
  applyTreePatch,
  type BuildFacts,
  CLEANUP_FILE,
  defineStep,
  fetchPackageStore,
  findPublished,
  logStamp,
  publishLogs,
  publishPackageStore,
  readBuildFacts,
  requireArch,
  requireCount,
  runInSdk,
  type SdkContainer,
  type StepContext,
  sayPublished,
  tagVersion,
} from '../lib/step/index.ts';
import { parseVersion } from '../lib/version/index.ts';
import { runAsScript } from './run-as-script.ts';

const LOGS = '__build__/packages-logs-to-upload';

/** Collects the logs of the packages; a build that failed is when they are wanted most, so trouble here is only noted. */
const collectLogs = async (context: StepContext, container: SdkContainer, facts: BuildFacts): Promise<void> => {
  try {
    await runInSdk(context, container, fillAll(context.tree.packages.collectLogs, facts));
  } catch (error) {
    if (context.signal.aborted) throw error;
    context.log.warn(`Some logs of the packages could not be collected: ${(error as Error).message}`);
  }
};

const build = async (context: StepContext, facts: BuildFacts, sdkReference: string): Promise<void> => {
  const { tree, workspace } = context;
  const container: SdkContainer = {
    name: fill(tree.packages.container, facts),
    image: sdkReference,
    version: facts.version,
    versionFirst: true,
    resume: tree.packages.resume,
  };
  const startedAt = context.now();
  await workspace.append(CLEANUP_FILE, `${context.engine.removeImageLine(sdkReference)}\n`);
  await workspace.remove(LOGS);
  await workspace.makeFolder(LOGS);
  await applyTreePatch(context);
  try {
    await runInSdk(context, { ...container, cleanup: true }, fillAll(tree.packages.build, facts));
  } finally {
    if (!context.signal.aborted) {
      await collectLogs(context, container, facts);
      await publishPackageStore(context, facts);
      const name = `packages-${facts.arch}-logs-${logStamp(startedAt)}.tar.xz`;
      await publishLogs(context, { folder: LOGS, name, version: facts.sdkVersion });
    }
  }
};

export const packages = defineStep({
  name: 'packages',
  summary: 'builds the packages of the OS in the SDK',
  usage: '[VERSION] ARCH',
  argumentsHelp: [
    'VERSION   tag this version first, then build it: CHANNEL-MAJOR.MINOR.PATCH[-SUFFIX]',
    'ARCH      architecture of the OS, for example amd64',
  ],
  reads: 'the SDK container image (containers/) and the binary packages of earlier builds (boards/)',
  writes:
    'containers/VERSION/: packages container image; boards/: binary packages; build-logs/; with VERSION a tag in git',
  // A test of tagging stops before the build.
  usesEngine: ({ version }, settings) => version === undefined || settings.CIA_DEBUGTESTRUN === '',
  parse(positionals, { tree }) {
    requireCount(this, positionals, 1, 2);
    const [arch = '', version] = [...positionals].reverse();
    return { arch: requireArch(tree, arch), version: version === undefined ? undefined : parseVersion(version) };
  },
  async run(context, { arch, version }) {
    const { tree, containers, engine, log } = context;
    if (version) {
      const tagged = await log.phase('tag the version', () => tagVersion(context, 'packages', version));
      if (tagged.stop) return tagged.summary;
    }
    const facts = await readBuildFacts(context, arch);
    const image = { name: fill(tree.packages.image, facts), version: facts.versionTag, registry: '' };
    const published = await findPublished(context, { version: facts.version, arch });
    const before = await published.ofPaths(context.imagePaths(image));
    if (before) return sayPublished(context, facts, before);
    const sdk = await log.phase('fetch the SDK', () =>
      containers.ensure({
        name: fill(tree.sdk.image, { flavour: arch }),
        version: facts.sdkVersionTag,
        registry: context.registry,
      }),
    );
    context.inputs.push(...sdk.fetched);
    await fetchPackageStore(context, facts);
    await log.phase('build the packages', () => build(context, facts, sdk.reference));
    await engine.commit(fill(tree.packages.container, facts), `${image.name}:${image.version}`);
    context.outputs.push(...(await log.phase('publish the packages image', () => containers.publish(image))));
    return { version: facts.version, image: `${image.name}:${image.version}` };
  },
});

if (import.meta.main) await runAsScript(packages);
