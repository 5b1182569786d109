#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Tags a new version and builds an SDK tarball for it with an earlier SDK, the seed.
 *
 * Needs: a checkout of what is to be tagged with the right to push, and the seed's SDK image in the cache, a registry or the engine; a tree may
 * know seeds of its own that need none.
 */
import { basename, dirname } from 'node:path';
import { fill } from '../lib/config/index.ts';
import { isSlipwayError, slipwayError } from '../lib/errors/index.ts';
import { DIGESTS_SUFFIX } from '../lib/signing/index.ts';
import {
  applyTreePatch,
  CLEANUP_FILE,
  defineStep,
  findPublished,
  logStamp,
  publishLogs,
  readBuildFacts,
  removeLeftovers,
  requireArch,
  requireCount,
  type StepContext,
  sayPublished,
  scavengeLogs,
  tagVersion,
  takeOwnership,
  visibleNames,
} from '../lib/step/index.ts';
import { deriveDockerForm, parseVersion, type Version } from '../lib/version/index.ts';
import { runAsScript } from './run-as-script.ts';

const BUILD = '__build__';
const LOGS = `${BUILD}/sdk-bootstrap-logs-to-upload/`;

/**
 * Fetches the seed, verified, before the tree asks for it. One that nobody has is left to the tree, which may know more places and says best what
 * it lacks.
 */
const fetchSeed = async (context: StepContext, seed: string): Promise<void> => {
  const { tree, containers, log } = context;
  if (tree.sdk.ownSeeds && new RegExp(tree.sdk.ownSeeds).test(seed)) return;
  const name = fill(tree.sdk.image, { flavour: 'all' });
  try {
    const { fetched } = await containers.ensure({ name, version: deriveDockerForm(seed), registry: context.registry });
    context.inputs.push(...fetched);
  } catch (error) {
    if (!isSlipwayError(error, 'CONTAINER_IMAGE_MISSING')) throw error;
    log.warn(`${error.message} ${error.hint ?? ''} It is left to the tree to find it.`);
  }
};

/** The tarball and what the tree put beside it under the same name (contents list, digests). */
const tarballFiles = async (context: StepContext, tarball: string): Promise<string[]> => {
  const path = context.workspace.resolve(tarball);
  if (context.plan) return [path];
  const name = path.slice(dirname(path).length + 1);
  const names = (await visibleNames(dirname(path))).filter((other) => other.startsWith(name));
  if (!names.includes(name)) {
    throw slipwayError('OUTPUT_MISSING', { what: 'SDK tarball', file: path, command: 'bootstrap_sdk_container' });
  }
  return names.map((other) => `${dirname(path)}/${other}`);
};

/** The tarball and what belongs to it, if an earlier run published them. */
const publishedTarball = async (context: StepContext, version: Version) => {
  const facts = await readBuildFacts(context, context.settings.ARCH);
  // With --plan nothing was tagged, and another version may be checked out.
  if (facts.version !== version.cacheForm) return undefined;
  const tarball = `sdk/${facts.arch}/${facts.sdkVersion}/${basename(fill(context.tree.sdk.tarball, facts))}`;
  const published = await findPublished(context, { version: facts.version, arch: undefined });
  return published.ofRun((path) => path === tarball) ?? published.ofPaths([tarball, `${tarball}${DIGESTS_SUFFIX}`]);
};

export const sdkBootstrap = defineStep({
  name: 'sdk_bootstrap',
  summary: 'tags a new version and builds the SDK tarball for it',
  usage: 'SEED_VERSION VERSION',
  argumentsHelp: [
    'SEED_VERSION   version of the SDK to build with, without channel; or a seed of the tree itself (its sdk.ownSeeds)',
    'VERSION        the new version: CHANNEL-MAJOR.MINOR.PATCH[-SUFFIX]',
  ],
  reads: "git; the seed's SDK container image (containers/)",
  writes: 'a tag and version.txt in git; sdk/ARCH/VERSION/: SDK tarball; build-logs/',
  // A test of tagging stops before the build.
  usesEngine: (_, settings) => settings.CIA_DEBUGTESTRUN === '',
  parse(positionals, { tree, settings }) {
    requireCount(this, positionals, 2, 2);
    requireArch(tree, settings.ARCH);
    const [seed = '', version = ''] = positionals;
    return { seed, version: parseVersion(version) };
  },
  async run(context, { seed, version }) {
    const { tree, log, workspace, effects, settings } = context;
    const tagged = await log.phase('tag the version', () => tagVersion(context, 'sdk', version));
    if (tagged.stop) return tagged.summary;
    const before = await publishedTarball(context, version);
    if (before) return sayPublished(context, { version: version.text }, before);
    await applyTreePatch(context);
    await log.phase('fetch the seed', () => fetchSeed(context, seed));
    await removeLeftovers(context, LOGS);
    await workspace.makeFolder(LOGS);
    // The original hands over the tag without its channel, the build id still after a '-'.
    const target = version.dockerForm;
    try {
      try {
        await log.phase('build the SDK', () =>
          effects.run(['./bootstrap_sdk_container', '-l', LOGS, '-x', CLEANUP_FILE, seed, target]),
        );
      } finally {
        if (!context.signal.aborted) await takeOwnership(context, BUILD);
      }
      const facts = await readBuildFacts(context, settings.ARCH);
      const tarball = fill(tree.sdk.tarball, facts);
      const files = await tarballFiles(context, tarball);
      // Digests that the tree made itself (catalyst) are for the contents list too.
      const hasDigests = files.some((file) => file.endsWith('.DIGESTS'));
      const digests = hasDigests ? [basename(tarball)] : true;
      const folder = `sdk/${settings.ARCH}/${facts.sdkVersion}`;
      const published = await log.phase('publish the SDK', () => context.cache.publish({ folder, files, digests }));
      context.outputs.push(...published);
      return { version: version.text, sdkVersion: facts.sdkVersion };
    } finally {
      if (!context.signal.aborted) {
        if (tree.sdk.scavenge) await scavengeLogs(context, tree.sdk.scavenge, workspace.resolve(LOGS));
        const name = `sdk-bootstrap-logs-${settings.ARCH}-${logStamp(context.now())}.tar.xz`;
        await publishLogs(context, { folder: LOGS, name, version: version.cacheForm });
      }
    }
  },
});

if (import.meta.main) await runAsScript(sdkBootstrap);
