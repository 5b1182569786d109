/** What a report says about the image as a whole. */
export interface ReportFacts {
  readonly version: string;
  readonly arch: string;
  /** When the first run started. */
  readonly startedAt: Date;
}
