import { type Html, html } from '../../html/index.ts';
import { formatDuration } from '../../log/index.ts';
import { type Interval, makeTimeScale } from './scale.ts';

/** A bar of a chart. */
export interface Bar extends Interval {
  readonly label: string;
  /** How far in its label stands. */
  readonly depth: number;
  readonly look: 'step' | 'phase' | 'command';
  readonly isBad: boolean;
  /** Ended, and in which way: for the tip. */
  readonly ending: string;
}

const WIDTH = 1100;
const LABEL_WIDTH = 330;
const END_WIDTH = 86;
const ROW = 24;
const AXIS = 26;
const BAR = 14;
const MOST_CHARACTERS = 42;

const shorten = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;

/** Round moments have no odd seconds. */
const tickText = (afterMs: number): string =>
  afterMs === 0
    ? '0'
    : formatDuration(afterMs)
        .replace(/ min 0 s$/, ' min')
        .replace(/\.0 s$/, ' s');

const rounded = (figure: number): number => Math.round(figure * 10) / 10;

/**
 * Bars along a time axis, one below the other. As one picture for screen readers, with a text that says the gist; whoever draws a chart puts its
 * table beside it.
 *
 * @param id of the chart, for the names of its parts
 */
export const gantt = (id: string, title: string, gist: string, bars: readonly Bar[]): Html => {
  const scale = makeTimeScale(bars, WIDTH - LABEL_WIDTH - END_WIDTH);
  const x = (timeMs: number): number => rounded(LABEL_WIDTH + scale.at(timeMs));
  const height = AXIS + bars.length * ROW + 6;
  const lines = scale.ticks.map(({ at, afterMs }) => {
    const place = rounded(LABEL_WIDTH + at);
    return html`<line class="grid" x1="${place}" x2="${place}" y1="${AXIS - 6}" y2="${height}"/><text class="tick" x="${place}" y="${AXIS - 10}">${tickText(afterMs)}</text>\n`;
  });
  const gaps = scale.gaps.map(({ at, width, startedMs, endedMs }) => {
    const middle = rounded(LABEL_WIDTH + at + width / 2);
    return html`<rect class="gap" x="${rounded(LABEL_WIDTH + at)}" width="${rounded(width)}" y="${AXIS - 6}" height="${height - AXIS + 6}"/><text class="tick" x="${middle}" y="${AXIS - 10}">${formatDuration(endedMs - startedMs)} wait</text>\n`;
  });
  const rows = bars.map((bar, index) => {
    const top = AXIS + index * ROW;
    const [from, to] = [x(bar.startedMs), x(bar.endedMs)];
    const took = formatDuration(bar.endedMs - bar.startedMs);
    const indent = bar.depth * 14;
    const length = MOST_CHARACTERS - bar.depth * 2;
    return html`<g class="${bar.look}${bar.isBad ? ' bad' : ''}"><title>${bar.label}: ${bar.ending}, ${took}</title>
<text class="label" x="${indent}" y="${top + 15}">${bar.isBad ? '✗ ' : ''}${shorten(bar.label, length)}</text>
<rect class="bar" x="${from}" y="${top + (ROW - BAR) / 2}" width="${rounded(Math.max(2, to - from))}" height="${BAR}" rx="2"/>
<text class="took" x="${rounded(Math.max(from + 2, to) + 6)}" y="${top + 15}">${took}</text></g>\n`;
  });
  return html`<div class="scroll" role="region" aria-label="Chart: ${title}" tabindex="0"><svg class="gantt" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}-title ${id}-gist">
<title id="${id}-title">${title}</title><desc id="${id}-gist">${gist}</desc>
${lines}${gaps}${rows}</svg></div>`;
};

/** The look of charts. */
export const GANTT_STYLE = `
.gantt { display: block; width: 100%; min-width: 46rem; height: auto; font-size: 12px; }
.gantt text { fill: var(--ink); }
.gantt .tick { fill: var(--quiet); font-size: 11px; text-anchor: middle; }
.gantt .took { fill: var(--quiet); font-size: 11px; }
.gantt .grid { stroke: var(--edge); stroke-width: 1; }
.gantt .gap { fill: var(--neutral-ground); }
.gantt .bar { fill: var(--bar-deep); }
.gantt .step .bar { fill: var(--bar); }
.gantt .step .label { font-weight: 600; }
.gantt .command .bar { fill: var(--bar-quiet); }
.gantt .command .label { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 11px; }
.gantt .bad .bar { fill: var(--bar-bad); }
.gantt .bad .label { fill: var(--bad); }
@media print { .gantt { min-width: 0; } }
`;
