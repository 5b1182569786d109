import type { EventOf, LogEvent } from '../events.ts';
import { formatBytes, formatCommand, formatDuration } from '../format.ts';

/** How a line is to stand out, where the place can show it. */
export type Tone = 'plain' | 'strong' | 'faint' | 'good' | 'bad' | 'warning' | 'phase';

/** What an event says to people: one line, or several. */
export interface Said {
  readonly text: string;
  readonly tone: Tone;
}

/** `12 MiB of 40 MiB, 3 MiB/s`; without a total where none is known, without a rate where no time has passed. */
export const progressText = ({ label, doneBytes, totalBytes, durationMs }: EventOf<'progress'>): string => {
  const total = totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`;
  const rate = durationMs < 1 ? '' : `, ${formatBytes((doneBytes * 1000) / durationMs)}/s`;
  return `${label}: ${formatBytes(doneBytes)}${total}${rate}`;
};

const indented = (text: string): string[] => text.split('\n').map((line) => `  ${line}`);

/** The command behind the error, unless the hint has it already. */
const commandLines = ({ command, hint = '' }: EventOf<'error'>): string[] => {
  if (command === undefined) return [];
  const last = command.lastOutput.trimEnd();
  const output =
    last === '' || hint.includes(last)
      ? []
      : [`  The last lines of ${command.command[0]}:`, ...indented(last).map((line) => `  ${line}`)];
  const again = `cd ${formatCommand([command.cwd])} && ${formatCommand(command.command)}`;
  return hint.includes(again) ? output : [...output, `  To run the command again: ${again}`];
};

const errorText = (event: EventOf<'error'>): string => {
  const lines = [`error ${event.code}: ${event.message}`];
  if (event.hint) lines.push(...indented(event.hint));
  lines.push(...commandLines(event));
  if (event.stack) lines.push(event.stack, 'This is a bug in Slipway. Please report it with the lines above.');
  if (event.cause) lines.push(`  Likely cause: ${event.cause}`);
  if (event.fix) lines.push(`  What to do: ${event.fix}`);
  if (event.rerun) lines.push(`  To run the step again: ${event.rerun}`);
  return lines.join('\n');
};

const retryText = ({ what, reason, delayMs, attempt }: EventOf<'retry'>): string =>
  `warning: ${what}: ${reason}; trying again in ${formatDuration(delayMs)} (try ${attempt + 1})`;

const hitText = ({ what, path, reason = 'it is here', sizeBytes }: EventOf<'cache-hit'>): string =>
  `${what} ${path}: ${reason}${sizeBytes ? ` (${formatBytes(sizeBytes)})` : ''}`;

/**
 * What an event says in text, whether it scrolls by on a terminal or stands in a file. What begins is said by one of the two only, and how far
 * something is by each in its own way, so that both are left out here; so is what is of use only as a number.
 */
export const sayEvent = (event: LogEvent): Said | undefined => {
  switch (event.kind) {
    case 'step-started':
      return { text: `=== ${event.step} ${formatCommand(event.args)}`.trimEnd(), tone: 'strong' };
    case 'step-finished': {
      const tone = event.exitCode === 0 ? 'good' : 'bad';
      return { text: `=== ${event.step}: ${event.outcome} in ${formatDuration(event.durationMs)}`, tone };
    }
    case 'phase-finished': {
      const tone = event.outcome === 'done' ? 'phase' : 'bad';
      return { text: `<- ${event.phase}: ${event.outcome} (${formatDuration(event.durationMs)})`, tone };
    }
    case 'info':
      return { text: event.text, tone: 'plain' };
    case 'warning':
      return { text: `warning: ${event.text}`, tone: 'warning' };
    case 'retry':
      return { text: retryText(event), tone: 'warning' };
    case 'cache-hit':
      return { text: hitText(event), tone: 'plain' };
    case 'cache-miss':
      return { text: `${event.what} ${event.path}: ${event.reason}`, tone: 'plain' };
    case 'planned':
      return { text: `would ${event.effect}`, tone: 'plain' };
    case 'error':
      return { text: errorText(event), tone: 'bad' };
    default:
      return undefined;
  }
};
