import { findExtent, type Span } from './extent.ts';
import { Unterminated } from './skip.ts';
import { type Action, type Assignment, NotData, type Statement, type UnreadStatement, type Word } from './syntax.ts';
import { isOrdinary, readWord } from './word.ts';

const ASSIGNMENT = /^([A-Za-z_]\w*)(\+?)=/;
const BLANKS = /^(?:[ \t]|\\\n)+/;

interface Cursor {
  readonly text: string;
  at: number;
}

const rest = (cursor: Cursor): string => cursor.text.slice(cursor.at);
const skip = (cursor: Cursor, blanks: RegExp): void => {
  cursor.at += blanks.exec(rest(cursor))?.[0].length ?? 0;
};

const readItems = (cursor: Cursor): Word[] => {
  const items: Word[] = [];
  cursor.at += 1;
  for (;;) {
    skipArrayBlanks(cursor);
    if (cursor.text[cursor.at] === ')') break;
    const { word, end } = readWord(cursor.text, cursor.at, 'item');
    if (end === cursor.at) throw new NotData('an array that is not a list of words');
    if (word.some((part) => part.kind === 'reference' && part.isBare)) {
      throw new NotData('an array with an expansion outside of quotes');
    }
    items.push(word);
    cursor.at = end;
  }
  cursor.at += 1;
  return items;
};

const skipArrayBlanks = (cursor: Cursor): void => {
  for (;;) {
    const before = cursor.at;
    skip(cursor, /^(?:\s|\\\n)+/);
    if (cursor.text[cursor.at] === '#') skip(cursor, /^[^\n]*/);
    if (cursor.at === before) return;
  }
};

const readAssignment = (cursor: Cursor): Assignment | undefined => {
  const [head, name = '', plus] = ASSIGNMENT.exec(rest(cursor)) ?? [];
  if (head === undefined) return undefined;
  if (!isOrdinary(name)) throw new NotData(`an assignment to ${name}`);
  cursor.at += head.length;
  const append = plus === '+';
  if (cursor.text[cursor.at] === '(') return { name, append, value: { items: readItems(cursor) } };
  const { word, end } = readWord(cursor.text, cursor.at, 'bare');
  cursor.at = end;
  return { name, append, value: word };
};

