import { access, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reportNames } from './write-reports.ts';

/** Is there while a vendor script is called for what the user asked for. */
export const FIRST_RUN = 'first_run';

/** A vendor script makes it when repetitions make no sense. */
export const BREAK_RETESTS = 'break_retests';

/** What an earlier or killed call left, and would be taken for this one's. kola makes `_kola_temp` anew, if it gets that far. */
const STALE =
  /^(?:(?:results-run-\d+|instance_.*_validate)\.tap|results-run-\d+\.tap\.mtf\.tmp|failed-run-\d+\.txt|_kola_temp)$/;

/** Where a vendor's tests are. */
export interface WorkFolder {
  /** Absolute path of the root of the tree. */
  readonly root: string;
  /** Folder of all tests, from the root. */
  readonly workFolder: string;
  readonly vendor: string;
}

/**
 * Makes the folder of a vendor, and removes what earlier calls left in it and about it.
 *
 * @param remove removes a file or folder, whoever owns it; the path is from the root
 */
export const clearAway = async (
  { root, workFolder, vendor }: WorkFolder,
  remove: (path: string) => Promise<void>,
): Promise<void> => {
  const own = join(workFolder, vendor);
  await mkdir(join(root, own), { recursive: true });
  const stale = (await readdir(join(root, own))).filter((name) => STALE.test(name)).map((name) => join(own, name));
  const marks = [FIRST_RUN, BREAK_RETESTS].map((name) => join(workFolder, name));
  for (const path of [...marks, ...stale, ...reportNames(vendor)]) await remove(path);
};

/** The container reads it, so it must be there. @param file absolute path */
export const makeVariablesFile = async (file: string): Promise<void> => {
  try {
    await writeFile(file, '', { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
};

/** Whether a file is there; it is not any more afterwards. @param file absolute path */
export const takeMark = async (file: string): Promise<boolean> => {
  try {
    await access(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  await rm(file, { force: true });
  return true;
};
