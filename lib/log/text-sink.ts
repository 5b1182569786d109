import type { LogEvent, Sink } from './events.ts';
import { formatBytes, formatCommand, formatDuration } from './format.ts';
import type { Mask } from './mask.ts';

/** Where the text goes and what the place can show. */
export interface TextOutput {
  write(text: string): void;
  /** Bars and colours only on a terminal; a file gets plain lines. */
  readonly isTerminal: boolean;
  readonly columns?: number;
}

/** In a file a long transfer gets a line now and then, so that nobody takes the step for dead. */
const PLAIN_PROGRESS_INTERVAL_MS = 10_000;

type ProgressEvent = Extract<LogEvent, { kind: 'progress' }>;

const colour = (on: boolean, code: number, text: string): string => (on ? `\u001b[${code}m${text}\u001b[0m` : text);

const rateOf = (event: ProgressEvent): string =>
  event.durationMs < 1 ? '' : `, ${formatBytes((event.doneBytes * 1000) / event.durationMs)}/s`;

const progressText = (event: ProgressEvent): string => {
  const total = event.totalBytes === undefined ? '' : ` of ${formatBytes(event.totalBytes)}`;
  return `${event.label}: ${formatBytes(event.doneBytes)}${total}${rateOf(event)}`;
};

const BAR_WIDTH = 24;

const barText = (event: ProgressEvent): string => {
  if (!event.totalBytes) return progressText(event);
  const share = Math.min(1, event.doneBytes / event.totalBytes);
  const filled = Math.round(share * BAR_WIDTH);
  const leftMs = share > 0 ? (event.durationMs * (1 - share)) / share : 0;
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${bar} ${Math.floor(share * 100)}% ${progressText(event)}${share < 1 ? `, ${formatDuration(leftMs)} left` : ''}`;
};

const errorText = (event: Extract<LogEvent, { kind: 'error' }>): string => {
  const lines = [`error ${event.code}: ${event.message}`];
  if (event.hint) lines.push(...event.hint.split('\n').map((line) => `  ${line}`));
  if (event.stack) lines.push(event.stack, 'This is a bug in Slipway. Please report it with the lines above.');
  return lines.join('\n');
};

const lineOf = (event: LogEvent, tty: boolean, indent: string): string | undefined => {
  switch (event.kind) {
    case 'step-started':
      return colour(tty, 1, `=== ${event.step} ${formatCommand(event.args)}`.trimEnd());
    case 'step-finished': {
      const code = event.exitCode === 0 ? 32 : 31;
      return colour(tty, code, `=== ${event.step}: ${event.outcome} in ${formatDuration(event.durationMs)}`);
    }
    case 'phase-started':
      return `${indent}${colour(tty, 36, `-> ${event.phase}`)}`;
    case 'phase-finished':
      return `${indent}${colour(tty, event.outcome === 'done' ? 36 : 31, `<- ${event.phase}: ${event.outcome}`)} (${formatDuration(event.durationMs)})`;
    case 'info':
      return `${indent}${event.text}`;
    case 'warning':
      return `${indent}${colour(tty, 33, `warning: ${event.text}`)}`;
    case 'command-started':
      return `${indent}${colour(tty, 2, `$ ${formatCommand(event.command)}`)}`;
    case 'command-output':
      return `${indent}  ${event.line}`;
    case 'planned':
      return `${indent}would ${event.effect}`;
    case 'error':
      return colour(tty, 31, errorText(event));
    default:
      return undefined;
  }
};

const CLEAR_LINE = '\r\u001b[K';

/** Shows transfers: one bar that is redrawn on a terminal, a line every ten seconds elsewhere. */
const createProgressView = (output: TextOutput, mask: Mask) => {
  const reportedMs = new Map<string, number>();
  let drawn = false;
  const clear = (): void => {
    if (drawn) output.write(CLEAR_LINE);
    drawn = false;
  };
  const show = (event: ProgressEvent, indent: string): void => {
    if (output.isTerminal && !event.finished) {
      output.write(CLEAR_LINE + mask(`${indent}${barText(event)}`).slice(0, (output.columns ?? 80) - 1));
      drawn = true;
      return;
    }
    const due = event.durationMs - (reportedMs.get(event.label) ?? 0) >= PLAIN_PROGRESS_INTERVAL_MS;
    if (!event.finished && !due) return;
    reportedMs.set(event.label, event.finished ? 0 : event.durationMs);
    clear();
    output.write(mask(`${indent}${progressText(event)}\n`));
  };
  return { clear, show };
};

/** Says how far each line goes in. Phases may run side by side: what they print goes below the innermost of them. */
const createOpenPhases = () => {
  const depths: number[] = [];
  return {
    depthOf(event: LogEvent): number {
      if (event.kind === 'phase-started') depths.push(event.depth);
      if (event.kind === 'phase-finished') depths.splice(depths.indexOf(event.depth), 1);
      return 'depth' in event ? event.depth : Math.max(-1, ...depths) + 1;
    },
  };
};

/**
 * The log for people: phases as an indented tree with durations, commands as lines that can be pasted.
 *
 * @param output a terminal or a file
 * @param mask hides secrets in everything that is written
 */
export const textSink = (output: TextOutput, mask: Mask): Sink => {
  const progress = createProgressView(output, mask);
  const open = createOpenPhases();
  return (event) => {
    const indent = '  '.repeat(open.depthOf(event));
    if (event.kind === 'progress') return progress.show(event, indent);
    const line = lineOf(event, output.isTerminal, indent);
    if (line === undefined) return;
    progress.clear();
    output.write(mask(`${line}\n`));
  };
};
