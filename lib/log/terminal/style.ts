import type { Tone } from '../text/line.ts';

/** Codes of "select graphic rendition" (ECMA-48). */
const CODES: Readonly<Record<Tone, number>> = {
  plain: 0,
  strong: 1,
  faint: 2,
  good: 32,
  bad: 31,
  warning: 33,
  phase: 36,
};

/** A text in a tone; each line by itself, so that nothing is left coloured when the rest does not come. */
export const paint = (text: string, tone: Tone): string =>
  tone === 'plain'
    ? text
    : text
        .split('\n')
        .map((line) => (line === '' ? '' : `\u001b[${CODES[tone]}m${line}\u001b[0m`))
        .join('\n');
