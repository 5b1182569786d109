import { nearest } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import type { TreeDescription } from '../tree/index.ts';

/** The family that a word stands for, if its beginning names one. */
const familyOf = (word: string, families: TreeDescription['vms']['families']): string | undefined =>
  Object.keys(families).find((prefix) => word.startsWith(prefix));

/**
 * Expands format families (a word that begins with a family's name stands for the whole family, built after the others) and drops doubles.
 *
 * @throws FORMAT_UNKNOWN
 */
export const expandFormats = (tree: TreeDescription, words: readonly string[]): string[] => {
  const { formats, families } = tree.vms;
  const known = Object.keys(formats);
  const single = words.filter((word) => familyOf(word, families) === undefined);
  const whole = Object.keys(families).filter((prefix) => words.some((word) => familyOf(word, families) === prefix));
  for (const word of words) {
    if (known.includes(word) || familyOf(word, families) !== undefined) continue;
    throw slipwayError('FORMAT_UNKNOWN', { format: word, known, nearest: nearest(word, known) });
  }
  return [...new Set([...single, ...whole.flatMap((prefix) => families[prefix] ?? [])])];
};
