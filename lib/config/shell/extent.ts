import { skipArithmetic, skipOne, Unterminated } from './skip.ts';

/** A stretch of the text: from, and the position after it. */
export type Span = readonly [from: number, to: number];

/** Where a statement ends, and which parts of it are quoted, comments or here-documents. */
export interface Extent {
  readonly end: number;
  readonly quoted: readonly Span[];
}

interface Scan {
  readonly text: string;
  at: number;
  /** What closes the compound commands that are open. */
  readonly closers: string[];
  /** The next word may be a keyword. */
  isCommand: boolean;
  /** The next thing is a pattern of `case`. */
  isPattern: boolean;
  /** After `&&` or `|` a line end does not end the statement. */
  goesOn: boolean;
  readonly hereDocuments: { readonly end: string; readonly strip: boolean }[];
  readonly quoted: Span[];
}

const META = /[ \t\n;&|<>()]/;
const ARRAY = /^[A-Za-z_]\w*\+?=$/;

const skipComment = (scan: Scan): void => {
  const from = scan.at;
  while (scan.at < scan.text.length && scan.text[scan.at] !== '\n') scan.at += 1;
  scan.quoted.push([from, scan.at]);
};

const skipItems = (scan: Scan): void => {
  while (scan.text[scan.at] !== ')') {
    const starts = /[\s(]/.test(scan.text[scan.at - 1] ?? '');
    if (starts && scan.text[scan.at] === '#') skipComment(scan);
    else scan.at = skipOne(scan.text, scan.at, false, skipCommands);
  }
  scan.at += 1;
};

const takeWord = (scan: Scan): string => {
  const { text } = scan;
  const from = scan.at;
  while (scan.at < text.length && !META.test(text[scan.at] ?? '')) {
    const here = scan.at;
    scan.at = skipOne(text, here, false, skipCommands);
    if (/["'`]/.test(text[here] ?? '')) scan.quoted.push([here, scan.at]);
    if (text[scan.at] === '(' && ARRAY.test(text.slice(from, scan.at))) {
      scan.at += 1;
      skipItems(scan);
    }
  }
  return text.slice(from, scan.at);
};

const skipBlanks = (scan: Scan, blanks = /[ \t]/): void => {
  while (blanks.test(scan.text[scan.at] ?? '') || scan.text.startsWith('\\\n', scan.at)) {
    scan.at += scan.text[scan.at] === '\\' ? 2 : 1;
  }
};

const close = (scan: Scan, word: string): void => {
  if (scan.closers.pop() !== word) throw new Unterminated(word);
  scan.isCommand = false;
};

const open =
  (closer: string, isCommand: boolean) =>
  (scan: Scan): void => {
    scan.closers.push(closer);
    scan.isCommand = isCommand;
  };

const openCase = (scan: Scan): void => {
  skipBlanks(scan);
  takeWord(scan);
  skipBlanks(scan, /\s/);
  if (takeWord(scan) !== 'in') throw new Unterminated('in');
  scan.closers.push('esac');
  scan.isPattern = true;
};

const openLoop = (scan: Scan): void => {
  open('done', false)(scan);
  skipBlanks(scan);
  if (scan.text.startsWith('((', scan.at)) scan.at = skipArithmetic(scan.text, scan.at + 2);
};

const openFunction = (scan: Scan): void => {
  skipBlanks(scan);
  takeWord(scan);
  scan.goesOn = true;
};

const skipTest = (scan: Scan): void => {
  scan.isCommand = false;
  for (;;) {
    skipBlanks(scan, /[\s<>&|();]/);
    if (scan.at >= scan.text.length) throw new Unterminated(']]');
    if (takeWord(scan) === ']]') return;
  }
};

const stay = (): void => {};

const KEYWORDS: ReadonlyMap<string, (scan: Scan, word: string) => void> = new Map([
  ['if', open('fi', true)],
  ['while', open('done', true)],
  ['until', open('done', true)],
  ['{', open('}', true)],
  ['for', openLoop],
  ['select', openLoop],
  ['case', openCase],
  ['function', openFunction],
  ['[[', skipTest],
  ...['then', 'else', 'elif', 'do', '!', 'time'].map((word) => [word, stay] as const),
  ...['fi', 'done', '}', 'esac'].map((word) => [word, close] as const),
]);

const takeCommandWord = (scan: Scan): void => {
  scan.goesOn = false;
  const word = takeWord(scan);
  const keyword = scan.isCommand || word === 'do' ? KEYWORDS.get(word) : undefined;
  if (keyword) keyword(scan, word);
  else scan.isCommand = false;
};

const takePattern = (scan: Scan): void => {
  skipBlanks(scan, /\s/);
  if (scan.text[scan.at] === '#') {
    skipComment(scan);
    return;
  }
  if (/^esac(?!\w)/.test(scan.text.slice(scan.at, scan.at + 5))) {
    scan.at += 4;
    scan.isPattern = false;
    close(scan, 'esac');
    return;
  }
  while (scan.text[scan.at] !== ')') scan.at = skipOne(scan.text, scan.at, false, skipCommands);
  scan.at += 1;
  scan.isPattern = false;
  scan.isCommand = true;
};

const skipHereDocuments = (scan: Scan): void => {
  for (const { end, strip } of scan.hereDocuments.splice(0)) {
    const from = scan.at;
    for (;;) {
      if (scan.at >= scan.text.length) throw new Unterminated(end);
      const stop = scan.text.indexOf('\n', scan.at);
      const line = scan.text.slice(scan.at, stop < 0 ? undefined : stop);
      scan.at = stop < 0 ? scan.text.length : stop + 1;
      if ((strip ? line.replace(/^\t+/, '') : line) === end) break;
    }
    scan.quoted.push([from, scan.at]);
  }
};

/** `<`, `>` and their like, with the word that follows. */
const takeRedirection = (scan: Scan): void => {
  const [operator = ''] = /^(?:<<<|<<-?|<>|<&|<|>>|>&|>\||>|&>>?)/.exec(scan.text.slice(scan.at, scan.at + 3)) ?? [];
  scan.at += operator.length;
  if (scan.text[scan.at] === '(') {
    scan.at = skipCommands(scan.text, scan.at + 1);
    return;
  }
  skipBlanks(scan);
  const word = takeWord(scan);
  if (!operator.startsWith('<<') || operator === '<<<') return;
  scan.hereDocuments.push({ end: word.replace(/['"\\]/g, ''), strip: operator === '<<-' });
};

const takeParenthesis = (scan: Scan): void => {
  const { text } = scan;
  if (text[scan.at] === ')') {
    scan.at += 1;
    close(scan, ')');
    return;
  }
  const [empty] = /^\(\s*\)/.exec(text.slice(scan.at)) ?? [];
  if (empty !== undefined && !scan.isCommand) {
    // The head of a function; its body follows.
    scan.at += empty.length;
    scan.isCommand = true;
    scan.goesOn = true;
  } else if (text[scan.at + 1] === '(' && scan.isCommand) {
    scan.at = skipArithmetic(text, scan.at + 2);
    scan.isCommand = false;
  } else {
    scan.at += 1;
    open(')', true)(scan);
  }
};

/** `;`, `&`, `|` and their doubles; true when the statement ends with it. */
const takeSeparator = (scan: Scan): boolean => {
  const [operator = ''] = /^(?:;;&|;;|;&|;|&&|&|\|\||\|&|\|)/.exec(scan.text.slice(scan.at, scan.at + 3)) ?? [];
  scan.at += operator.length;
  scan.isCommand = true;
  scan.goesOn = ['&&', '||', '|', '|&'].includes(operator);
  if (operator.length > 1 && operator.startsWith(';')) scan.isPattern = scan.closers.at(-1) === 'esac';
  return !scan.goesOn && scan.closers.length === 0;
};

const takeLineEnd = (scan: Scan): boolean => {
  scan.at += 1;
  skipHereDocuments(scan);
  scan.isCommand = true;
  return !scan.goesOn && scan.closers.length === 0;
};

/** One token; true when the statement ends with it. */
const takeToken = (scan: Scan): boolean => {
  if (scan.isPattern) {
    takePattern(scan);
    return false;
  }
  skipBlanks(scan);
  const [char, next] = [scan.text[scan.at], scan.text[scan.at + 1]];
  if (char === '\n') return takeLineEnd(scan);
  if (char === '<' || char === '>' || (char === '&' && next === '>')) takeRedirection(scan);
  else if (char === ';' || char === '&' || char === '|') return takeSeparator(scan);
  else if (char === '(' || char === ')') takeParenthesis(scan);
  else if (char === '#') skipComment(scan);
  else if (char !== undefined) takeCommandWord(scan);
  return false;
};

const startScan = (text: string, at: number, closers: string[]): Scan => ({
  text,
  at,
  closers,
  isCommand: true,
  isPattern: false,
  goesOn: false,
  hereDocuments: [],
  quoted: [],
});

/** After `$(`, up to and with the `)`. */
const skipCommands = (text: string, at: number): number => {
  const scan = startScan(text, at, [')']);
  while (scan.closers.length > 0) {
    if (scan.at >= text.length) throw new Unterminated(')');
    takeToken(scan);
  }
  return scan.at;
};

/**
 * Finds the end of the statement that begins at `at`: a line, or a whole `if ... fi`, pipeline, function and so on.
 *
 * @throws Unterminated when the text ends first
 */
export const findExtent = (text: string, at: number): Extent => {
  const scan = startScan(text, at, []);
  for (;;) {
    const isEnd = scan.at >= text.length;
    if (isEnd && (scan.closers.length > 0 || scan.goesOn || scan.hereDocuments.length > 0)) {
      throw new Unterminated(scan.closers.at(-1) ?? 'a command');
    }
    if (isEnd || takeToken(scan)) return { end: Math.min(scan.at, text.length), quoted: scan.quoted };
  }
};

/** @see skipOne */
export const skipPiece = (text: string, at: number, inQuotes: boolean): number =>
  skipOne(text, at, inQuotes, skipCommands);
