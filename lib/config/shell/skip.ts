/** Where a construct of the shell's grammar ends; nothing in here says what it means. */

/** Thrown when the text ends within a quotation, a substitution or a compound command. */
export class Unterminated extends Error {}

const find = (text: string, what: string, from: number): number => {
  const at = text.indexOf(what, from);
  if (at < 0) throw new Unterminated(what);
  return at;
};

/** @param at of the first character in quotes; returns the position after the closing `'` */
export const skipSingle = (text: string, at: number): number => find(text, "'", at) + 1;

/** Backslashes escape in here: `$'...'`, backquotes. */
export const skipEscaped = (text: string, at: number, end: string): number => {
  let here = at;
  while (text[here] !== end) {
    if (here >= text.length) throw new Unterminated(end);
    here += text[here] === '\\' ? 2 : 1;
  }
  return here + 1;
};

/** After `$((` or `((`, up to and with the parenthesis that closes the outer one. */
export const skipArithmetic = (text: string, at: number): number => {
  let depth = 2;
  let here = at;
  while (depth > 0) {
    const char = text[here];
    if (char === undefined) throw new Unterminated('))');
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    here += char === '\\' ? 2 : 1;
  }
  return here;
};

/** How to skip commands up to a closing parenthesis; given by the one who knows commands. */
export type SkipCommands = (text: string, at: number) => number;

/** What follows a `$`. @param at of the `$`; returns the position after the whole */
export const skipDollar = (text: string, at: number, inQuotes: boolean, commands: SkipCommands): number => {
  const next = text[at + 1];
  if (next === '(') return text[at + 2] === '(' ? skipArithmetic(text, at + 3) : commands(text, at + 2);
  if (next === '{') return skipBraces(text, at + 2, inQuotes, commands);
  if (next === "'" && !inQuotes) return skipEscaped(text, at + 2, "'");
  return at + 1;
};

/** One character, or the whole quotation or substitution that begins here. */
export const skipOne = (text: string, at: number, inQuotes: boolean, commands: SkipCommands): number => {
  const char = text[at];
  if (char === undefined) throw new Unterminated('the file');
  if (char === '\\') return at + 2;
  if (char === '$') return skipDollar(text, at, inQuotes, commands);
  if (char === '`') return skipEscaped(text, at + 1, '`');
  if (char === '"') return skipDouble(text, at + 1, commands);
  if (char === "'" && !inQuotes) return skipSingle(text, at + 1);
  return at + 1;
};

/** @param at of the first character in quotes; returns the position after the closing `"` */
export const skipDouble = (text: string, at: number, commands: SkipCommands): number => {
  let here = at;
  while (text[here] !== '"') here = skipOne(text, here, true, commands);
  return here + 1;
};

/** After `${`, up to and with the `}`. */
const skipBraces = (text: string, at: number, inQuotes: boolean, commands: SkipCommands): number => {
  let here = at;
  while (text[here] !== '}') here = skipOne(text, here, inQuotes, commands);
  return here + 1;
};
