/** One test point of a TAP document. */
export interface TapTest {
  readonly ok: boolean;
  /** What was tested, without number, separator and directive. */
  readonly name: string;
  /** `skip` and `todo` results never count as failures. */
  readonly directive?: { readonly kind: 'skip' | 'todo'; readonly reason: string };
  /** Lines of the YAML block that follows the test point, without their common indentation. */
  readonly diagnostics: readonly string[];
}

/** A TAP document as read. */
export interface TapDocument {
  /** From `TAP version N`; undefined where the line is missing, as in files of test programs that write plain TAP. */
  readonly version?: number;
  /** How many tests the plan line announces; undefined without one. */
  readonly plan?: number;
  readonly tests: readonly TapTest[];
  /** Reason of `Bail out!`; the rest of the document was not run. */
  readonly bailOut?: string;
  /** Why the results cannot be taken as complete; empty when they can. */
  readonly problems: readonly string[];
}
