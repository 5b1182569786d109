import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Settings } from '../../lib/config/index.ts';
import { type SlipwayError, slipwayError } from '../../lib/errors/index.ts';
import { buildRun, loadSteps, type RunModel, renderReport } from '../../lib/report/index.ts';
import type { StepIo } from '../../lib/step/index.ts';

/** What to make a report of, and where. */
export interface ReportRequest {
  /** Absolute paths of files and folders of events. */
  readonly places: readonly string[];
  /** Absolute path. */
  readonly out: string;
  readonly settings: Settings;
  /** Told of recordings that cannot be read and are left out. */
  readonly onFault: (error: SlipwayError) => void;
}

/** Where the cache is read by people: the server's URL, or the folder. */
const cacheUrl = (settings: Settings): string =>
  (settings.BUILDCACHE_SERVER ? settings.BUILDCACHE_URL : pathToFileURL(settings.BUILDCACHE_DIR).href).replace(
    /\/+$/,
    '',
  );

/** In one move: whoever has the page open never loads half of it. */
const writePage = async (file: string, text: string): Promise<void> => {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  } catch (error) {
    throw slipwayError('REPORT_UNWRITABLE', { file, reason: (error as Error).message }, error);
  }
};

/**
 * Makes the report of a run.
 *
 * @throws EVENTS_NONE, EVENTS_MISSING, EVENTS_UNREADABLE, EVENTS_SCHEMA_UNKNOWN, REPORT_UNWRITABLE
 */
export const writeReport = async (
  { places, out, settings, onFault }: ReportRequest,
  { now, slipwayVersion }: Pick<StepIo, 'now' | 'slipwayVersion'>,
): Promise<RunModel> => {
  const { steps, earlier } = await loadSteps(places, onFault);
  const run = buildRun(steps, earlier);
  await writePage(out, renderReport(run, { cacheUrl: cacheUrl(settings), now: now(), slipwayVersion }));
  return run;
};
