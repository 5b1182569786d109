import { nearest } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import type { TreeDescription } from '../tree/index.ts';

type Vms = Pick<TreeDescription['vms'], 'formats' | 'families' | 'skipped'>;

/** The family that a word stands for, if its beginning names one. */
const familyOf = (word: string, families: Vms['families']): string | undefined =>
  Object.keys(families).find((name) => families[name]?.prefixes.some((prefix) => word.startsWith(prefix)));

/** What was asked for, as the formats to make. */
export interface WantedFormats {
  readonly formats: readonly string[];
  /** Names that are for the test step only. */
  readonly skipped: readonly string[];
}

/**
 * Expands format families (a word that begins with one of a family's prefixes stands for the whole family, made after the others) and drops
 * doubles. A word may hold several formats with spaces between, as a CI passes a list in quotes.
 *
 * @throws FORMAT_UNKNOWN
 */
export const expandFormats = ({ vms }: { readonly vms: Vms }, given: readonly string[]): WantedFormats => {
  const { formats, families, skipped } = vms;
  const words = given.flatMap((word) => word.split(/\s+/)).filter((word) => word !== '');
  const known = Object.keys(formats);
  for (const word of words) {
    if (known.includes(word) || skipped.includes(word) || familyOf(word, families) !== undefined) continue;
    throw slipwayError('FORMAT_UNKNOWN', { format: word, known, nearest: nearest(word, known) });
  }
  const single = words.filter((word) => familyOf(word, families) === undefined && !skipped.includes(word));
  const whole = Object.keys(families).filter((name) => words.some((word) => familyOf(word, families) === name));
  return {
    formats: [...new Set([...single, ...whole.flatMap((name) => families[name]?.formats ?? [])])],
    skipped: [...new Set(words.filter((word) => skipped.includes(word) && familyOf(word, families) === undefined))],
  };
};
