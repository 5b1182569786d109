/** What a file of shell assignments says, read as data. */
export interface Assignments {
  readonly values: ReadonlyMap<string, string>;
  /** Names whose value only a shell could tell, and the line (from 1) of the assignment. */
  readonly unreadable: ReadonlyMap<string, number>;
}

/** An assignment begins here; its value follows. */
const NAME = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=/gm;

/** The parts of a word that mean themselves: in single quotes, in double quotes without `$` and backquotes, escaped, plain. */
const PART = /'([^']*)'|"((?:[^"\\$`]|\\[\s\S])*)"|\\([^\n])|([^\s'"\\$`;&|<>()*?[\]{}~#!]+)/y;

/** What may follow a value: blanks, a comment, the end of the command. */
const END = /[ \t]*(?:;|[ \t]#.*|)[ \t]*$/my;

/** In double quotes a backslash stands for itself, but before these; before a line end both go. */
const withoutEscapes = (text: string): string =>
  text.replaceAll(/\\([\\"$`\n])/g, (_, one: string) => (one === '\n' ? '' : one));

/** The value that begins at `start` and where it ends, or undefined when there is more to it than data. */
const readValue = (text: string, start: number): { value: string; end: number } | undefined => {
  let value = '';
  let end = start;
  PART.lastIndex = start;
  for (let part = PART.exec(text); part; part = PART.exec(text)) {
    const [, single, double, escaped, plain] = part;
    value += double === undefined ? (single ?? escaped ?? plain ?? '') : withoutEscapes(double);
    end = PART.lastIndex;
  }
  END.lastIndex = end;
  return END.test(text) ? { value, end } : undefined;
};

/**
 * Reads `NAME=value` and `export NAME="value"` lines; nothing is expanded or executed. Of several assignments to a name the last one counts, as for
 * a shell. Lines that are no assignments are passed over.
 *
 * @example parseAssignments('export A="b c"\nD=$(date)\n') // values { A: 'b c' }, unreadable { D: 2 }
 */
export const parseAssignments = (text: string): Assignments => {
  const values = new Map<string, string>();
  const unreadable = new Map<string, number>();
  NAME.lastIndex = 0;
  for (let match = NAME.exec(text); match; match = NAME.exec(text)) {
    const [whole, name = ''] = match;
    const read = readValue(text, match.index + whole.length);
    values.delete(name);
    unreadable.delete(name);
    if (read) values.set(name, read.value);
    else unreadable.set(name, text.slice(0, match.index).split('\n').length);
    // Lines inside a value are no assignments.
    if (read) NAME.lastIndex = Math.max(read.end, NAME.lastIndex);
  }
  return { values, unreadable };
};
