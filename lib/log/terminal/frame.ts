import { formatCommand, formatDuration } from '../format.ts';
import { cleanText } from '../text/clean.ts';
import type { Tone } from '../text/line.ts';
import { barText } from './bar.ts';
import type { Live } from './model.ts';
import { displayWidth, truncate } from './width.ts';

/** One line of the view; as wide as the terminal at most. */
export interface FrameLine {
  readonly text: string;
  readonly tone: Tone;
  /** Left out first where there is no room for all. */
  readonly isExtra?: boolean;
}

/** Room of a terminal, in characters. */
export interface Room {
  readonly columns: number;
  readonly rows: number;
}

/** Fewer columns than these say nothing of a name. */
const LEAST_NAME = 8;

/** Whole seconds: tenths would only flicker. */
const formatElapsed = (ms: number): string =>
  ms < 60_000 ? `${Math.floor(ms / 1000)} s` : formatDuration(Math.floor(ms / 1000) * 1000);

/** What a drawing goes by, besides what goes on. */
export interface Moment {
  /** On the clock of the start times. */
  readonly nowMs: number;
  /** Hides secrets; applied before anything is cut off, for half a secret is none that can be found. */
  readonly mask: (text: string) => string;
}

/** A line is at most so long, whatever a program prints. */
const LONGEST = 2000;

/** Makes the lines of one drawing. */
const createPainter = (live: Live, columns: number, { nowMs, mask }: Moment) => {
  /** Of text that somebody else wrote, one line that can be drawn. */
  const drawable = (text: string): string =>
    mask(cleanText(text.slice(0, LONGEST)))
      .replaceAll(/\s+/g, ' ')
      .trim();

  const line = (depth: number, text: string, tone: Tone): FrameLine => ({
    text: truncate('  '.repeat(depth) + drawable(text), columns),
    tone,
  });

  /** Name and time of something that runs; the time is seen even where the name is cut. */
  const running = (depth: number, name: string, startedMs: number, tone: Tone): FrameLine => {
    const ms = nowMs - startedMs;
    const elapsed = ms < 1000 ? '' : `  ${formatElapsed(ms)}`;
    const start = '  '.repeat(depth) + drawable(name);
    const room = columns - displayWidth(elapsed);
    return { text: room < LEAST_NAME ? truncate(start, columns) : truncate(start, room) + elapsed, tone };
  };

  /** Commands and transfers of one phase, or of none. */
  const linesIn = (phase: number | undefined, depth: number): FrameLine[] => [
    ...[...live.commands.values()]
      .filter(({ event }) => event.phase === phase)
      .flatMap(({ event, startedMs, lastLine }) => [
        running(depth, `$ ${formatCommand(event.command)}`, startedMs, 'plain'),
        ...(lastLine === '' ? [] : [{ ...line(depth + 1, lastLine, 'faint'), isExtra: true }]),
      ]),
    ...[...live.transfers.values()]
      .filter((event) => event.phase === phase)
      .map((event) => line(depth, barText(event, columns - 2 * depth), 'plain')),
  ];

  /** The tree below a phase, or all of it. */
  const tree = (parent: number | undefined): FrameLine[] =>
    [...live.phases.values()]
      .filter(({ event }) => event.parent === parent)
      .flatMap(({ event: { id, depth, phase }, startedMs }) => [
        running(depth, `-> ${phase}`, startedMs, 'phase'),
        ...linesIn(id, depth + 1),
        ...tree(id),
      ]);

  return { all: (): FrameLine[] => [...tree(undefined), ...linesIn(undefined, 0)] };
};

const keepLines = (lines: readonly FrameLine[], rows: number): readonly FrameLine[] => {
  if (lines.length <= rows) return lines;
  const needed = lines.filter(({ isExtra }) => !isExtra);
  if (needed.length <= rows) return needed;
  const text = `… and ${needed.length - rows + 1} more`;
  return [...needed.slice(0, rows - 1), { text, tone: 'faint' }];
};

/** The view of what goes on: phases as a tree, in each its commands with their last line, and its transfers as bars. */
export const drawFrame = (live: Live, { columns, rows }: Room, moment: Moment): readonly FrameLine[] => {
  // The last column stays free: what fills it makes some terminals begin a new line.
  const painter = createPainter(live, Math.max(1, columns - 1), moment);
  // Below the view is the line of the cursor, above it what just scrolled.
  return keepLines(painter.all(), Math.max(1, rows - 2));
};
