import { exitCodeOf, SlipwayError } from '../../lib/errors/index.ts';
import type { StepEnd } from './run-step.ts';
import type { JobFacts } from './summary.ts';

/** How a job ended, whatever it was. */
export interface JobEnd extends StepEnd {
  readonly outcome: JobFacts['outcome'];
  readonly reason?: string;
  readonly hint?: string;
  readonly tag?: string;
}

/** It ended well without its step. @param reason for people */
export const nothingToDo = (reason: string): JobEnd => ({
  exitCode: 0,
  outcome: 'nothing to do',
  reason,
  result: undefined,
});

/** As its step ended. */
export const endOf = ({ exitCode, result }: StepEnd): JobEnd => {
  const outcome = result?.outcome ?? (exitCode === 0 ? 'done' : 'failed');
  const { message, hint } = result?.error ?? {};
  return { exitCode, result, outcome, reason: message, hint };
};

/** As an error ended it, outside of its step. */
export const failedBy = (error: unknown): JobEnd => {
  const hint = error instanceof SlipwayError ? error.hint : undefined;
  const reason = error instanceof Error ? error.message : String(error);
  const outcome = error instanceof SlipwayError && error.code === 'INTERRUPTED' ? 'interrupted' : 'failed';
  return { exitCode: exitCodeOf(error), outcome, reason, hint, result: undefined };
};
