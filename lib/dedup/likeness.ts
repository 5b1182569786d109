import type { Recipe } from './format/index.ts';

/**
 * Guesses where in the last image of a name the contents are that new ones were made from: layers keep the order of their files, so a new
 * content stands where its older form stood, counted from the last content that did not change.
 */
export interface Likeness {
  /** The layer goes on with a content that is in the store. */
  passKnown(block: string, chunk: number): void;
  /** The layer goes on with a new content. @returns its place in the older layer, counted in chunks */
  passNew(): number;
  /** Blocks of the older layer around two places, those with the most chunks there first. */
  blocksAround(first: number, last: number): readonly string[];
}

/** New contents may be more or fewer than those that they replace. */
const SLACK_CHUNKS = 48;

interface OldRun {
  readonly block: string;
  readonly first: number;
  readonly count: number;
  /** Of its first chunk, in the older layer. */
  readonly place: number;
}

/** Makes it from the recipe of the older layer. */
export const createLikeness = (older: Recipe): Likeness => {
  const runs: OldRun[] = [];
  const ofBlock = new Map<string, OldRun[]>();
  let end = 0;
  for (const { block: number, first, count } of older.runs) {
    const block = older.blocks[number]?.id ?? '';
    const run = { block, first, count, place: end };
    runs.push(run);
    ofBlock.set(block, [...(ofBlock.get(block) ?? []), run]);
    end += count;
  }
  let last: { readonly block: string; readonly chunk: number } | undefined;
  let place = -1;

  /** Number of the run that has the place, or of the last one before it. */
  const runAt = (wanted: number): number => {
    let [low, high] = [0, runs.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((runs[middle] as OldRun).place <= wanted) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  return {
    passKnown(block, chunk) {
      last = { block, chunk };
    },
    passNew() {
      const seen = last;
      last = undefined;
      const run =
        seen && ofBlock.get(seen.block)?.find((one) => seen.chunk >= one.first && seen.chunk < one.first + one.count);
      place = run && seen ? run.place + seen.chunk - run.first + 1 : place + 1;
      return place;
    },
    blocksAround(first, lastPlace) {
      const [from, to] = [first - SLACK_CHUNKS, lastPlace + SLACK_CHUNKS];
      const shares = new Map<string, number>();
      for (let at = runAt(Math.max(0, from)); at < runs.length; at += 1) {
        const run = runs[at] as OldRun;
        if (run.place > to) break;
        const share = Math.min(to, run.place + run.count) - Math.max(from, run.place);
        if (share > 0) shares.set(run.block, (shares.get(run.block) ?? 0) + share);
      }
      return [...shares].sort((a, b) => b[1] - a[1]).map(([block]) => block);
    },
  };
};
