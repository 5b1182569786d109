import { SlipwayError } from '../errors/index.ts';
import { type Finding, OUTCOMES } from './types.ts';

/** All is well. */
export const ok = (seen: string): Finding => ({ outcome: 'ok', seen });

/** Works, but costs time or will fail one day. */
export const warning = (seen: string, fix?: string): Finding => ({ outcome: 'warning', seen, fix });

/** A step would fail. */
export const failed = (seen: string, fix?: string): Finding => ({ outcome: 'failed', seen, fix });

/** Not looked at. @param why completes "skipped: ..." */
export const skipped = (why: string, fix?: string): Finding => ({ outcome: 'skipped', seen: why, fix });

/** What an error says, as a finding; one that nobody expected is a bug of doctor, and no reason to stop. */
export const findingOf = (error: unknown): Finding => {
  if (error instanceof SlipwayError) return failed(error.message, error.hint);
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return failed(`The check itself failed: ${text}`, 'This is a bug in Slipway. Please report it with the line above.');
};

/** Several findings as one: the gravest outcome, and what each says, the gravest first. */
export const combine = (findings: readonly Finding[]): Finding => {
  const sorted = findings.toSorted((a, b) => OUTCOMES.indexOf(b.outcome) - OUTCOMES.indexOf(a.outcome));
  const worst = sorted[0]?.outcome ?? 'ok';
  const fixes = [...new Set(sorted.flatMap(({ fix }) => (fix === undefined ? [] : [fix])))];
  return {
    outcome: worst,
    seen: sorted.map(({ seen }) => seen).join('\n'),
    fix: fixes.length > 0 ? fixes.join('\n') : undefined,
  };
};
