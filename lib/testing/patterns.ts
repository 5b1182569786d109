import { slipwayError } from '../errors/index.ts';
import type { Check } from './types.ts';

/**
 * Turns a name pattern into a regular expression: `*` stands for any text, `?` for one character; all else is literal.
 *
 * @example toPattern('usr.*').test('usr.verity') // true
 */
export const toPattern = (pattern: string): RegExp => {
  const source = pattern
    .replaceAll(/[\\^$.+(){}[\]|]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'su');
};

const appliesTo = (check: Check, format: string): boolean => !check.formats || check.formats.includes(format);

const matching = (checks: readonly Check[], pattern: string, format: string): Check[] => {
  const expression = toPattern(pattern);
  const found = checks.filter(({ name }) => expression.test(name));
  if (found.length > 0) return found;
  throw slipwayError('CHECK_UNKNOWN', { pattern, format, known: checks.map(({ name }) => name) });
};

/**
 * The checks whose names match one of the patterns, less those that match a pattern with a leading `!`, in order of their names.
 *
 * @param patterns none, or only such with `!`, stand for all checks
 * @throws CHECK_UNKNOWN when a pattern matches nothing, which is a typing error more often than not
 */
export const selectChecks = (checks: readonly Check[], patterns: readonly string[], format: string): Check[] => {
  const known = checks.filter((check) => appliesTo(check, format));
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!'));
  const unwanted = patterns.filter((pattern) => pattern.startsWith('!'));
  const chosen = new Set((wanted.length > 0 ? wanted : ['*']).flatMap((pattern) => matching(known, pattern, format)));
  for (const pattern of unwanted) for (const check of matching(known, pattern.slice(1), format)) chosen.delete(check);
  return [...chosen].sort((a, b) => (a.name < b.name ? -1 : 1));
};
