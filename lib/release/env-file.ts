import { evaluateShell } from '../config/index.ts';

/** What a file of shell assignments says, read as data. */
export interface Assignments {
  readonly values: ReadonlyMap<string, string>;
  /** Names whose value only a shell could tell, or depends on its environment, and the line (from 1) of the assignment. */
  readonly unreadable: ReadonlyMap<string, number>;
}

/**
 * Reads `NAME=value` and `export NAME="value"` lines; nothing is executed. Of several assignments to a name the last one counts, as for a shell.
 *
 * @example parseAssignments('export A="b c"\nD=$(date)\n') // values { A: 'b c' }, unreadable { D: 2 }
 */
export const parseAssignments = (text: string): Assignments => {
  const values = new Map<string, string>();
  const unreadable = new Map<string, number>();
  for (const [name, { value, isArray, uses, line }] of evaluateShell(text, {}).variables) {
    if (value === undefined || isArray || uses.length > 0) unreadable.set(name, line);
    else values.set(name, value);
  }
  return { values, unreadable };
};
