import { quoteWord } from './quote-word.ts';

/** An assignment at the start of a line; its value begins where the match ends. */
const ASSIGNMENT = /^[ \t]*(?:export[ \t]+|declare[ \t]+-x[ \t]+)?([A-Za-z_]\w*)=/gm;

/** One part of a word: in double quotes, in single quotes (with `$` before them there are escapes inside), an escaped character, or plain. */
const PART =
  /(?:"((?:[^"\\]|\\[\s\S])*)"|\$'((?:[^'\\]|\\[\s\S])*)'|'([^']*)'|\\([\s\S])|([^\s"'\\;]+?)(?=$|[\s"'\\;]|\$'))/y;

const withoutEscapes = (text: string): string => text.replaceAll(/\\([\s\S])/g, '$1');

const readWord = (text: string, start: number): string => {
  let value = '';
  PART.lastIndex = start;
  for (let match = PART.exec(text); match; match = PART.exec(text)) {
    const [, double, dollar, single, escaped, plain] = match;
    const quoted = double ?? dollar;
    value += quoted === undefined ? (single ?? escaped ?? plain ?? '') : withoutEscapes(quoted);
  }
  return value;
};

/**
 * Reads assignments such as `export NAME="value"` as data, to know what must not be shown; nothing is expanded or executed. What a
 * program would have computed is not known.
 *
 * @returns pairs of name and value
 */
export const parseVariables = (text: string): [name: string, value: string][] =>
  [...text.matchAll(ASSIGNMENT)].map((match) => [match[1] ?? '', readWord(text, match.index + match[0].length)]);

/** Words and small numbers, such as a port or how many tests run at once, are no secrets; hidden they would make a log unreadable. */
const HARMLESS = /^(?:true|false|none|[0-9]{1,6})$/i;

const toPattern = (glob: string): RegExp =>
  new RegExp(`^${glob.replaceAll(/[.+^${}()|[\]\\?]/g, '\\$&').replaceAll('*', '.*')}$`);

/** A shell that traces its commands quotes what is special in them, each in one of these ways. */
const formsOf = (value: string): string[] => [value, quoteWord(value), value.replaceAll("'", "'\\''")];

/**
 * The texts of a file with variables that must not be shown: its values, as they are and as a shell writes them, and their lines.
 *
 * @param publicNames names, or patterns with `*`, of variables that are no secrets
 */
export const listSecrets = (text: string, publicNames: readonly string[]): string[] => {
  const patterns = publicNames.map(toPattern);
  const values = parseVariables(text)
    .filter(([name, value]) => !HARMLESS.test(value) && !patterns.some((pattern) => pattern.test(name)))
    .map(([, value]) => value);
  const lines = values.filter((value) => value.includes('\n')).flatMap((value) => value.split('\n'));
  const long = lines.map((line) => line.trim()).filter((line) => line.length >= 8);
  return [...new Set([...values.flatMap(formsOf), ...long])].filter((secret) => secret !== '');
};
