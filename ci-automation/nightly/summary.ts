import { basename, join } from 'node:path';
import { type ImageTraffic, movedBytes } from '../../lib/container/index.ts';
import { formatBytes, formatCommand, formatDuration } from '../../lib/log/index.ts';
import type { StepRun } from './run-steps.ts';

/** What the summary shows beside the steps. */
export interface SummaryFacts {
  readonly version: string;
  readonly runs: readonly StepRun[];
  /** Steps that did not have to run, and why. */
  readonly skipped: readonly { readonly step: string; readonly why: string }[];
  readonly durationMs: number;
  /** Folder or URL of the cache; artifacts are below it. */
  readonly cacheLocation: string;
  /** Absolute path of the OS tree, where the logs and results are. */
  readonly tree: string;
  /** Absolute path of the page about the run, if it could be made. */
  readonly report: string | undefined;
  /** A command line that starts the image, if there is one to start. */
  readonly startCommand: string | undefined;
}

const sum = (items: readonly { readonly sizeBytes: number }[] | undefined): number =>
  (items ?? []).reduce((total, { sizeBytes }) => total + sizeBytes, 0);

/** What container images moved besides their manifests. */
const moved = (run: StepRun, way: ImageTraffic['way']): number =>
  (run.result?.traffic ?? []).filter((one) => one.way === way).reduce((total, one) => total + movedBytes(one), 0);

const row = (cells: readonly string[]): string =>
  `  ${(cells[0] ?? '').padEnd(15)}${(cells[1] ?? '').padEnd(13)}${cells
    .slice(2, 5)
    .map((cell) => cell.padStart(14))
    .join('')}`.trimEnd();

const outcomeOf = ({ exitCode, result }: StepRun): string =>
  result?.summary?.outcome === 'unchanged' ? 'unchanged' : exitCode === 0 ? 'done' : `failed (${exitCode})`;

const stepRows = ({ runs, skipped }: SummaryFacts): string[] => [
  row(['step', 'outcome', 'time', 'read', 'written']),
  ...skipped.map(({ step, why }) => `  ${step.padEnd(15)}${'reused'.padEnd(13)}  ${why}`),
  ...runs.map((run) =>
    row([
      run.step,
      outcomeOf(run),
      formatDuration(run.durationMs),
      formatBytes(sum(run.result?.inputs) + moved(run, 'fetched')),
      formatBytes(sum(run.result?.outputs) + moved(run, 'published')),
    ]),
  ),
];

const imageRows = ({ runs, cacheLocation }: SummaryFacts): string[] =>
  runs
    .filter(({ step }) => step === 'image' || step === 'vms')
    .flatMap(({ result }) => result?.outputs ?? [])
    .sort((a, b) => a.path.localeCompare(b.path))
    .map(({ path, sizeBytes }) => `  ${formatBytes(sizeBytes).padStart(9)}  ${cacheLocation}/${path}`);

/** Where the step `vms` leaves what it made in the checkout. */
const LATEST_IMAGES = 'images/latest';

/** Where the images are on this machine. */
interface ImagePlaces {
  /** Absolute path of the OS tree. */
  readonly tree: string;
  /** Absolute folder of the cache, when it is one on this machine. */
  readonly cacheDir: string | undefined;
}

/** A command that starts the image: the tree's start script for people, in the cache or, when that is a server, in the checkout. */
export const startCommand = (runs: readonly StepRun[], { tree, cacheDir }: ImagePlaces): string | undefined => {
  const outputs = runs.find(({ step }) => step === 'vms')?.result?.outputs ?? [];
  const script = outputs.find(({ path }) => path.endsWith('_qemu_uefi.sh'));
  if (!script) return undefined;
  return formatCommand([
    'sh',
    cacheDir ? join(cacheDir, script.path) : join(tree, LATEST_IMAGES, basename(script.path)),
  ]);
};

/** The last words of a nightly. */
export const summaryText = (facts: SummaryFacts): string => {
  const images = imageRows(facts);
  return [
    '',
    `${facts.version} in ${formatDuration(facts.durationMs)}`,
    '',
    ...stepRows(facts),
    ...(images.length > 0 ? ['', 'Images:', ...images] : []),
    ...(facts.startCommand ? ['', 'Start it:', `  ${facts.startCommand}`] : []),
    '',
    ...(facts.report ? [`Report:  ${facts.report}`] : []),
    `Results: ${facts.tree}/__build__/slipway/`,
    `Logs:    ${facts.cacheLocation}/build-logs/`,
    '',
  ].join('\n');
};
