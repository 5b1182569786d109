import type { EventOf, LogEvent, Sink } from '../events.ts';
import { formatCommand } from '../format.ts';
import { cleanText } from './clean.ts';
import { createDepths } from './depths.ts';
import { createFolds, type Folding } from './folding.ts';
import { progressText, sayEvent } from './line.ts';

/** In a file a long transfer gets a line now and then, so that nobody takes the step for dead. */
const PROGRESS_INTERVAL_MS = 10_000;

const createProgressLines = () => {
  const reportedMs = new Map<number, number>();
  return (event: EventOf<'progress'>): string | undefined => {
    const { id, durationMs, finished } = event;
    if (!finished && durationMs - (reportedMs.get(id) ?? 0) < PROGRESS_INTERVAL_MS) return undefined;
    if (finished) reportedMs.delete(id);
    else reportedMs.set(id, durationMs);
    return progressText(event);
  };
};

/**
 * The log as plain lines, for files and CIs: phases as an indented tree with durations, commands as lines that can be pasted, and no control
 * characters, whatever the commands print.
 *
 * @param write takes whole lines
 * @param folding how the CI folds; undefined: it does not
 */
export const plainSink = (write: (text: string) => void, folding?: Folding): Sink => {
  const depthOf = createDepths();
  const progressLine = createProgressLines();
  const folds = createFolds({ nests: folding?.nests ?? false });
  const quote = folding?.quote ?? ((line: string) => line);

  const lineOf = (event: LogEvent): string | undefined => {
    if (event.kind === 'progress') return progressLine(event);
    if (event.kind === 'phase-started') return `-> ${event.phase}`;
    if (event.kind === 'command-started') return `$ ${formatCommand(event.command)}`;
    if (event.kind === 'command-output') return `  ${event.line}`;
    return sayEvent(event)?.text;
  };

  return (event) => {
    const depth = depthOf(event);
    const fold = folding && folds.take(event);
    if (folding && fold === 'close' && event.kind === 'phase-finished') write(`${folding.close(event.id)}\n`);
    if (folding && fold === 'open' && event.kind === 'phase-started') {
      write(`${folding.open(event.id, cleanText(event.phase))}\n`);
      return;
    }
    const text = lineOf(event);
    if (text === undefined) return;
    const indent = event.kind === 'error' ? '' : '  '.repeat(depth);
    const lines = cleanText(text).split('\n');
    write(lines.map((line) => `${quote(`${indent}${line}`)}\n`).join(''));
    if (event.kind === 'error' && folding?.error) write(`${folding.error(event)}\n`);
  };
};
