import { type CacheFigures, IMAGES, type Parameters } from './parameters.ts';

/** How container images are kept: an archive each, or in the deduplicated store. */
export const WAYS = ['plain', 'dedup'] as const;

/** One of {@link WAYS}. */
export type Way = (typeof WAYS)[number];

/** What of a run is published: a container image or a file, of one build of one line. */
export interface Version {
  /** The name in the parameters, for example `packages` or `generic`. */
  readonly what: string;
  /** Versions of one series are like each other: one arch's, of one line of nightlies. */
  readonly series: string;
  /** The line of nightlies that it belongs to, or is built on. */
  readonly line: number;
  /** Unique among all. */
  readonly id: string;
  /** The night that it is of, or that the pull request builds on; from 0. */
  readonly night: number;
  readonly isNightly: boolean;
}

/** A version of the same series that somebody has. */
export type Known = Pick<Version, 'id' | 'night'>;

/** How many bytes things take. */
export interface Sizes {
  /** What publishing it adds to the cache, and sends there. */
  published(version: Version): number;
  /** What reading it takes. @param known what the reader had last; undefined: nothing of the series */
  read(version: Version, known: Known | undefined): number;
}

const MEGABYTE = 1_000_000;

const isImage = (what: string): what is (typeof IMAGES)[number] => (IMAGES as readonly string[]).includes(what);

/** Packages images begin with the SDK's layers: the plain way stores these twice, the deduplicated store once. */
const coldRatio = ({ plainBytes: { sdk, packages }, stored }: CacheFigures): number =>
  (stored.first * (sdk + packages)) / packages;

/** Sizes by the figures of the benchmark. */
export const makeSizes = (way: Way, parameters: Parameters, figures: CacheFigures): Sizes => {
  const plainOf = (what: string): number =>
    isImage(what) ? figures.plainBytes[what] : (parameters.files[what] ?? 0) * MEGABYTE;
  if (way === 'plain') {
    return { published: ({ what }) => plainOf(what), read: ({ what }) => plainOf(what) };
  }
  const { stored, downloaded } = figures;
  const cold = coldRatio(figures);
  return {
    published({ what, night, isNightly }) {
      if (!isImage(what)) return plainOf(what);
      if (!isNightly) return plainOf(what) * stored.userland;
      if (night === 0) return plainOf(what) * stored.first;
      return plainOf(what) * (night % parameters.kernelEveryNights === 0 ? stored.kernel : stored.userland);
    },
    read({ what, id, night }, known) {
      if (!isImage(what)) return plainOf(what);
      if (!known) return plainOf(what) * cold;
      if (known.id === id) return 0;
      // Each night in between changes something else, until it is no better than having nothing.
      const nights = Math.max(1, Math.abs(night - known.night));
      return plainOf(what) * Math.min(cold, nights * downloaded.builtYesterday);
    },
  };
};
