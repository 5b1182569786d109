#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Releases a version that is built: offers its images in the clouds, copies it to the buckets, pushes its SDK to the registry.
 *
 * Needs: a checkout of the tag, its artifacts in the cache, and credentials for what is to be done; see docs/flatcar-compat.md.
 */
import { fill } from '../lib/config/index.ts';
import { slipwayError } from '../lib/errors/index.ts';
import { PHASES, parsePhases, runRelease } from '../lib/release/index.ts';
import { defineStep, readBuildFacts } from '../lib/step/index.ts';
import { runAsScript } from './run-as-script.ts';

export const release = defineStep({
  name: 'release',
  summary: 'releases a built version to the clouds, the buckets and the registry',
  usage: '[PHASE...]',
  argumentsHelp: [
    `PHASE   one or more of ${PHASES.join(', ')}, or publish-images for the first four; without any, all in this order.`,
    '        A phase whose credentials are not set is skipped with a line.',
  ],
  reads: 'the artifact cache, credentials from sdk_container/.env or the environment, product-ids.json (phase offers)',
  writes: 'images/ARCH/VERSION/: lists of images in the clouds; clouds, buckets and registry',
  parse(positionals, { tree }) {
    if (!tree.release) throw slipwayError('RELEASE_NOT_DESCRIBED', { tree: tree.name });
    return { profile: tree.release, phases: parsePhases(positionals, tree.release.families) };
  },
  async run(context, { profile, phases: wanted }) {
    const { tree, settings, log } = context;
    const facts = await readBuildFacts(context, '');
    if (!facts.official)
      log.warn(`${facts.version} has a build id and is no official version; it is released as asked.`);
    const sdkImages = tree.sdk.flavours.map((flavour) => fill(tree.sdk.image, { flavour }));
    const cacheUrl = settings.BUILDCACHE_URL.replace(/\/+$/, '');
    const request = { profile, facts, arches: tree.arches, sdkImages, cacheUrl };
    const phases = await runRelease(context, request, wanted, settings);
    if (phases.every(({ outcome }) => outcome === 'skipped')) log.warn('Nothing was released.');
    return { version: facts.version, phases };
  },
});

if (import.meta.main) await runAsScript(release);
