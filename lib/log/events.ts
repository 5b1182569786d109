/** How a phase, command or step ended. */
export type Outcome = 'done' | 'failed' | 'interrupted' | 'skipped';

/** Everything a step can say, as data. The text and the JSON form are made from this and from nothing else. */
export type LogEvent =
  | { readonly kind: 'step-started'; readonly step: string; readonly args: readonly string[]; readonly cwd: string }
  | {
      readonly kind: 'step-finished';
      readonly step: string;
      readonly outcome: Outcome;
      readonly exitCode: number;
      readonly durationMs: number;
      readonly resultFile?: string;
    }
  | { readonly kind: 'phase-started'; readonly phase: string; readonly depth: number }
  | {
      readonly kind: 'phase-finished';
      readonly phase: string;
      readonly depth: number;
      readonly outcome: Outcome;
      readonly durationMs: number;
    }
  | { readonly kind: 'info'; readonly text: string }
  | { readonly kind: 'warning'; readonly text: string }
  | { readonly kind: 'command-started'; readonly command: readonly string[]; readonly cwd: string }
  | { readonly kind: 'command-output'; readonly program: string; readonly line: string }
  | {
      readonly kind: 'command-finished';
      readonly command: readonly string[];
      readonly exitCode: number | undefined;
      readonly signal: string | undefined;
      readonly durationMs: number;
    }
  | {
      readonly kind: 'progress';
      readonly label: string;
      readonly doneBytes: number;
      /** Absent while the total is not known. */
      readonly totalBytes?: number;
      readonly durationMs: number;
      readonly finished: boolean;
    }
  /** An effect that `--plan` would have had. */
  | { readonly kind: 'planned'; readonly effect: string }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly message: string;
      readonly hint?: string;
      readonly data?: Readonly<Record<string, unknown>>;
      /** Present for bugs only. */
      readonly stack?: string;
    };

/** Takes each event in turn; the end of the line for a log. */
export type Sink = (event: LogEvent) => void;
