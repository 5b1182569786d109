import type { ArtifactCache } from '../cache/types.ts';
import { isSlipwayError, type SlipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';

/** A place where images are read. */
export interface Place {
  /** For people. */
  readonly name: string;
  readonly cache: ArtifactCache;
  /** What it holds is a copy: that it is down does not matter when the others have answered. */
  readonly isMirror: boolean;
}

/** The cache, and the mirror if there is one. */
export const placesOf = ({ cache, mirror }: { cache: ArtifactCache; mirror?: ArtifactCache }): readonly Place[] => [
  { name: `artifact cache ${cache.store.location}`, cache, isMirror: false },
  ...(mirror ? [{ name: `mirror ${mirror.store.location}`, cache: mirror, isMirror: true }] : []),
];

/** What came of asking one place after the other. */
export interface Search<T> {
  readonly found?: T;
  /** What the places that do not have it said, for people. */
  readonly looked: ReadonlyMap<Place, string>;
  /** Places that did not answer; asking them for more would only cost time. */
  readonly silent: ReadonlySet<Place>;
  /** Why the cache itself did not answer. */
  readonly failure?: SlipwayError;
}

/** The place has no answer; everything else (what does not verify, a full disk) is nothing that another place could make good. */
const hasNoAnswer = (error: unknown): error is SlipwayError =>
  isSlipwayError(error, 'CACHE_UNREACHABLE') || isSlipwayError(error, 'CACHE_BAD_RESPONSE');

/**
 * Asks one place after the other for a file, until one has it.
 *
 * @param path of the file
 * @param ask throws `CACHE_ARTIFACT_MISSING` for a place that does not have it
 */
export const searchPlaces = async <T>(
  places: readonly Place[],
  path: string,
  log: Log,
  ask: (cache: ArtifactCache) => Promise<T>,
): Promise<Search<T>> => {
  const looked = new Map<Place, string>();
  const silent = new Set<Place>();
  let failure: SlipwayError | undefined;
  for (const place of places) {
    try {
      return { found: await ask(place.cache), looked, silent };
    } catch (error) {
      if (isSlipwayError(error, 'CACHE_ARTIFACT_MISSING')) {
        looked.set(place, `no ${path}`);
        continue;
      }
      if (!hasNoAnswer(error)) throw error;
      log.warn(error.message);
      looked.set(place, error.message);
      silent.add(place);
      if (!place.isMirror) failure = error;
    }
  }
  return { looked, silent, failure };
};
