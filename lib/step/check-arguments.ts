import { nearest } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import type { TreeDescription } from '../tree/index.ts';

/**
 * Checks the number of positional arguments.
 *
 * @param most leave out when there is no limit
 * @throws ARGUMENTS_WRONG
 */
export const requireCount = (
  step: { readonly name: string; readonly usage: string },
  positionals: readonly string[],
  least: number,
  most = Number.POSITIVE_INFINITY,
): void => {
  if (positionals.length >= least && positionals.length <= most) return;
  throw slipwayError('ARGUMENTS_WRONG', {
    step: step.name,
    usage: `${step.name} ${step.usage}`.trim(),
    seen: positionals,
  });
};

/**
 * Checks an architecture against those of the tree.
 *
 * @throws ARCH_UNKNOWN
 */
export const requireArch = (tree: TreeDescription, arch: string): string => {
  if (tree.arches.includes(arch)) return arch;
  throw slipwayError('ARCH_UNKNOWN', { arch, known: tree.arches, nearest: nearest(arch, tree.arches) });
};
