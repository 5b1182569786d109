import { nearest } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';

/** The parts of a release, in the order of the original. */
export const PHASES = ['pre-release', 'offers', 'templates', 'image-lists', 'copy', 'sdk-images', 'sdk-copy'] as const;

/** One part of a release. */
export type Phase = (typeof PHASES)[number];

const isPhase = (word: string): word is Phase => (PHASES as readonly string[]).includes(word);

/**
 * Reads the phases of a command line; none means all. They run in the order of {@link PHASES}, in whatever order they are named.
 *
 * @param families words of the tree that stand for several phases
 * @throws RELEASE_PHASE_UNKNOWN
 */
export const parsePhases = (
  given: readonly string[],
  families: Readonly<Record<string, readonly string[]>> = {},
): readonly Phase[] => {
  if (given.length === 0) return PHASES;
  const known = [...PHASES, ...Object.keys(families)];
  const wanted = new Set<string>();
  for (const word of given) {
    if (!known.includes(word)) {
      throw slipwayError('RELEASE_PHASE_UNKNOWN', { phase: word, known, nearest: nearest(word, known) });
    }
    for (const phase of isPhase(word) ? [word] : (families[word] ?? [])) wanted.add(phase);
  }
  return PHASES.filter((phase) => wanted.has(phase));
};
