import type { EventOf } from '../events.ts';
import { formatDuration } from '../format.ts';
import { progressText } from '../text/line.ts';
import { displayWidth } from './width.ts';

const WIDEST = 24;

/** Shorter ones say nothing. */
const SHORTEST = 6;

/** A transfer as a line: bar, share, figures and the time that is left at the rate so far. Where there is little room, it is the bar that shrinks. */
export const barText = (event: EventOf<'progress'>, columns: number): string => {
  const { totalBytes, doneBytes, durationMs } = event;
  if (!totalBytes) return progressText(event);
  const share = Math.min(1, doneBytes / totalBytes);
  const left = share > 0 && share < 1 ? `, ${formatDuration((durationMs * (1 - share)) / share)} left` : '';
  const figures = `${Math.floor(share * 100)}% ${progressText(event)}${left}`;
  const length = Math.min(WIDEST, columns - displayWidth(figures) - 1);
  if (length < SHORTEST) return figures;
  const filled = Math.round(share * length);
  return `${'█'.repeat(filled)}${'░'.repeat(length - filled)} ${figures}`;
};
