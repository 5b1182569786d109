import { slipwayError } from '../../errors/index.ts';
import { parseTapLine, type TapLine } from './parse-line.ts';
import type { TapDocument, TapTest } from './types.ts';

interface State {
  version?: number;
  plan?: number;
  bailOut?: string;
  hasSubtests: boolean;
  tests: TapTest[];
  numbers: Set<number>;
  problems: string[];
}

const outdent = (lines: readonly string[]): string[] => {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const common = Math.min(...indents, Number.MAX_SAFE_INTEGER);
  return lines.map((line) => line.slice(common));
};

/** Index of the line that closes a diagnostics block, or -1. */
const findBlockEnd = (lines: readonly string[], start: number): number => {
  for (let at = start; at < lines.length; at += 1) if (lines[at]?.trim() === '...') return at;
  return -1;
};

const addTest = (state: State, line: Extract<TapLine, { kind: 'test' }>): void => {
  const { number, test } = line;
  if (number !== undefined && state.numbers.has(number)) state.problems.push(`test number ${number} comes twice`);
  if (number !== undefined) state.numbers.add(number);
  state.tests.push({ ...test, diagnostics: [] });
};

const addPlan = (state: State, plan: number): void => {
  if (state.plan !== undefined) state.problems.push(`there are two plans, 1..${state.plan} and 1..${plan}`);
  state.plan ??= plan;
};

const take = (state: State, line: TapLine): void => {
  if (line.kind === 'test') addTest(state, line);
  if (line.kind === 'plan') addPlan(state, line.plan);
  if (line.kind === 'version') state.version ??= line.version;
  if (line.kind === 'bail-out') state.bailOut ??= line.reason;
  if (line.kind === 'subtest') state.hasSubtests = true;
};

/** Results of a subtest stand indented before its own test point, which speaks for them. */
const isInSubtest = (state: State, line: string): boolean =>
  /^(?: {4}|\t)/.test(line) && (state.hasSubtests || (state.version ?? 0) >= 14);

const judge = (state: State): string[] => {
  const { plan, tests, bailOut, problems } = state;
  const found = [...problems];
  if (bailOut !== undefined) found.push(`the run was given up ("Bail out!")${bailOut ? `: ${bailOut}` : ''}`);
  if (plan === undefined) {
    found.push(
      tests.length === 0 ? 'there is no result at all' : 'there is no plan line (1..N), so results may be missing',
    );
  } else if (plan !== tests.length) {
    found.push(`the plan announces ${plan} results, but there are ${tests.length}`);
  }
  return found;
};

/**
 * Reads a TAP document of version 12, 13 or 14, and judges whether it is whole: a plan with fewer or more results than
 * announced, no plan, an open diagnostics block, a number used twice and `Bail out!` are problems, and the caller must treat
 * such a run as failed. Lines that TAP does not know are skipped, as TAP demands.
 *
 * @param text the whole document
 */
export const parseTap = (text: string): TapDocument => {
  const lines = text.split(/\r?\n/);
  const state: State = { hasSubtests: false, tests: [], numbers: new Set(), problems: [] };
  for (let at = 0; at < lines.length; at += 1) {
    const raw = lines[at] ?? '';
    const line = parseTapLine(raw, state.version);
    if (line.kind === 'block-start') {
      const end = findBlockEnd(lines, at + 1);
      if (end < 0) state.problems.push(`the diagnostics block that starts in line ${at + 1} has no end`);
      const last = state.tests.pop();
      const block = end < 0 ? [] : outdent(lines.slice(at + 1, end));
      // A subtest's block has no place of its own; its parent's block comes with the parent.
      if (last) state.tests.push(isInSubtest(state, raw) ? last : { ...last, diagnostics: block });
      // Without an end, what follows may be results or may be text: nothing after it can be trusted.
      at = end < 0 ? lines.length : end;
    } else if (!isInSubtest(state, raw)) {
      take(state, line);
    }
  }
  const { version, plan, tests, bailOut } = state;
  return { version, plan, tests, bailOut, problems: judge(state) };
};

/**
 * Reads a TAP document that must be whole.
 *
 * @param source what it is, for the error: a path
 * @throws TAP_INVALID
 */
export const parseWholeTap = (text: string, source: string): TapDocument => {
  const document = parseTap(text);
  if (document.problems.length > 0) throw slipwayError('TAP_INVALID', { source, problems: document.problems });
  return document;
};
