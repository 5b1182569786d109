/**
 * What kind of trouble an error is; it decides the exit code of a step (design: conventions for every step).
 *
 * - `misuse`: wrong arguments, settings or place; nothing was attempted (exit 2)
 * - `failure`: the step was right to try and it did not work (exit 1)
 * - `unverified`: an artifact's digest or signature is missing or wrong (exit 3)
 */
export type ErrorKind = 'misuse' | 'failure' | 'unverified';

/** What the catalog says about one error: the texts and the data they were made from. */
export interface ErrorText {
  readonly kind: ErrorKind;
  /** One line: what was seen and what was expected. */
  readonly message: string;
  /** What to do next; may have several lines. */
  readonly hint?: string;
}

/** An error that a user can do something about. Anything else that is thrown is a bug in Slipway. */
export class SlipwayError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  /** The facts behind the text, for programs: paths, digests, versions. Never secrets. */
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: string, text: ErrorText, data: Readonly<Record<string, unknown>>, cause?: unknown) {
    super(text.message, cause === undefined ? undefined : { cause });
    this.name = 'SlipwayError';
    this.code = code;
    this.kind = text.kind;
    this.hint = text.hint;
    this.data = data;
  }
}

/** Exit codes of interrupted steps, as shells count them: 128 + number of the signal. */
const INTERRUPT_EXIT_CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/** Exit code of a step that ended with `error`: 2 misuse, 3 unverified artifact, 130/143 interrupted, 1 for the rest (bugs included). */
export const exitCodeOf = (error: unknown): number => {
  if (!(error instanceof SlipwayError)) return 1;
  if (error.code === 'INTERRUPTED') return INTERRUPT_EXIT_CODES[String(error.data.signal)] ?? 1;
  return { misuse: 2, failure: 1, unverified: 3 }[error.kind];
};
