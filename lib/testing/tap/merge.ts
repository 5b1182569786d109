import type { TapDocument } from './types.ts';

/** The part of a run that one instance did. */
export interface TapPart {
  readonly document: TapDocument;
  /** Put before every test's name, for example `extra-test.[m5.large].`; empty for the main instance. */
  readonly prefix: string;
}

/**
 * Joins the results of several instances into one document: plans are summed, results follow each other, and what makes a part
 * incomplete makes the whole incomplete.
 */
export const mergeTap = (parts: readonly TapPart[]): TapDocument => ({
  plan: parts.reduce((sum, { document }) => sum + (document.plan ?? document.tests.length), 0),
  tests: parts.flatMap(({ document, prefix }) =>
    document.tests.map((test) => ({ ...test, name: `${prefix}${test.name}` })),
  ),
  bailOut: parts.find(({ document }) => document.bailOut !== undefined)?.document.bailOut,
  problems: parts.flatMap(({ document, prefix }) =>
    document.problems.map((problem) => (prefix === '' ? problem : `${prefix}: ${problem}`)),
  ),
});
