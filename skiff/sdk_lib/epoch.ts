import { Fault, misuse } from './fault.ts';
import { treeDir } from './tree.ts';

/**
 * The time that goes into everything built from this checkout, so that two builds of one commit are equal:
 * SOURCE_DATE_EPOCH of the environment, else the commit time of HEAD.
 * @returns seconds since 1970
 * @throws Fault when the variable is not a number, or the checkout has no commit
 */
export async function getSourceDateEpoch(): Promise<number> {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given) {
    if (!/^\d{1,11}$/.test(given)) throw misuse(`SOURCE_DATE_EPOCH is "${given}"; expected seconds since 1970`);
    return Number(given);
  }
  const head = await $({ quiet: true, nothrow: true })`git -C ${treeDir} log -1 --format=%ct`;
  if (head.exitCode !== 0) {
    throw new Fault(
      `cannot read the commit time of HEAD in ${treeDir}: ${head.stderr.trim()}`,
      'run in a git checkout with at least one commit, or set SOURCE_DATE_EPOCH',
    );
  }
  return Number(head.stdout.trim());
}
