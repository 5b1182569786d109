import type { StepCost } from '../measuring/measure.ts';
import type { BytesByUse } from '../measuring/stored.ts';
import type { EngineAlone } from '../scenario-engine.ts';
import type { Fetched } from '../scenario-fetch.ts';
import type { Published } from '../scenario-publish.ts';
import type { NightDifference } from '../workload/difference.ts';
import type { Night } from '../workload/lists.ts';

/** How a worker meets an image that it wants. */
export const FETCHES = ['cold', 'base layers', 'built yesterday'] as const;

export type FetchCase = (typeof FETCHES)[number];

/** One night of the long series. */
export interface SeriesNight {
  readonly night: number;
  readonly kind: 'first' | 'userland' | 'kernel';
  readonly publishMs: number;
  readonly stored: BytesByUse;
  /** All that is stored by then. */
  readonly total: BytesByUse;
  /** At some nights: what a worker that built the night before downloads. */
  readonly fetch?: Fetched;
  /** At the same nights: what a worker that has nothing downloads. */
  readonly cold?: Fetched;
}

/** What one way did with the workload; what was not run is not there. */
export interface WayResults {
  readonly nights: Partial<Record<Night, readonly Published[]>>;
  readonly fetches: Partial<Record<FetchCase, Fetched>>;
  readonly series?: readonly SeriesNight[];
  readonly scrub?: { readonly steps: readonly StepCost[]; readonly bytes: number };
}

/** The JSON record of a run. */
export interface BenchResults {
  readonly bench: 'cache';
  readonly startedAt: string;
  readonly machine: {
    readonly cpus: number;
    readonly cpu: string;
    readonly memoryBytes: number;
    readonly engine: string;
  };
  readonly workload: Readonly<Record<string, { readonly sdkTarBytes: number; readonly layerTarBytes: number }>>;
  readonly changedPackages: Readonly<Record<string, readonly string[]>>;
  readonly differences?: Readonly<Record<string, NightDifference>>;
  readonly ways: Readonly<Record<string, WayResults>>;
  readonly engineAlone?: EngineAlone;
  /** `sha256sum` over what a way has stored. */
  readonly sha256sum?: { readonly bytes: number; readonly wallMs: number };
}
