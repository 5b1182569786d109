#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Deletes old releases from the cache: one collector of garbage_collect.
 *
 * Needs: an account on the cache server.
 */
import { garbageCollectReleases } from './garbage_collect.ts';
import { runAsScript } from './run-as-script.ts';

if (import.meta.main) await runAsScript(garbageCollectReleases);
