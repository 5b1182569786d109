/** A shorter word is hardly a key, and hiding it would make a log unreadable. */
const MIN_KEY_LENGTH = 16;

/** Values of settings whose name says that they are secret, however short. */
const NAMED = /(?:pass\w*|secret\w*|token|\w*key)["']?\s*[=:]\s*["']?([^\s"',]+)/gi;

/** Not worth hiding, and everywhere in a log. */
const HARMLESS = /^(?:true|false|none|null|\d{1,6})$/i;

/** What separates words in settings files and in JSON. */
const SEPARATORS = /[\s"',=]+|\\n/;

/**
 * The parts of a credential's content that must not be printed: a program seldom prints the whole file, but may well print a key from it.
 *
 * @example secretTexts('[default]\naws_secret_access_key = abcdefghijklmnopqrst') // ['abcdefghijklmnopqrst', ...]
 */
export const secretTexts = (content: string): string[] => {
  const long = content.split(SEPARATORS).filter((word) => word.length >= MIN_KEY_LENGTH);
  const named = [...content.matchAll(NAMED)].map((match) => match[1] ?? '');
  return [...new Set([content, content.trim(), ...long, ...named])].filter(
    (text) => text !== '' && !HARMLESS.test(text),
  );
};
