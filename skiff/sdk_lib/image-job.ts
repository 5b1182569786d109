import path from 'node:path';
import type { Layout } from './image-layout.ts';
import type { TreeVersion } from './version.ts';

/** What one run of build_image makes, from what and where. Paths are absolute. */
export interface ImageJob {
  readonly board: string;
  /** release group, for example developer; part of the name of the result's folder */
  readonly group: string;
  readonly version: TreeVersion;
  /** seconds since 1970: every time stamp in the image */
  readonly epoch: number;
  readonly layout: Layout;
  /** image/ of the checkout */
  readonly assets: string;
  /** /build/<board> of the SDK container */
  readonly boardDir: string;
  /** folder for everything unfinished; removed at the end */
  readonly work: string;
  /** root filesystem of the target while it is put together */
  readonly root: string;
}

/** @returns path of an unfinished file of this run */
export function workFile(job: ImageJob, name: string): string {
  return path.join(job.work, name);
}

/**
 * Environment for programs that write times or sort: no locale, no time zone, and the epoch for every program that knows
 * SOURCE_DATE_EPOCH or, as e2fsprogs does, a variable of its own.
 * @param epoch seconds since 1970
 */
export function fixedEnv(epoch: number): Record<string, string | undefined> {
  const time = String(epoch);
  return { ...process.env, LC_ALL: 'C', TZ: 'UTC', SOURCE_DATE_EPOCH: time, E2FSPROGS_FAKE_TIME: time };
}
