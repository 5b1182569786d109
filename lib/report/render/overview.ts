import { type Html, html, table } from '../../html/index.ts';
import { formatBytes, formatDuration } from '../../log/index.ts';
import type { ComparisonModel, RunModel, StepModel } from '../model/types.ts';
import { anchors, BYTES, bytesOrNothing, callText, deltaText, duration, MS, moment, outcomeBadge } from './words.ts';

const warningsOf = ({ notes }: StepModel): number => notes.filter(({ tone }) => tone === 'warning').length;

const countOrNothing = (count: number): string => (count === 0 ? '–' : String(count));

/** Each step in a line. */
export const stepsSection = ({ steps }: RunModel): Html =>
  html`<section aria-labelledby="steps"><h2 id="steps">Steps</h2>${table({
    caption: 'Steps of the run, in the order in which they started',
    hidesCaption: true,
    columns: [
      { title: 'Step' },
      { title: 'Outcome' },
      { title: 'Started' },
      { title: 'Time', isNumber: true },
      { title: 'From the cache', isNumber: true },
      { title: 'To the cache', isNumber: true },
      { title: 'Not moved', isNumber: true },
      { title: 'Hits', isNumber: true },
      { title: 'Misses', isNumber: true },
      { title: 'Retries', isNumber: true },
      { title: 'Warnings', isNumber: true },
    ],
    rows: steps.map((step, index) => [
      html`<a href="#${anchors.step(index)}">${callText(step)}</a>`,
      outcomeBadge(step.outcome),
      moment(step.startedMs),
      duration(step),
      bytesOrNothing(step.bytes.down),
      bytesOrNothing(step.bytes.up),
      bytesOrNothing(step.bytes.reused),
      countOrNothing(step.hits.length),
      countOrNothing(step.misses.length),
      countOrNothing(step.retries.length),
      countOrNothing(warningsOf(step)),
    ]),
  })}</section>`;

const nameOf = (path: readonly string[]): Html => {
  const name = path.at(-1) ?? '';
  return path.length === 1
    ? html`<strong>${name}</strong>`
    : html`<span class="inner depth-${Math.min(4, path.length - 1)}">${name}</span>`;
};

/** Where there is nothing to compare with, there are only figures. */
const plainRow = ({ path, durationMs, movedBytes }: ComparisonModel) => [
  nameOf(path),
  formatDuration(durationMs.now),
  bytesOrNothing(movedBytes.now),
];

const comparisonRow = ({ path, durationMs, movedBytes }: ComparisonModel) => {
  const before = (figure: number | undefined, format: (one: number) => string): string =>
    figure === undefined ? '–' : format(figure);
  return [
    nameOf(path),
    formatDuration(durationMs.now),
    before(durationMs.before, formatDuration),
    deltaText(durationMs, MS),
    bytesOrNothing(movedBytes.now),
    before(movedBytes.before, bytesOrNothing),
    movedBytes.now === 0 && (movedBytes.before ?? 0) === 0 ? '' : deltaText(movedBytes, BYTES),
  ];
};

const NAME = { title: 'Step and phase' };
const TIME = { title: 'Time', isNumber: true };
const MOVED = { title: 'Moved', isNumber: true };
const BESIDE = [
  { title: 'Before', isNumber: true },
  { title: 'Difference', isNumber: true },
];
const PLAIN_COLUMNS = [NAME, TIME, MOVED];
const COMPARED_COLUMNS = [NAME, TIME, ...BESIDE, MOVED, ...BESIDE];

/** Time and bytes beside those of earlier runs. */
export const comparisonSection = ({ comparisons, earlierRuns }: RunModel): Html => {
  const than = earlierRuns === 1 ? 'the run before' : `the middle of the last ${earlierRuns} runs`;
  const caption =
    earlierRuns === 0
      ? 'Time and bytes of steps and phases; there is no earlier run that ended well to compare them with'
      : `Time and bytes of steps and phases, beside ${than} that ended well`;
  return html`<section aria-labelledby="compared"><h2 id="compared">Time and bytes</h2>${table({
    caption,
    columns: earlierRuns === 0 ? PLAIN_COLUMNS : COMPARED_COLUMNS,
    rows: comparisons.map(earlierRuns === 0 ? plainRow : comparisonRow),
  })}</section>`;
};

/** The whole run in figures. */
export const runFacts = (run: RunModel): readonly (readonly [string, string | Html])[] => {
  const sum = (figure: (step: StepModel) => number): number =>
    run.steps.reduce((total, step) => total + figure(step), 0);
  const moved = {
    down: sum(({ bytes }) => bytes.down),
    up: sum(({ bytes }) => bytes.up),
    reused: sum(({ bytes }) => bytes.reused),
  };
  return [
    ['Outcome', outcomeBadge(run.outcome)],
    ['Started', moment(run.startedMs)],
    ['From start to end', duration(run)],
    ['Steps', String(run.steps.length)],
    ['From the cache', formatBytes(moved.down)],
    ['To the cache', formatBytes(moved.up)],
    ['Needed not be moved', formatBytes(moved.reused)],
    ['Warnings', String(sum(warningsOf))],
  ];
};
