/** One piece of a word. */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | Reference
  /** Something that only a shell can evaluate; a fault only when its value is needed. */
  | { readonly kind: 'unreadable'; readonly what: string };

/** `$NAME`, `${NAME}` or `${NAME:-word}` and its like. */
export interface Reference {
  readonly kind: 'reference';
  readonly name: string;
  readonly operator?: Operator;
  readonly word: Word;
  /** Outside of quotes, where a list would be split into words. */
  readonly isBare: boolean;
}

/** How the word of `${NAME:-word}` counts; with a colon, an empty value counts as not set. */
export type Operator = '-' | ':-' | '=' | ':=' | '+' | ':+';

/** What a shell takes for one word, before expansion. */
export type Word = readonly Part[];

/** `NAME=value` or `NAME+=value`. */
export interface Assignment {
  readonly name: string;
  readonly append: boolean;
  /** One word, or the items of an array. */
  readonly value: Word | { readonly items: readonly Word[] };
}

/** One action of a statement that can be read as data. */
export type Action =
  | { readonly kind: 'assign'; readonly assignment: Assignment }
  | { readonly kind: 'export'; readonly name: string }
  /** An argument of `:`, there for the assignments in its references. */
  | { readonly kind: 'expand'; readonly word: Word };

/** A statement that is not executed, because it cannot be read as data. */
export interface UnreadStatement {
  /** First and last line, from 1. */
  readonly line: number;
  readonly endLine: number;
  /** What it is, for example `the command 'if'`. */
  readonly what: string;
  /** Its first line. */
  readonly text: string;
  /** Variables that it may set. */
  readonly assigns: readonly string[];
  /** Whether it may set any variable at all, for example because it reads another file. */
  readonly assignsAnything: boolean;
}

/** One statement of a file. */
export type Statement =
  | { readonly kind: 'data'; readonly line: number; readonly actions: readonly Action[] }
  | { readonly kind: 'unread'; readonly unread: UnreadStatement };

/** Thrown while a statement is parsed: it is no data. */
export class NotData extends Error {
  readonly what: string;
  constructor(what: string) {
    super(what);
    this.what = what;
  }
}
