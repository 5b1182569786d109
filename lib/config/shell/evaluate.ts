import { parseShell } from './statement.ts';
import type { Action, Assignment, Part, Reference, UnreadStatement, Word } from './syntax.ts';

/** A variable that a file sets. */
export interface ShellVariable {
  /** As `$NAME` gives it; of an array the first item. Undefined when only a shell could tell. */
  readonly value: string | undefined;
  /** The items when it is an array. */
  readonly items: readonly string[] | undefined;
  readonly isArray: boolean;
  /** Line of the last statement that sets it, from 1. */
  readonly line: number;
  /** Why the value is not known, for example `a command substitution ($(date))`. */
  readonly unknown: string | undefined;
  /** Other variables of the environment that the value was made with, sorted. */
  readonly uses: readonly string[];
}

/** What came of reading a file in the shell's language as data. */
export interface ShellValues {
  /** Variables that the file sets, by name. */
  readonly variables: ReadonlyMap<string, ShellVariable>;
  /** Statements that were passed over. */
  readonly unread: readonly UnreadStatement[];
  /** What programs started afterwards find in their environment, where that differs from the one given. */
  readonly exported: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface State {
  readonly env: Environment;
  readonly variables: Map<string, ShellVariable>;
  readonly exports: Set<string>;
  line: number;
  /** While a word is expanded. */
  uses: Set<string>;
  unknown: string | undefined;
}

/** The value of a variable, and whether it is not known. */
const lookUp = (state: State, name: string): { value?: string | undefined; isUnknown: boolean } => {
  const variable = state.variables.get(name);
  if (!variable) {
    state.uses.add(name);
    return { value: state.env[name], isUnknown: false };
  }
  for (const used of variable.uses) state.uses.add(used);
  state.unknown ??= variable.unknown;
  return { value: variable.value, isUnknown: variable.unknown !== undefined };
};

const set = (state: State, name: string, value: string | undefined, items?: readonly string[]): void => {
  const before = state.variables.get(name);
  const isArray = items !== undefined || (before?.isArray ?? false);
  // An array stays one: a text becomes its first item, and the others are what they were.
  const unknown = state.unknown ?? (isArray && !items ? before?.unknown : undefined);
  const all = items ?? [value ?? '', ...(before?.items?.slice(1) ?? [])];
  const uses = [...state.uses].filter((used) => used !== name).sort((a, b) => a.localeCompare(b));
  const known =
    unknown === undefined ? { value, items: isArray ? all : undefined } : { value: undefined, items: undefined };
  state.variables.set(name, { ...known, isArray, line: state.line, unknown, uses });
};

/** Whether the value of a variable counts, for the operator of a reference. */
const counts = (value: string | undefined, operator: string): boolean =>
  value !== undefined && !(operator.startsWith(':') && value === '');

/** `${NAME:=word}`: what the variable becomes does not depend on the words around it. */
const assignWord = (state: State, { name, word }: Reference): string => {
  const { unknown } = state;
  state.unknown = undefined;
  const text = expand(state, word);
  set(state, name, text);
  state.unknown = unknown ?? state.unknown;
  return text;
};

const expandReference = (state: State, reference: Reference): string => {
  const { name, operator, word } = reference;
  const { value, isUnknown } = lookUp(state, name);
  // What is not known may be empty or not; what follows from it is not known either.
  if (operator === undefined || isUnknown) return value ?? '';
  const given = counts(value, operator);
  if (operator.endsWith('+')) return given ? expand(state, word) : '';
  if (given) return value ?? '';
  return operator.endsWith('=') ? assignWord(state, reference) : expand(state, word);
};

const expandPart = (state: State, part: Part): string => {
  if (part.kind === 'text') return part.text;
  if (part.kind === 'reference') return expandReference(state, part);
  state.unknown ??= part.what;
  return '';
};

const expand = (state: State, word: Word): string => word.map((part) => expandPart(state, part)).join('');

const assign = (state: State, { name, append, value }: Assignment): void => {
  const texts = ('items' in value ? value.items : [value]).map((word) => expand(state, word));
  // Looked up last: the words may have set it.
  const old = append ? lookUp(state, name).value : undefined;
  if ('items' in value) {
    const kept = (append ? state.variables.get(name)?.items : undefined) ?? (old === undefined ? [] : [old]);
    const items = [...kept, ...texts];
    set(state, name, items[0], items);
  } else set(state, name, (old ?? '') + texts.join(''));
};

const act = (state: State, action: Action): void => {
  state.uses = new Set();
  state.unknown = undefined;
  if (action.kind === 'export') state.exports.add(action.name);
  else if (action.kind === 'expand') expand(state, action.word);
  else assign(state, action.assignment);
};

const passOver = (state: State, unread: UnreadStatement): void => {
  state.uses = new Set();
  state.line = unread.line;
  state.unknown = unread.what;
  for (const name of unread.assigns) set(state, name, undefined);
};

/** The exported variables that differ from the environment; a variable of the environment stays exported when it is set anew. */
const exportedOf = ({ env, variables, exports }: State): Record<string, string> =>
  Object.fromEntries(
    [...variables].flatMap(([name, { value, isArray }]) =>
      value !== undefined && !isArray && value !== env[name] && (exports.has(name) || env[name] !== undefined)
        ? [[name, value]]
        : [],
    ),
  );

/**
 * Evaluates a text of assignments as a shell would that reads it with `source`: `NAME=value`, arrays, `export NAME=value`,
 * `: ${NAME:=default}`, quotes, `$NAME` and `${NAME:-default}` with its relatives. Nothing is executed; what would have to be is named
 * and passed over.
 *
 * @param env the environment; `PWD` is to be the folder in which the shell would run
 * @example evaluateShell('A="${B:-c}"', {}).variables.get('A')?.value // 'c'
 */
export const evaluateShell = (text: string, env: Environment): ShellValues => {
  const state: State = {
    env,
    variables: new Map(),
    exports: new Set(),
    line: 1,
    uses: new Set(),
    unknown: undefined,
  };
  const unread: UnreadStatement[] = [];
  for (const statement of parseShell(text)) {
    if (statement.kind === 'unread') {
      unread.push(statement.unread);
      passOver(state, statement.unread);
      continue;
    }
    state.line = statement.line;
    for (const action of statement.actions) act(state, action);
  }
  return { variables: state.variables, unread, exported: exportedOf(state) };
};
