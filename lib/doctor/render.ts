import { formatDuration } from '../log/index.ts';
import type { CheckReport, DoctorReport, Outcome } from './types.ts';

const COLOURS: Readonly<Record<Outcome, number>> = { ok: 32, warning: 33, failed: 31, skipped: 2 };
const OUTCOME_WIDTH = 'warning'.length;

const indentLines = (text: string, indent: string): string => text.split('\n').join(`\n${indent}`);

const blockOf = ({ name, outcome, seen, fix }: CheckReport, width: number, isTerminal: boolean): string => {
  const indent = ' '.repeat(OUTCOME_WIDTH + 2 + width + 2);
  const word = outcome.padEnd(OUTCOME_WIDTH);
  const shown = isTerminal ? `\u001b[${COLOURS[outcome]}m${word}\u001b[0m` : word;
  const lines = `${shown}  ${name.padEnd(width)}  ${indentLines(seen, indent)}\n`;
  return fix === undefined ? lines : `${lines}${indent}fix: ${indentLines(fix, `${indent}     `)}\n`;
};

const ORDER = [
  ['ok', 'ok', 'ok'],
  ['warning', 'warning', 'warnings'],
  ['failed', 'failed', 'failed'],
  ['skipped', 'skipped', 'skipped'],
] as const satisfies readonly (readonly [Outcome, string, string])[];

/** `12 ok, 1 warning, 1 failed, 3 skipped`; what did not happen is left out. */
const tallyOf = (checks: readonly CheckReport[]): string =>
  ORDER.map(([outcome, one, many]) => ({
    count: checks.filter((check) => check.outcome === outcome).length,
    one,
    many,
  }))
    .filter(({ count }) => count > 0)
    .map(({ count, one, many }) => `${count} ${count === 1 ? one : many}`)
    .join(', ');

/** The report for people: a block per check, and one line that sums up. @param isTerminal colours are shown */
export const renderReport = ({ checks, durationMs }: DoctorReport, isTerminal = false): string => {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  const blocks = checks.map((check) => blockOf(check, width, isTerminal)).join('');
  return `${blocks}\n${tallyOf(checks)} in ${formatDuration(durationMs)}\n`;
};
