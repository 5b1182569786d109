import type { StepCost } from '../measuring/measure.ts';
import { totalBytes } from '../measuring/stored.ts';
import type { EngineAlone } from '../scenario-engine.ts';
import { NIGHTS } from '../workload/lists.ts';
import { fetchCpuMs, fetchMs, publishCpuMs, publishMs, ratio, servedBytes, storedBytes, wallOf } from './figures.ts';
import { type BenchResults, FETCHES, type FetchCase, type SeriesNight, type WayResults } from './results.ts';
import { type Row, rowsOf } from './targets.ts';

/** Columns as wide as their widest cell; the first is left-aligned, the others right. */
export const formatTable = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((cells) => (cells[at] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  return rows.map((cells) => `${line(cells).trimEnd()}\n`).join('');
};

const DIGITS: Readonly<Record<Row['unit'], number>> = { ratio: 3, MB: 1, times: 2, requests: 0, bytes: 0 };

/** A number with the digits that its unit deserves; `-` for what was not measured. */
export const formatValue = (value: number | undefined, unit: Row['unit']): string =>
  value === undefined ? '-' : `${value.toFixed(DIGITS[unit])}${unit === 'ratio' || unit === 'times' ? '' : ` ${unit}`}`;

const VERDICTS: Readonly<Record<Row['verdict'], string>> = {
  stretch: 'stretch met',
  must: 'met',
  missed: 'MISSED',
  none: 'not measured',
};

/** The targets with what one way did. */
export const targetTable = (plain: WayResults, way: WayResults): string =>
  formatTable([
    ['figure', 'must', 'stretch', 'measured', 'verdict'],
    ...rowsOf(plain, way).map(({ figure, unit, must, stretch, value, verdict }) => [
      figure,
      String(must),
      stretch === undefined ? '' : String(stretch),
      formatValue(value, unit),
      VERDICTS[verdict],
    ]),
  ]);

const seconds = (ms: number | undefined): string => (ms === undefined ? '-' : `${(ms / 1000).toFixed(1)} s`);
const megabytes = (bytes: number | undefined): string =>
  bytes === undefined ? '-' : `${(bytes / 1_000_000).toFixed(1)} MB`;

/** The least that any way can take that gives layers to the engine; a worker that built yesterday needs all of them, as a cold one does. */
export const engineTable = (plain: WayResults, alone: EngineAlone): string => {
  const line = (kind: FetchCase, steps: readonly StepCost[]): string[] => [
    `fetch, ${kind}`,
    formatValue(ratio(wallOf(steps), fetchMs(plain, kind)), 'ratio'),
    seconds(wallOf(steps)),
  ];
  return formatTable([
    ['', 'ratio', 'wall'],
    line('cold', alone.cold),
    line('base layers', alone['base layers']),
    line('built yesterday', alone.cold),
  ]);
};

/** What each way took and stored, in plain units. */
export const rawTable = ({ ways }: BenchResults): string => {
  const all = Object.entries(ways);
  const line = (figure: string, cell: (way: WayResults) => string): string[] => [
    figure,
    ...all.map(([, way]) => cell(way)),
  ];
  return formatTable([
    ['', ...all.map(([name]) => name)],
    ...NIGHTS.map((night) => line(`stored, ${night}`, (way) => megabytes(storedBytes(way, night)))),
    ...NIGHTS.map((night) => line(`publish, ${night}`, (way) => seconds(publishMs(way, night)))),
    ...NIGHTS.map((night) => line(`publish CPU with engine, ${night}`, (way) => seconds(publishCpuMs(way, night)))),
    ...FETCHES.map((kind) => line(`fetch, ${kind}`, (way) => seconds(fetchMs(way, kind)))),
    ...FETCHES.map((kind) => line(`fetch CPU with engine, ${kind}`, (way) => seconds(fetchCpuMs(way, kind)))),
    ...FETCHES.map((kind) =>
      line(`downloaded, ${kind}`, ({ fetches: { [kind]: fetched } }) =>
        fetched ? `${megabytes(servedBytes(fetched.served))} in ${fetched.served.requests}` : '-',
      ),
    ),
  ]);
};

/** Every measured step. */
export const stepTable = ({ ways }: BenchResults): string =>
  formatTable([
    ['way, occasion, image, step', 'wall', 'CPU', 'engine CPU', 'machine CPU', 'peak process', 'peak all', 'load'],
    ...Object.entries(ways).flatMap(([name, way]) => {
      const published = NIGHTS.flatMap((night) =>
        (way.nights[night] ?? []).map((one) => ({ ...one, occasion: `publish ${night}` })),
      );
      const fetched = FETCHES.flatMap((kind) => {
        const { [kind]: one } = way.fetches;
        return one ? [{ ...one, occasion: `fetch ${kind}` }] : [];
      });
      return [...published, ...fetched].flatMap(({ occasion, image, steps }) =>
        steps.map((step) => [
          `${name}, ${occasion}, ${image}, ${step.name}`,
          seconds(step.wallMs),
          seconds(step.cpuMs),
          seconds(step.engineCpuMs),
          seconds(step.machineCpuMs),
          `${megabytes(step.peakProcessBytes)} (${step.peakProcess})`,
          megabytes(step.peakTreeBytes),
          step.load.toFixed(1),
        ]),
      );
    }),
  ]);

/** What a consumer of one night has to download, where that was measured. */
const fetchCells = (fetch: SeriesNight['fetch']): string[] =>
  fetch
    ? [
        seconds(wallOf(fetch.steps)),
        megabytes(fetch.served.contentBytes),
        megabytes(fetch.served.indexBytes),
        String(fetch.served.requests),
      ]
    : ['-', '-', '-', '-'];

/** The long series at the nights where a consumer was measured. */
export const seriesTable = (series: readonly SeriesNight[]): string =>
  formatTable([
    [
      ...['night', 'kind', 'publish', 'stored', 'of it index', 'stored in all'],
      ...['fetch', 'contents', 'index', 'requests', 'cold fetch', 'contents', 'index', 'requests'],
    ],
    ...series
      .filter(({ fetch }, at) => fetch !== undefined || at === 0 || at === series.length - 1)
      .map((one) => [
        String(one.night),
        one.kind,
        seconds(one.publishMs),
        megabytes(totalBytes(one.stored)),
        megabytes(one.stored.indexBytes),
        megabytes(totalBytes(one.total)),
        ...fetchCells(one.fetch),
        ...fetchCells(one.cold),
      ]),
  ]);
