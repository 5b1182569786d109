import { nearest } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import { cacheRoundTrip } from './checks/cache-round-trip.ts';
import { cacheClock, cacheHttps, cacheSsh } from './checks/cache-server.ts';
import { clock } from './checks/clock.ts';
import { disk } from './checks/disk.ts';
import { engine } from './checks/engine.ts';
import { git, gitPush, gitRemote } from './checks/git.ts';
import { signingKey, trustedKeys } from './checks/keys.ts';
import { kvm } from './checks/kvm.ts';
import { loopDevices } from './checks/loop-devices.ts';
import { memory } from './checks/memory.ts';
import { settings, tree } from './checks/settings.ts';
import { debianPackages, node, npmPackages } from './checks/software.ts';
import type { Check } from './types.ts';

/** All checks, in the order in which they are reported. */
export const CHECKS: readonly Check[] = [
  settings,
  tree,
  node,
  npmPackages,
  debianPackages,
  engine,
  disk,
  memory,
  kvm,
  loopDevices,
  clock,
  git,
  gitRemote,
  gitPush,
  signingKey,
  trustedKeys,
  cacheSsh,
  cacheHttps,
  cacheClock,
  cacheRoundTrip,
];

const NAMES = CHECKS.map(({ name }) => name);

const requireKnown = (names: readonly string[]): void => {
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown === undefined) return;
  throw slipwayError('DOCTOR_CHECK_UNKNOWN', { check: unknown, known: NAMES, nearest: nearest(unknown, NAMES) });
};

/**
 * The checks that are asked for.
 *
 * @param only names; none means all
 * @param skip names that are left out
 * @throws DOCTOR_CHECK_UNKNOWN
 */
export const selectChecks = (only: readonly string[], skip: readonly string[]): readonly Check[] => {
  requireKnown([...only, ...skip]);
  return CHECKS.filter(({ name }) => (only.length === 0 || only.includes(name)) && !skip.includes(name));
};
