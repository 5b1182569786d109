#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Tags a new version and builds an SDK tarball for it with an earlier SDK, the seed.
 *
 * Needs: a checkout of what is to be tagged with the right to push, and the seed's SDK image in the cache, a registry or the engine; a tree may
 * know seeds of its own that need none.
 */
import { dirname } from 'node:path';
import { fill } from '../lib/config/index.ts';
import { slipwayError } from '../lib/errors/index.ts';
import {
  CLEANUP_FILE,
  defineStep,
  logStamp,
  publishLogs,
  readBuildFacts,
  requireArch,
  requireCount,
  type StepContext,
  tagVersion,
  visibleNames,
} from '../lib/step/index.ts';
import { deriveDockerForm, parseVersion } from '../lib/version/index.ts';
import { runAsScript } from './run-as-script.ts';

const LOGS = '__build__/sdk-bootstrap-logs-to-upload/';

/** Fetches the seed, verified, before the tree asks for it. */
const fetchSeed = async (context: StepContext, seed: string): Promise<void> => {
  const { tree, containers } = context;
  if (tree.sdk.ownSeeds && new RegExp(tree.sdk.ownSeeds).test(seed)) return;
  const name = fill(tree.sdk.image, { flavour: 'all' });
  const { fetched } = await containers.ensure({ name, version: deriveDockerForm(seed), registry: context.registry });
  context.inputs.push(...fetched);
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

export const sdkBootstrap = defineStep({
  name: 'sdk_bootstrap',
  summary: 'tags a new version and builds the SDK tarball for it',
  usage: 'SEED_VERSION VERSION',
  argumentsHelp: [
    'SEED_VERSION   version of the SDK to build with, without channel; or a seed of the tree itself (Skiff: debian)',
    'VERSION        the new version: CHANNEL-MAJOR.MINOR.PATCH[-SUFFIX]',
  ],
  reads: "git; the seed's SDK container image (containers/)",
  writes: 'a tag and version.txt in git; sdk/ARCH/VERSION/: SDK tarball; build-logs/',
  parse(positionals, { tree, settings }) {
    requireCount(this, positionals, 2, 2);
    requireArch(tree, settings.ARCH);
    const [seed = '', version = ''] = positionals;
    return { seed, version: parseVersion(version) };
  },
  async run(context, { seed, version }) {
    const { tree, log, workspace, effects, settings } = context;
    await log.phase('fetch the seed', () => fetchSeed(context, seed));
    const tagged = await log.phase('tag the version', () => tagVersion(context, 'sdk', version));
    if (tagged.stop) return tagged.summary;
    await workspace.remove(LOGS);
    await workspace.makeFolder(LOGS);
    // The original hands over the tag without its channel, the build id still after a '-'.
    const target = version.dockerForm;
    try {
      await log.phase('build the SDK', () =>
        effects.run(['./bootstrap_sdk_container', '-l', LOGS, '-x', CLEANUP_FILE, seed, target]),
      );
      const facts = await readBuildFacts(context, settings.ARCH);
      const files = await tarballFiles(context, fill(tree.sdk.tarball, facts));
      const folder = `sdk/${settings.ARCH}/${facts.sdkVersion}`;
      context.outputs.push(...(await log.phase('publish the SDK', () => context.cache.publish({ folder, files }))));
      return { version: version.text, sdkVersion: facts.sdkVersion };
    } finally {
      if (!context.signal.aborted) {
        const name = `sdk-bootstrap-logs-${settings.ARCH}-${logStamp(context.now())}.tar.xz`;
        await publishLogs(context, { folder: LOGS, name, version: version.cacheForm });
      }
    }
  },
});

if (import.meta.main) await runAsScript(sdkBootstrap);
