import type { StoreSettings } from '../cache/index.ts';
import type { Settings } from '../config/index.ts';
import type { EngineSearch } from '../container/index.ts';
import type { Runner } from '../process/index.ts';
import type { TreeDescription } from '../tree/index.ts';

/** How a check came out, the gravest last. */
export const OUTCOMES = ['skipped', 'ok', 'warning', 'failed'] as const;

/** How a check came out. Only `failed` stops a step; a `warning` costs time, or will become a failure. */
export type Outcome = (typeof OUTCOMES)[number];

/** What one check, or a part of it, found. */
export interface Finding {
  readonly outcome: Outcome;
  /** What was seen; of a skipped check, why it was. May have several lines. */
  readonly seen: string;
  /** What to do, commands on lines of their own that can be pasted. */
  readonly fix?: string;
}

/** What is known of the machine, and asked for, before any check runs. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; the folder that doctor was called in, the root of the OS tree if it is one. */
  readonly cwd: string;
  /** Absolute folder of Slipway. */
  readonly slipwayRoot: string;
  /** Undefined: they cannot be read, and `settingsFinding` says why. */
  readonly settings: Settings | undefined;
  readonly settingsFinding: Finding;
  /** The cache's part of the settings. */
  readonly store: StoreSettings | undefined;
  /** The OS tree in `cwd`; undefined: none is recognised, and `treeFinding` says why. */
  readonly tree: TreeDescription | undefined;
  readonly treeFinding: Finding;
  /** Whether this process is root's. */
  readonly isRoot: boolean;
  readonly now: () => Date;
  /** Rights to write, to the cache and to git's remote, are not looked at. */
  readonly readOnly: boolean;
  /** The container engine, asked for once for all checks. */
  readonly engine: () => Promise<EngineSearch>;
}

/** What a running check works with. */
export interface CheckContext extends Machine {
  /** Aborted when the time of the check is over. */
  readonly signal: AbortSignal;
  /** Says nothing; what it runs is stopped when the time is over. */
  readonly runner: Runner;
  /** Makes an empty folder for the check, which is removed after it; gives its absolute path. */
  makeTemp(): Promise<string>;
  /** Notes what the check waits for, for the message when the time is over. Completes "no answer within 10 s while ...". */
  doing(what: string): void;
}

/** One thing that doctor looks at. */
export interface Check {
  /** For the command line, for example `cache-https`. */
  readonly name: string;
  /** One line for the help. */
  readonly summary: string;
  /** Left out with `--offline`. */
  readonly usesNetwork?: boolean | ((machine: Machine) => boolean);
  /** Skipped where the settings cannot be read. */
  readonly needsSettings?: boolean;
  /** Milliseconds; default 10000. */
  readonly limitMs?: number;
  run(context: CheckContext): Promise<Finding>;
}

/** A check that ran, or was skipped. */
export interface CheckReport extends Finding {
  readonly name: string;
  readonly durationMs: number;
}

/** Of the JSON report; changes when its form does. */
export const REPORT_SCHEMA = 1;

/** What all checks together say. */
export interface DoctorReport {
  readonly schema: typeof REPORT_SCHEMA;
  /** No check failed. */
  readonly ok: boolean;
  readonly checkedAt: string;
  readonly durationMs: number;
  readonly checks: readonly CheckReport[];
}
