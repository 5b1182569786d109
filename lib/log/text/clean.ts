import { stripVTControlCharacters } from 'node:util';

/** What moves a cursor, rings a bell or starts a sequence; tabs and line ends are text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
const ALL_CONTROL = new RegExp(CONTROL.source, 'g');

/**
 * A text without escape sequences and control characters, for a place that is not to be painted by whoever wrote it.
 *
 * @example cleanText('\u001b[31mred\u001b[0m\u0007') // 'red'
 */
export const cleanText = (text: string): string =>
  CONTROL.test(text) ? stripVTControlCharacters(text).replaceAll(ALL_CONTROL, '') : text;
