import { join } from 'node:path';
import type { Settings } from '../../lib/config/index.ts';
import type { Log } from '../../lib/log/index.ts';
import { listRecordings } from '../../lib/recording/index.ts';
import { EVENTS_FOLDER, RESULT_FOLDER, type StepIo } from '../../lib/step/index.ts';
import { writeReport } from '../report/write-report.ts';

/**
 * Makes the page about the run that was just over, however it ended. Trouble with the page is only noted: it must not hide how the run ended.
 *
 * @param tree absolute path of the OS tree
 * @param startedMs when the nightly began: what was recorded before is of another one
 * @returns its absolute path; undefined when there is nothing to tell of
 */
export const writeNightlyReport = async (
  tree: string,
  startedMs: number,
  settings: Settings,
  log: Log,
  io: StepIo,
): Promise<string | undefined> => {
  const out = join(tree, RESULT_FOLDER, 'report.html');
  const noteTrouble = (error: unknown): void => log.warn(`The report: ${(error as Error).message}`);
  const events = join(tree, EVENTS_FOLDER);
  if (!listRecordings(events).some(({ startedAt }) => Date.parse(startedAt) >= startedMs)) return undefined;
  try {
    await writeReport({ places: [events], out, settings, onFault: noteTrouble }, io);
    return out;
  } catch (error) {
    noteTrouble(error);
    return undefined;
  }
};
