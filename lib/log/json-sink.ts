import type { Sink } from './events.ts';
import type { Mask } from './mask.ts';

/**
 * Writes one JSON object per line: the event plus `time` (ISO 8601, UTC).
 *
 * @param write takes whole lines
 */
export const jsonSink = (write: (line: string) => void, mask: Mask, now: () => Date = () => new Date()): Sink => {
  return (event) => write(mask(`${JSON.stringify({ time: now().toISOString(), ...event })}\n`));
};
