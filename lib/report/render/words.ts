import { badge, type Html, html, type Tone } from '../../html/index.ts';
import { formatBytes, formatDuration } from '../../log/index.ts';
import type { CommandModel, ComparedModel, RunModel, StepModel, StepOutcome } from '../model/types.ts';

const TONES: Readonly<Record<StepOutcome, Tone>> = {
  done: 'good',
  failed: 'bad',
  interrupted: 'warning',
  skipped: 'neutral',
  running: 'neutral',
  vanished: 'bad',
};

const WORDS: Readonly<Record<StepOutcome, string>> = {
  done: 'done',
  failed: 'failed',
  interrupted: 'interrupted',
  skipped: 'skipped',
  running: 'not finished',
  vanished: 'killed',
};

/** How something ended, in a word. */
export const outcomeWord = (outcome: StepOutcome | undefined): string => WORDS[outcome ?? 'running'];

/** How something ended, in a word and in the colour of it. */
export const outcomeBadge = (outcome: StepOutcome | undefined): Html =>
  badge(TONES[outcome ?? 'running'], outcomeWord(outcome));

/** Whether a reader looks for it first. */
export const isBad = (outcome: StepOutcome | undefined): boolean => TONES[outcome ?? 'running'] === 'bad';

/** How a command ended, in a word. */
export const endingOf = ({ state, exitCode, signal }: Pick<CommandModel, 'state' | 'exitCode' | 'signal'>): string => {
  if (state === 'running') return 'not finished';
  if (signal !== undefined) return `signal ${signal}`;
  return exitCode === undefined ? 'could not be started' : `exit code ${exitCode}`;
};

/** A moment, in UTC: the workers of a run may be anywhere. */
export const moment = (timeMs: number): Html => {
  const iso = new Date(timeMs).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`;
};

/** How long something took, as people say it. */
export const duration = ({ startedMs, endedMs }: { readonly startedMs: number; readonly endedMs: number }): string =>
  formatDuration(endedMs - startedMs);

/** A size; nothing where none was moved, so that the eye finds what was. */
export const bytesOrNothing = (bytes: number): string => (bytes === 0 ? '–' : formatBytes(bytes));

/** @example countOf(1, 'line') // '1 line' */
export const countOf = (count: number, thing: string): string =>
  `${count.toLocaleString('en')} ${thing}${count === 1 ? '' : 's'}`;

/** How a step was called. */
export const callText = ({ step, args }: Pick<StepModel, 'step' | 'args'>): string => [step, ...args].join(' ');

/** Names of the places in the page. */
export const anchors = {
  step: (step: number): string => `step-${step + 1}`,
  phase: (step: number, phase: number): string => `step-${step + 1}-phase-${phase}`,
  command: (step: number, command: number): string => `step-${step + 1}-command-${command}`,
};

/** A difference that is worth a look: a fifth more or less, and enough that somebody notices. */
const NOTABLE_SHARE = 0.2;

interface Unit {
  readonly format: (figure: number) => string;
  /** Less is never notable. */
  readonly noticeable: number;
}

/** Of times; two seconds are noticed. */
export const MS: Unit = { format: formatDuration, noticeable: 2000 };
/** Of sizes; a mebibyte is noticed. */
export const BYTES: Unit = { format: formatBytes, noticeable: 1024 ** 2 };

/** What became more or less, in words and with its share. */
export const deltaText = ({ now, before }: ComparedModel, { format, noticeable }: Unit): Html => {
  if (before === undefined) return html`<span class="quiet">new</span>`;
  const delta = now - before;
  if (delta === 0) return html`<span class="quiet">same</span>`;
  const sign = delta > 0 ? '+' : '−';
  const share = before === 0 ? '' : ` (${sign}${Math.round((Math.abs(delta) / before) * 100)} %)`;
  const text = `${sign}${format(Math.abs(delta))}${share}`;
  const isNotable = Math.abs(delta) >= noticeable && Math.abs(delta) > NOTABLE_SHARE * before;
  if (!isNotable) return html`<span class="quiet">${text}</span>`;
  return badge(delta > 0 ? 'warning' : 'good', text);
};

/** The headline of a report. */
export const runTitle = ({ version, steps, outcome }: RunModel): string => {
  const what = version ?? (steps.length === 1 && steps[0] ? callText(steps[0]) : 'Build');
  return `${what}: ${outcomeWord(outcome)}`;
};
