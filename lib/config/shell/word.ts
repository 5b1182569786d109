import { skipPiece } from './extent.ts';
import { Unterminated } from './skip.ts';
import { NotData, type Operator, type Part, type Word } from './syntax.ts';

/**
 * Where a word stands: bare in a command, bare or quoted within `${NAME:-word}`, or in double quotes. What ends it, and what quotes and
 * backslashes mean, depends on it.
 */
type Place = 'bare' | 'item' | 'braces' | 'quoted braces' | 'double';

interface Reading {
  readonly text: string;
  at: number;
  readonly place: Place;
  /** How many `${NAME:-...}` are around it. */
  readonly depth: number;
  readonly parts: Part[];
}

const ENDS: Readonly<Record<Place, RegExp>> = {
  bare: /[ \t\n;&|<>()]/,
  item: /[ \t\n;&|<>()]/,
  braces: /\}/,
  'quoted braces': /\}/,
  double: /"/,
};

const isQuoted = (place: Place): boolean => place === 'double' || place === 'quoted braces';

/** Only a shell knows these, or gives them a meaning of its own. */
const OF_THE_SHELL =
  /^(_|BASH\w*|COMP_\w+|DIRSTACK|EPOCH\w+|E?UID|PPID|FUNCNAME|GROUPS|HOST(NAME|TYPE)|IFS|LINENO|MACHTYPE|OLDPWD|OPT(ARG|ERR|IND)|OSTYPE|PIPESTATUS|RANDOM|SECONDS|SHELL(OPTS)?|SHLVL|SRANDOM)$/;

/** Whether a variable is an ordinary one. */
export const isOrdinary = (name: string): boolean => !OF_THE_SHELL.test(name);

const addText = (reading: Reading, text: string): void => {
  reading.parts.push({ kind: 'text', text });
};

const addUnreadable = (reading: Reading, what: string): void => {
  const from = reading.at;
  reading.at = skipPiece(reading.text, from, isQuoted(reading.place));
  reading.parts.push({ kind: 'unreadable', what: `${what} (${reading.text.slice(from, reading.at)})` });
};

const readBackslash = (reading: Reading): void => {
  const next = reading.text[reading.at + 1] ?? '';
  const escapes = reading.place === 'double' ? '$`"\\' : '$`"\\}';
  reading.at += 2;
  if (next === '\n') return;
  const isKept = isQuoted(reading.place) && !escapes.includes(next);
  addText(reading, isKept || next === '' ? `\\${next}` : next);
};

