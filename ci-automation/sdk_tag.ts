#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Tags a new version of SDK and OS, and pushes the tag; for a nightly the branch too. `sdk_bootstrap` does the same first of all and takes the tag
 * that is there; by itself it lets a CI know the version, or that there is nothing to build, before anything big starts.
 *
 * Needs: a checkout of what is to be tagged with the right to push.
 */
import { applyTreePatch, defineStep, requireCount, tagVersion } from '../lib/step/index.ts';
import { parseVersion } from '../lib/version/index.ts';
import { runAsScript } from './run-as-script.ts';

export const sdkTag = defineStep({
  name: 'sdk_tag',
  summary: 'tags a new version of SDK and OS',
  usage: 'VERSION',
  argumentsHelp: ['VERSION   the new version: CHANNEL-MAJOR.MINOR.PATCH[-SUFFIX]'],
  reads: 'git; for a nightly whether the last SDK and images are in the cache',
  writes: 'a tag and version.txt in git',
  usesEngine: () => false,
  parse(positionals) {
    requireCount(this, positionals, 1, 1);
    return parseVersion(positionals[0] ?? '');
  },
  async run(context, version) {
    const tagged = await tagVersion(context, 'sdk', version);
    if (!tagged.stop) await applyTreePatch(context);
    return tagged.summary;
  },
});

if (import.meta.main) await runAsScript(sdkTag);