const isEnd = (cursor: Cursor): boolean => {
  skip(cursor, BLANKS);
  return /^(?:$|[\n;#])/.test(rest(cursor));
};

/** The text of a word, to say what it is. */
const nameOf = (cursor: Cursor): string => /^[^\s;&|<>()]*/.exec(rest(cursor))?.[0] ?? '';

const takeName = (cursor: Cursor): string => {
  const name = nameOf(cursor);
  cursor.at += name.length;
  return name;
};

const readExport = (cursor: Cursor): Action[] => {
  const actions: Action[] = [];
  while (!isEnd(cursor)) {
    const assignment = readAssignment(cursor);
    if (assignment) actions.push({ kind: 'assign', assignment });
    const name = assignment?.name ?? takeName(cursor);
    if (!/^[A-Za-z_]\w*$/.test(name) || !isOrdinary(name))
      throw new NotData('the command export with other than names');
    actions.push({ kind: 'export', name });
  }
  if (actions.length === 0) throw new NotData("the command 'export'");
  return actions;
};

const readColon = (cursor: Cursor): Action[] => {
  const actions: Action[] = [];
  while (!isEnd(cursor)) {
    const { word, end } = readWord(cursor.text, cursor.at, 'bare');
    if (end === cursor.at) throw new NotData('a command with redirections');
    actions.push({ kind: 'expand', word });
    cursor.at = end;
  }
  return actions;
};

const OPERATORS: readonly (readonly [RegExp, string])[] = [
  [/^(?:\|\||&)/, 'a command list'],
  [/^\|/, 'a pipeline'],
  [/^[<>]/, 'a command with redirections'],
  [/^\(/, 'a subshell or function'],
];

const whatIsAt = (cursor: Cursor): string =>
  OPERATORS.find(([pattern]) => pattern.test(rest(cursor)))?.[1] ?? `the command '${nameOf(cursor)}'`;

/** @throws NotData */
const readActions = (text: string): Action[] => {
  const cursor: Cursor = { text, at: 0 };
  // A shell reads no further than to a mistake.
  if (isEnd(cursor)) throw new Unterminated(text);
  const command = nameOf(cursor);
  if (command === 'export' || command === ':') {
    cursor.at += command.length;
    const actions = command === ':' ? readColon(cursor) : readExport(cursor);
    if (!isEnd(cursor)) throw new NotData(whatIsAt(cursor));
    return actions;
  }
  const actions: Action[] = [];
  while (!isEnd(cursor)) {
    const assignment = readAssignment(cursor);
    if (!assignment) throw new NotData(whatIsAt(cursor));
    actions.push({ kind: 'assign', assignment });
  }
  if (/^;[;&]|^[|<>&]/.test(rest(cursor))) throw new NotData(whatIsAt(cursor));
  return actions;
};

/** Commands that give variables new values by name. */
const SETTERS =
  /(?<![\w$-])(?:read|readarray|mapfile|unset|printf\s+-v|getopts|export|declare|local|typeset|readonly|for|select|let)\s+([^;\n|&]*)/g;
const SETS = /(?<![\w$}/.-])([A-Za-z_]\w*)(?:\[[^\]]*\])?\+?=/g;
const SETS_IN_REFERENCE = /\$\{([A-Za-z_]\w*):?=/g;
/** Any variable in there may be counted up. */
const ARITHMETIC = /\(\(([^)]*)\)\)/g;
const ANYTHING = /(?:^|[\s;&|({])(?:source|\.|eval|return|exit|exec)(?=[\s;)]|$)/;

const blanked = (text: string, quoted: readonly Span[]): string =>
  quoted.reduce((code, [from, to]) => code.slice(0, from) + '"'.repeat(to - from) + code.slice(to), text);

/** Variables that a statement may set; rather one too many. */
const findAssigned = (text: string, quoted: readonly Span[]): string[] => {
  const code = blanked(text, quoted);
  const listed = [...code.matchAll(SETTERS)].flatMap(
    ([, names = '']) => names.match(/(?<!\S)(?!in\b)[A-Za-z_]\w*/g) ?? [],
  );
  const counted = [...code.matchAll(ARITHMETIC)].flatMap(([, terms = '']) => terms.match(/[A-Za-z_]\w*/g) ?? []);
  const set = [...code.matchAll(SETS), ...text.matchAll(SETS_IN_REFERENCE)].map(([, name = '']) => name);
  return [...new Set([...set, ...listed, ...counted])];
};

const lineAt = (text: string, at: number): number => {
  let line = 1;
  for (let end = text.indexOf('\n'); end >= 0 && end < at; end = text.indexOf('\n', end + 1)) line += 1;
  return line;
};

const unreadStatement = (text: string, [from, end]: Span, what: string, quoted: readonly Span[]): UnreadStatement => {
  const source = text.slice(from, end).trimEnd();
  const own = quoted
    .map(([a, b]): Span => [a - from, Math.min(b - from, source.length)])
    .filter(([a]) => a < source.length);
  return {
    line: lineAt(text, from),
    endLine: lineAt(text, from + source.length),
    what,
    text: source.split('\n')[0] ?? '',
    assigns: findAssigned(source, own),
    assignsAnything: ANYTHING.test(blanked(source, own)),
  };
};

const readStatement = (text: string, from: number): { statement: Statement; end: number } => {
  let end = text.length;
  let quoted: readonly Span[] = [];
  try {
    ({ end, quoted } = findExtent(text, from));
    const actions = readActions(text.slice(from, end));
    return { statement: { kind: 'data', line: lineAt(text, from), actions }, end };
  } catch (error) {
    if (!(error instanceof NotData || error instanceof Unterminated)) throw error;
    if (error instanceof Unterminated) end = text.length;
    const what = error instanceof NotData ? error.what : 'the rest of the file, which a shell would not understand';
    return { statement: { kind: 'unread', unread: unreadStatement(text, [from, end], what, quoted) }, end };
  }
};

/** Splits a text in the shell's language into statements: what can be read as data, and what would have to be executed. */
export const parseShell = (text: string): Statement[] => {
  const statements: Statement[] = [];
  let at = 0;
  while (at < text.length) {
    const gap = /^(?:\s|\\\n|#[^\n]*)+/.exec(text.slice(at))?.[0].length ?? 0;
    at += gap;
    if (at >= text.length) break;
    const { statement, end } = readStatement(text, at);
    statements.push(statement);
    at = end;
  }
  return statements;
};
