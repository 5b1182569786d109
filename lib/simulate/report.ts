import type { Disk } from './disk.ts';
import type { Measured } from './measure.ts';
import type { Study } from './study.ts';

/** Parts of the report, by the name that docs/scaling.md has for its tables. */
export type Report = Readonly<Record<'traffic' | 'waiting' | 'disk' | 'full', string>>;

/** As disks and lines are sold: powers of ten. @example formatAmount(70_207_333_581) // '70 GB' */
export const formatAmount = (bytes: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** power;
  return `${value.toPrecision(value < 100 ? 2 : 3)} ${units[power]}`;
};

const formatRate = (bytesPerSecond: number): string => `${((bytesPerSecond * 8) / 1_000_000).toFixed(0)} Mbit/s`;

const formatPart = (part: number): string => `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`;

const formatMinutes = (seconds: number): string => `${(seconds / 60).toFixed(seconds < 600 ? 1 : 0)} min`;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((word, column) => Math.max(word.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line), ''].join('\n');
};

const nameOf = ({ choice: { way, servers, mirrors } }: Measured, sites: number): string => {
  const where = mirrors ? 'a mirror per site' : servers > 1 ? `${servers} servers` : 'one server';
  return sites > 1 ? `${way}, ${where}` : way;
};

const trafficRows = ({ scenarios }: Study): string[][] =>
  scenarios.flatMap(({ scenario, measured }) =>
    measured.map((one) => [
      String(scenario.workers),
      nameOf(one, scenario.sites),
      formatAmount(one.out.bytesPerDay),
      formatAmount(one.in.bytesPerDay),
      formatRate(one.out.peakBytesPerSecond),
      formatPart(one.out.utilisation),
      formatPart(one.out.busiestHour),
      one.mirrors ? formatAmount(one.mirrors.bytesPerDay) : '',
    ]),
  );

const waitingRows = ({ scenarios }: Study): string[][] =>
  scenarios.flatMap(({ scenario, measured }) =>
    measured.map((one) => [
      String(scenario.workers),
      nameOf(one, scenario.sites),
      formatPart(one.workersBusy),
      formatMinutes(one.waitSeconds.mean),
      formatMinutes(one.waitSeconds.p95),
      formatMinutes(one.waitSeconds.longest),
      formatMinutes(one.nightlySeconds),
      formatMinutes(one.pullRequestSeconds),
    ]),
  );

const diskRows = ({ scenarios }: Study): string[][] =>
  scenarios.flatMap(({ scenario, disk }) =>
    disk.map(({ way, nights, everything, collected }) => {
      const both = ({ images, files }: Disk): string[] => [formatAmount(images), formatAmount(files)];
      return [String(scenario.workers), way, String(nights), ...both(everything), ...both(collected)];
    }),
  );

const fullRows = ({ full }: Study): string[][] =>
  full.lines.map(({ way, sites, mirrors, workers }) => [
    way,
    sites === 1 ? 'one server' : mirrors ? 'one server, a mirror per site' : 'one server',
    String(workers),
  ]);

/** The tables, as Markdown. */
export const formatReport = (study: Study): Report => ({
  traffic: table(
    [
      'workers',
      'cache',
      'read a day',
      'published a day',
      'peak read',
      'line, all days',
      'line, busiest hour',
      'mirrors send a day',
    ],
    trafficRows(study),
  ),
  waiting: table(
    ['workers', 'cache', 'workers busy', 'mean wait', '95 % wait less', 'longest wait', 'nightly', 'pull request'],
    waitingRows(study),
  ),
  disk: table(
    ['workers', 'cache', 'nights', 'images, all kept', 'files, all kept', 'images, collected', 'files, collected'],
    diskRows(study),
  ),
  full: table(['cache', 'lines', 'workers that fill it'], fullRows(study)),
});