/** Of quotes within quotes only `"${NAME:-"text"}"` means what it seems to mean. */
const isPlainNesting = ({ text, at, depth, parts }: Reading, end: number): boolean =>
  depth === 1 && parts.length === 0 && text[end + 1] === '}' && !/[\\']/.test(text.slice(at, end));

const readDouble = (reading: Reading): void => {
  const inner: Reading = { ...reading, at: reading.at + 1, place: 'double', parts: [] };
  readParts(inner);
  if (reading.place === 'quoted braces' && !isPlainNesting(reading, inner.at)) {
    addUnreadable(reading, 'nested quotes');
    return;
  }
  // Also an empty pair of quotes is a word.
  reading.parts.push({ kind: 'text', text: '' }, ...inner.parts);
  reading.at = inner.at + 1;
};

const readSingle = (reading: Reading): void => {
  const end = skipPiece(reading.text, reading.at, false);
  addText(reading, reading.text.slice(reading.at + 1, end - 1));
  reading.at = end;
};

/** In `"${NAME:-it's}"` the quotes are ordinary characters, and yet a shell looks for the second one before it looks for the brace. */
const readLiteralQuotes = (reading: Reading): void => {
  const [pair] = /^'[^'"`$\\{}]*'/.exec(reading.text.slice(reading.at)) ?? [];
  if (pair === undefined || reading.depth > 1) throw new Unterminated("'");
  addText(reading, pair);
  reading.at += pair.length;
};

const BRACED = /^\$\{([A-Za-z_]\w*)(:?[-=+])?/;
/** A continued line would go on with the name. */
const PLAIN = /^\$([A-Za-z_]\w*)(?!\w|\\\n)/;

const readReference = (reading: Reading): void => {
  const { text, place } = reading;
  const rest = text.slice(reading.at, reading.at + 200);
  const plain = PLAIN.exec(rest);
  const [whole = '', name = '', operator] = plain ?? BRACED.exec(rest) ?? [];
  if (plain && !isOrdinary(name)) {
    reading.parts.push({ kind: 'unreadable', what: `an expansion (${whole})` });
    reading.at += whole.length;
    return;
  }
  const isWhole = plain !== null || operator !== undefined || rest[whole.length] === '}';
  if (name === '' || !isWhole || !isOrdinary(name)) {
    addUnreadable(reading, 'an expansion');
    return;
  }
  const bare = !isQuoted(place);
  const inner: Reading = {
    text,
    at: reading.at + whole.length,
    place: bare ? 'braces' : 'quoted braces',
    depth: reading.depth + 1,
    parts: [],
  };
  if (!plain) {
    readParts(inner);
    inner.at += 1;
  }
  reading.parts.push({
    kind: 'reference',
    name,
    operator: operator as Operator | undefined,
    word: inner.parts,
    isBare: bare,
  });
  reading.at = inner.at;
};

const readDollar = (reading: Reading): void => {
  const next = reading.text[reading.at + 1] ?? '';
  const { place } = reading;
  if (/[A-Za-z_{]/.test(next)) {
    readReference(reading);
    return;
  }
  if (next === '(') {
    addUnreadable(reading, 'a command substitution');
    return;
  }
  if (/[\d@*#?$![-]/.test(next) || reading.text.startsWith('\\\n', reading.at + 1)) {
    reading.parts.push({ kind: 'unreadable', what: `an expansion ($${next})` });
    reading.at += 2;
    return;
  }
  if (/['"]/.test(next) && place !== 'double') {
    addUnreadable(reading, 'a quotation with $');
    return;
  }
  addText(reading, '$');
  reading.at += 1;
};

/** `~` and `~/...` at the beginning stand for HOME; where else a shell may expand one, it is left to it. */
const readTilde = (reading: Reading, from: number): void => {
  const { text, at, place } = reading;
  const before = at === from ? '' : (text[at - 1] ?? '');
  const after = text[at + 1] ?? '';
  reading.at += 1;
  if (isQuoted(place) || (before !== '' && !/[:=]/.test(before))) addText(reading, '~');
  else if (place === 'bare' && before === '' && (/[/\s;]/.test(after) || after === '')) {
    // Without HOME a shell asks the system.
    const word: Word = [{ kind: 'unreadable', what: 'a ~ without HOME' }];
    reading.parts.push({ kind: 'reference', name: 'HOME', operator: '-', word, isBare: false });
  } else reading.parts.push({ kind: 'unreadable', what: 'a ~' });
};

/** Characters without a meaning, in any place. */
const ORDINARY = /[\w./@%+,-]+/y;

const readOne = (reading: Reading, from: number): void => {
  ORDINARY.lastIndex = reading.at;
  const [run] = ORDINARY.exec(reading.text) ?? [];
  if (run !== undefined) {
    addText(reading, run);
    reading.at += run.length;
    return;
  }
  const char = reading.text[reading.at] ?? '';
  if (char === '\\') readBackslash(reading);
  else if (char === '$') readDollar(reading);
  else if (char === '`') addUnreadable(reading, 'a command substitution');
  else if (char === '"') readDouble(reading);
  else if (char === "'" && !isQuoted(reading.place)) readSingle(reading);
  else if (char === "'" && reading.place === 'quoted braces') readLiteralQuotes(reading);
  else if (char === '~') readTilde(reading, from);
  else if (reading.place === 'item' && /[*?[{]/.test(char)) throw new NotData('an array with patterns');
  else {
    addText(reading, char);
    reading.at += 1;
  }
};

const readParts = (reading: Reading): void => {
  const end = ENDS[reading.place];
  const from = reading.at;
  while (!end.test(reading.text[reading.at] ?? '')) {
    if (reading.at >= reading.text.length) {
      if (reading.place === 'bare' || reading.place === 'item') return;
      throw new NotData('a quotation without an end');
    }
    readOne(reading, from);
  }
};

/**
 * Reads one word.
 *
 * @param at of its first character
 * @param place `bare`: a value or an argument; `item`: of an array, where a shell would look for files
 * @returns the word and the position after it
 * @throws NotData
 */
export const readWord = (text: string, at: number, place: 'bare' | 'item'): { word: Word; end: number } => {
  const reading: Reading = { text, at, place, depth: 0, parts: [] };
  readParts(reading);
  return { word: reading.parts, end: reading.at };
};
