import type { Log } from '../log/index.ts';
import type { Machine } from '../qemu/index.ts';
import type { Expectations } from './expectations.ts';

/** What a check may use. */
export interface CheckContext {
  /** Booted, and logged in to unless the check says `console`. */
  readonly machine: Machine;
  readonly expected: Expectations;
  /** Version of the image, in the form of the image's own files. */
  readonly version: string;
  /** The published kernel, absolute path; absent when it was not fetched. */
  readonly kernelFile?: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly now: () => number;
}

/**
 * Which machine a check runs on.
 *
 * - `shared`: with all others that leave no traces (default)
 * - `restarts`: on the same machine after those, because it restarts it
 * - `ends`: on the same machine at the very end, because nothing can follow
 * - `own`: on a machine that is booted for it alone
 */
export type CheckMachine = 'shared' | 'restarts' | 'ends' | 'own';

/** A check that passed says nothing, or notes what it measured; one that does not apply says why. */
export type CheckOutcome = { readonly skip: string } | { readonly note: string } | undefined;

/** One named check of a booted image. Each lives in a file of its own: `export const check: Check = { … }`. */
export interface Check {
  /** Dotted, from the general to the particular: `usr.read-only`. */
  readonly name: string;
  /** One line, for the list of checks. */
  readonly summary: string;
  /** Formats that it applies to; absent = all. */
  readonly formats?: readonly string[];
  readonly machine?: CheckMachine;
  /** Looks only at the console; runs even when nobody can log in. */
  readonly console?: boolean;
  /** Milliseconds; default 120000. */
  readonly timeoutMs?: number;
  /** Throws a {@link CheckFailure} (or any other error) when the image does not hold what it should. */
  run(context: CheckContext): Promise<CheckOutcome> | Promise<void>;
}

/** How one check ended in one run. */
export interface TestResult {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** The number of the run, from 1. */
  readonly run: number;
  /** What the image was booted as: the format. */
  readonly platform: string;
  readonly durationMs: number;
  /** One line: why it failed or was skipped, or what was measured. */
  readonly message?: string;
  /** What was seen: output, values, the end of the console. */
  readonly details?: readonly string[];
}
