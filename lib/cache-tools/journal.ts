import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SurveyedFile } from './types.ts';

/** Files that an interrupted scrub has found to be fine: it goes on behind them. */
export interface Journal {
  has(file: SurveyedFile): boolean;
  add(file: SurveyedFile): Promise<void>;
  /** How many files were known at the beginning. */
  readonly known: number;
  /** The scrub is complete; the next one begins anew. */
  finish(): Promise<void>;
}

const lineOf = ({ path, sizeBytes, modifiedMs }: SurveyedFile): string => JSON.stringify([path, sizeBytes, modifiedMs]);

/** Opens the journal of a cache. @param file absolute path @param fromStart forget what is in it */
export const openJournal = async (file: string, fromStart: boolean): Promise<Journal> => {
  if (fromStart) await rm(file, { force: true });
  const text = await readFile(file, 'utf8').catch(() => '');
  // A line that was cut off by a kill matches nothing.
  const lines = new Set(text.split('\n').filter((line) => line !== ''));
  const known = lines.size;
  await mkdir(dirname(file), { recursive: true });
  if (text !== '' && !text.endsWith('\n')) await appendFile(file, '\n');
  return {
    known,
    has: (one) => lines.has(lineOf(one)),
    add: (one) => appendFile(file, `${lineOf(one)}\n`),
    finish: () => rm(file, { force: true }),
  };
};
