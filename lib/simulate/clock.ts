import { createHeap } from './heap.ts';

/** Simulated time, and what happens when. */
export interface Clock {
  /** Seconds since the start. */
  now(): number;
  /** @param atSeconds not before now */
  at(atSeconds: number, happen: () => void): void;
  /** Lets everything happen, in order, up to and with this time. */
  runUntil(endSeconds: number): void;
}

/** A clock at 0. */
export const createClock = (): Clock => {
  const events = createHeap<() => void>();
  let now = 0;
  return {
    now: () => now,
    at: (atSeconds, happen) => events.put(Math.max(now, atSeconds), happen),
    runUntil(endSeconds) {
      while (events.nextKey() <= endSeconds) {
        now = events.nextKey();
        events.take()?.();
      }
      now = endSeconds;
    },
  };
};
