import { parseArgs } from 'node:util';
import { plainWay } from './ways/plain.ts';
import { slipwayWay } from './ways/slipway.ts';
import type { Way } from './ways/types.ts';
import { NIGHTS, type Night } from './workload/lists.ts';

export const USAGE = `npm run bench -- cache [options]
  --ways NAME,…      what to compare with the plain way: slipway-dedup (default), slipway-flat; or none
  --workload NIGHT,… ${NIGHTS.join(',')} (default: all); the first is always there
  --nights N         length of the long series on a scaled-down tree (default 50; 0: none)
  --scale N          that tree has a N-th of the SDK's files (default 10)
  --no-fetch         publish only
  --only-series      only the long series
  --json FILE        where the record goes (default: cache-bench.json in the folder for temporary files)
  --work FOLDER      an existing folder for everything that is temporary (default: the system's for large temporary files)
  --keep             keep servers' folders and images
  --make-workload    make the workload, say what differs between the nights, and end
Environment: SLIPWAY_BENCH_CACHE: where the workload stays between runs (default: below the user's cache folder).
`;

const WAYS: Readonly<Record<string, () => Way>> = {
  'slipway-dedup': () => slipwayWay('dedup'),
  'slipway-flat': () => slipwayWay('flat'),
};

/** What a run is to do. */
export interface BenchOptions {
  /** The plain way first. */
  readonly ways: readonly Way[];
  readonly workload: readonly Night[];
  readonly nights: number;
  readonly scale: number;
  readonly fetch: boolean;
  readonly onlySeries: boolean;
  readonly json: string | undefined;
  readonly work: string | undefined;
  readonly keep: boolean;
  readonly makeWorkload: boolean;
}

/** A word of the command line that means nothing here. */
export class UsageError extends Error {}

const wholeNumber = (name: string, text: string, least: number): number => {
  if (!/^\d{1,6}$/.test(text) || Number(text) < least) {
    throw new UsageError(`--${name}: expected a whole number from ${least}, saw '${text}'`);
  }
  return Number(text);
};

const chosenFrom = <T extends string>(name: string, text: string, known: readonly T[]): T[] =>
  text.split(',').map((word) => {
    const found = known.find((one) => one === word);
    if (found === undefined) throw new UsageError(`--${name}: expected ${known.join(', ')}, saw '${word}'`);
    return found;
  });

/** @throws UsageError */
export const parseOptions = (argv: readonly string[]): BenchOptions => {
  const flag = { type: 'boolean', default: false } as const;
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    args: [...argv],
    strict: true,
    options: {
      ways: text('slipway-dedup'),
      workload: text(NIGHTS.join(',')),
      nights: text('50'),
      scale: text('10'),
      'no-fetch': flag,
      'only-series': flag,
      json: { type: 'string' },
      work: { type: 'string' },
      keep: flag,
      'make-workload': flag,
    },
  });
  const names = values.ways === 'none' ? [] : chosenFrom('ways', values.ways, Object.keys(WAYS));
  const asked = chosenFrom('workload', values.workload, NIGHTS);
  return {
    ways: [plainWay, ...names.flatMap((name) => WAYS[name]?.() ?? [])],
    workload: NIGHTS.filter((night) => night === 'first' || asked.includes(night)),
    nights: wholeNumber('nights', values.nights, 0),
    scale: wholeNumber('scale', values.scale, 1),
    fetch: !values['no-fetch'],
    onlySeries: values['only-series'],
    json: values.json,
    work: values.work,
    keep: values.keep,
    makeWorkload: values['make-workload'],
  };
};
