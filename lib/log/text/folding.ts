import type { EventOf, LogEvent } from '../events.ts';

/** How a CI wants to be told what belongs together; one of the edge's adaptors, for lib knows no CI. */
export interface Folding {
  /** Whether a fold may be inside another. */
  readonly nests: boolean;
  /** The line that begins a fold. */
  open(id: number, name: string): string;
  /** The line that ends it. */
  close(id: number): string;
  /** A line that makes the CI show the failure where people look first. */
  error?(event: EventOf<'error'>): string;
  /** A line that means to this CI what it says and nothing more: what looks like a command of its is made harmless. */
  quote?(line: string): string;
}

/**
 * Decides which phases are folds. Folds must be properly inside each other, while phases may run side by side: one that begins while another
 * one's fold is open is a plain line in that.
 */
export const createFolds = ({ nests }: Pick<Folding, 'nests'>) => {
  const open: number[] = [];
  return {
    /** Whether this event opens or closes a fold. */
    take(event: LogEvent): 'open' | 'close' | undefined {
      if (event.kind === 'phase-started') {
        const isInside = open.length === 0 ? event.parent === undefined : nests && open.at(-1) === event.parent;
        if (!isInside) return undefined;
        open.push(event.id);
        return 'open';
      }
      if (event.kind !== 'phase-finished' || open.at(-1) !== event.id) return undefined;
      open.pop();
      return 'close';
    },
  };
};
