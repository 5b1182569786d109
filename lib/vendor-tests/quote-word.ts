const CONTROL = /\p{Cc}/u;

const NAMED: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\E',
  '\\': '\\\\',
  "'": "\\'",
};

const escapeControl = (character: string): string => {
  const named = NAMED[character];
  if (named !== undefined) return named;
  if (!CONTROL.test(character)) return character;
  return [...Buffer.from(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
};

/** What means something to a shell anywhere in a word; `#` and `~` only do at its start, `~` also after `:` and `=`. */
const SPECIAL = /[ !"$&'()*,;<>?[\\\]^`{|}]|^[#~]|(?<=[:=])~/g;

/**
 * A text as one word for bash, byte for byte as `printf %q` of bash 5 in a UTF-8 locale writes it. Nothing in the text means anything to
 * the shell.
 *
 * @example quoteWord('extra-test.[t3.small].cl.*') // 'extra-test.\\[t3.small\\].cl.\\*'
 */
export const quoteWord = (text: string): string => {
  if (text === '') return "''";
  if (CONTROL.test(text)) return `$'${[...text].map(escapeControl).join('')}'`;
  return text.replaceAll(SPECIAL, '\\$&');
};
