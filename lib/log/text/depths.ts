import type { LogEvent } from '../events.ts';

/** Says how far in each event goes: below its phase, wherever others are at work beside it. */
export const createDepths = (): ((event: LogEvent) => number) => {
  const depths = new Map<number, number>();
  return (event) => {
    if (event.kind === 'phase-started') depths.set(event.id, event.depth);
    if (event.kind === 'phase-finished') depths.delete(event.id);
    if (event.kind === 'phase-started' || event.kind === 'phase-finished') return event.depth;
    const around = event.phase === undefined ? undefined : depths.get(event.phase);
    return around === undefined ? 0 : around + 1;
  };
};
