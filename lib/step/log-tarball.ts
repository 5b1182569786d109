import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { StepContext } from './context.ts';
import { visibleNames } from './workspace.ts';

/**
 * The time in the names of log tarballs, UTC.
 *
 * @example logStamp(new Date('2026-11-20T08:50:44Z')) // '2026-11-20-0850-44'
 */
export const logStamp = (date: Date): string => {
  const [day = '', time = ''] = date.toISOString().split('T');
  const [hours, minutes, seconds] = time.slice(0, 8).split(':');
  return `${day}-${hours}${minutes}-${seconds}`;
};

/**
 * Packs the collected logs of a step and publishes them under `build-logs/`; nothing when there are none. Never throws: logs that could not
 * be saved must not hide why the build failed.
 *
 * @param folder below the root of the tree; its visible entries are packed
 * @param name of the tarball, without folder
 * @param version cache form of the version that the logs are filed under
 */
export const publishLogs = async (
  context: StepContext,
  { folder, name, version }: { folder: string; name: string; version: string },
): Promise<void> => {
  const cwd = context.workspace.resolve(folder);
  const names = await visibleNames(cwd);
  if (names.length === 0 && !context.plan) return;
  const file = join(context.temp, name);
  try {
    if (!context.plan) {
      // Loaded here, because most runs pack nothing and it takes longer than all the rest of a short step.
      const { create } = await import('tar');
      const xz = context.query.start(['xz', '-T0', '-c']);
      const packed = pipeline(create({ cwd, portable: true, noMtime: false }, names), xz.stdin);
      await Promise.all([packed, pipeline(xz.stdout, createWriteStream(file)), xz.done]);
    }
    const records = await context.cache.publish({ folder: `build-logs/${version}`, files: [file], replace: true });
    context.outputs.push(...records);
  } catch (error) {
    if (context.signal.aborted) throw error;
    context.log.warn(
      `The logs in ${cwd} could not be published: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
};
