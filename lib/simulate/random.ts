/** Numbers from 0 (with) to 1 (without). */
export type Random = () => number;

/** The same numbers for the same seed, on every machine: mulberry32. @param seed a whole number */
export const makeRandom = (seed: number): Random => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Time until the next of events that come independently of each other. @param perSecond how many there are on average */
export const nextAfter = (random: Random, perSecond: number): number => -Math.log(1 - random()) / perSecond;
