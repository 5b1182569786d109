import type { EventOf } from '../events.ts';
import { formatDuration } from '../format.ts';
import { progressText } from '../text/line.ts';

const WIDEST = 24;

/** Below this many columns the numbers matter more than the picture. */
const NARROW_COLUMNS = 60;

/** A transfer as a line: bar, share, figures and the time that is left at the rate so far. */
export const barText = (event: EventOf<'progress'>, columns: number): string => {
  const { totalBytes, doneBytes, durationMs } = event;
  if (!totalBytes) return progressText(event);
  const share = Math.min(1, doneBytes / totalBytes);
  const percent = `${Math.floor(share * 100)}%`;
  const left = share > 0 && share < 1 ? `, ${formatDuration((durationMs * (1 - share)) / share)} left` : '';
  if (columns < NARROW_COLUMNS) return `${percent} ${progressText(event)}${left}`;
  const filled = Math.round(share * WIDEST);
  return `${'█'.repeat(filled)}${'░'.repeat(WIDEST - filled)} ${percent} ${progressText(event)}${left}`;
};
