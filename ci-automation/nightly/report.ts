import { join } from 'node:path';
import type { Settings } from '../../lib/config/index.ts';
import type { Log } from '../../lib/log/index.ts';
import { EVENTS_FOLDER, RESULT_FOLDER, type StepIo } from '../../lib/step/index.ts';
import { writeReport } from '../report/write-report.ts';

/**
 * Makes the page about the run that was just over, however it ended. Trouble with the page is only noted: it must not hide how the run ended.
 *
 * @param tree absolute path of the OS tree
 * @returns its absolute path
 */
export const writeNightlyReport = async (
  tree: string,
  settings: Settings,
  log: Log,
  io: StepIo,
): Promise<string | undefined> => {
  const out = join(tree, RESULT_FOLDER, 'report.html');
  const noteTrouble = (error: unknown): void => log.warn(`The report: ${(error as Error).message}`);
  try {
    await writeReport({ places: [join(tree, EVENTS_FOLDER)], out, settings, onFault: noteTrouble }, io);
    return out;
  } catch (error) {
    noteTrouble(error);
    return undefined;
  }
};
