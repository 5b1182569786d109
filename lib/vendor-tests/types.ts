/** How one test ended in one run. */
export interface VendorResult {
  readonly name: string;
  readonly ok: boolean;
  /** Lines of the diagnostics block, each with its line end, in the form of the reports; empty when there is no block. */
  readonly output: string;
}

/** What a TAP file of a vendor script says. */
export interface VendorTap {
  /** In the order of the file; a name may come twice, and the last one counts. */
  readonly results: readonly VendorResult[];
  /** How many results the file announces; undefined without a plan. */
  readonly plan: number | undefined;
  /** Why results may be missing; empty when the file is whole. */
  readonly problems: readonly string[];
}

/** One run of a vendor script. */
export interface VendorRun {
  /** From 1. */
  readonly run: number;
  readonly results: readonly VendorResult[];
}

/** All runs of one vendor script, since it was last started afresh. */
export interface VendorRecord {
  /** Name of the script without `.sh`. */
  readonly vendor: string;
  readonly runs: readonly VendorRun[];
}
