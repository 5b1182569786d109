import { resolve } from 'node:path';
import type { OptionSpec } from './option.ts';

/** Words that the original automation takes for yes; `TRUE` is not among them. */
const YES = ['1', 'true', 't', 'yes', 'y'];
const NO = ['0', 'false', 'f', 'no', 'n', ''];

/** A value, or what is wrong with the text. */
export type Parsed = { readonly value: string | number | boolean } | { readonly fault: string };

const HOME = /^~(?=\/|$)/;

/**
 * Reads the text form of a setting.
 *
 * @param base absolute folder for relative paths
 * @param home absolute; what `~` stands for
 */
export const parseValue = (spec: OptionSpec, text: string, base: string, home: string): Parsed => {
  switch (spec.type) {
    case 'integer':
      return /^\d+$/.test(text) ? { value: Number(text) } : { fault: `'${text}' is not a whole number` };
    case 'boolean':
      if (YES.includes(text)) return { value: true };
      return NO.includes(text) ? { value: false } : { fault: `'${text}' is neither 1 (yes) nor 0 (no)` };
    case 'path':
      // The key itself in the place of its path, for example; it is not to be printed.
      if (text.includes('\n')) return { fault: 'is the path of a file or folder, but several lines were given' };
      return { value: text === '' ? '' : resolve(base, text.replace(HOME, home)) };
    default:
      return { value: text };
  }
};
