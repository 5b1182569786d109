import { WAYS, type Way } from './bytes.ts';
import { type DiskAfter, diskAfter } from './disk.ts';
import { FULL, findFull, type Measured, measureScenario } from './measure.ts';
import type { CacheFigures, Parameters, Scenario } from './parameters.ts';

/** How many nights the disk is told after. */
const DISK_NIGHTS = [50, 200];

/** What is told of one scenario. */
export interface ScenarioStudy {
  readonly scenario: Scenario;
  /** Each way with one server; where there are several sites, also with a mirror at each, and with two servers. */
  readonly measured: readonly Measured[];
  readonly disk: readonly (DiskAfter & { readonly way: Way })[];
}

/** How many workers of a scenario's kind fill the line of one server. */
export interface FullLine {
  readonly way: Way;
  readonly sites: number;
  readonly mirrors: boolean;
  readonly workers: number;
}

/** All that `npm run simulate` tells. */
export interface Study {
  readonly seed: number;
  readonly days: number;
  readonly lines: Parameters['lines'];
  readonly figures: CacheFigures;
  readonly scenarios: readonly ScenarioStudy[];
  /** Part of a line's busiest hour that counts as full. */
  readonly full: { readonly from: number; readonly of: Scenario; readonly lines: readonly FullLine[] };
}

const choicesOf = ({ sites, nightlies }: Scenario) => [
  {},
  ...(sites > 1 ? [{ mirrors: true }] : []),
  ...(sites > 1 && nightlies > 1 ? [{ servers: 2 }] : []),
];

const studyScenario = (parameters: Parameters, figures: CacheFigures, scenario: Scenario): ScenarioStudy => ({
  scenario,
  measured: WAYS.flatMap((way) =>
    choicesOf(scenario).map((choice) => measureScenario(parameters, figures, scenario, { way, ...choice })),
  ),
  disk: WAYS.flatMap((way) =>
    DISK_NIGHTS.map((nights) => ({ way, ...diskAfter(nights, way, parameters, figures, scenario) })),
  ),
});

/** Simulates all scenarios; the last one's load per worker is that for the number of workers that fill a line. */
export const study = (parameters: Parameters, figures: CacheFigures): Study => {
  const last = parameters.scenarios.at(-1) as Scenario;
  const full = WAYS.flatMap((way) =>
    [false, ...(last.sites > 1 ? [true] : [])].map((mirrors) => {
      const workers = findFull(parameters, figures, last, { way, mirrors });
      return { way, sites: last.sites, mirrors, workers };
    }),
  );
  const { seed, days, lines } = parameters;
  return {
    seed,
    days,
    lines,
    figures,
    scenarios: parameters.scenarios.map((scenario) => studyScenario(parameters, figures, scenario)),
    full: { from: FULL, of: last, lines: full },
  };
};
