import type { CacheStore } from '../cache/index.ts';
import type { Log } from '../log/index.ts';

/** What the tools work with. */
export interface CacheTools {
  readonly store: CacheStore;
  /** Absolute path of the cache when it is a folder of this machine: its files are then read in place. */
  readonly localDir?: string;
  /** Absolute path of an own, empty folder. */
  readonly temp: string;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/** A file of the cache. */
export interface SurveyedFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the last change: files keep the time that they had where they were made. */
  readonly modifiedMs: number;
  /** A symbolic link; its size counts for nothing. */
  readonly isLink: boolean;
}
