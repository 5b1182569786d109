import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseRecordingName, type RecordingName } from './name.ts';

/** A recording, as its name says it. */
export interface ListedRecording extends RecordingName {
  /** Path: the folder's with the name. */
  readonly file: string;
}

/**
 * The recordings of a folder, in the order in which the steps started; none when there is no such folder.
 *
 * @param options.recursive look in the folders in it, too: where the recordings of several workers were collected
 */
export const listRecordings = (folder: string, { recursive = false } = {}): ListedRecording[] => {
  try {
    return readdirSync(folder, { recursive, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .flatMap((entry) => {
        const name = parseRecordingName(entry.name);
        return name ? [{ ...name, file: join(entry.parentPath, entry.name) }] : [];
      })
      .sort((a, b) => a.startedAt.localeCompare(b.startedAt) || a.file.localeCompare(b.file));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
};
