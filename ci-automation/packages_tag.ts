#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Tags a new OS version that uses the present SDK, and pushes the tag; for a nightly the branch too.
 *
 * Needs: a checkout of what is to be tagged with the right to push.
 */
import { applyTreePatch, defineStep, requireCount, tagVersion } from '../lib/step/index.ts';
import { parseVersion } from '../lib/version/index.ts';
import { runAsScript } from './run-as-script.ts';

export const packagesTag = defineStep({
  name: 'packages_tag',
  summary: 'tags a new OS version that uses the present SDK',
  usage: 'VERSION',
  argumentsHelp: ['VERSION   the new version: CHANNEL-MAJOR.MINOR.PATCH[-SUFFIX]'],
  reads: 'git; for a nightly whether the last images are in the cache',
  writes: 'a tag and version.txt in git; ./skip-build when nothing changed since the last nightly',
  usesEngine: () => false,
  parse(positionals) {
    requireCount(this, positionals, 1, 1);
    return parseVersion(positionals[0] ?? '');
  },
  async run(context, version) {
    const tagged = await tagVersion(context, 'packages', version);
    if (!tagged.stop) await applyTreePatch(context);
    return tagged.summary;
  },
});

if (import.meta.main) await runAsScript(packagesTag);
