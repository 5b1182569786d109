import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SlipwayError, slipwayError } from '../errors/index.ts';
import { isOwnerDead } from '../process/process-identity.ts';
import { listRecordings, openRecording, resultBeside } from '../recording/index.ts';
import { parseResult } from './model/result.ts';
import { type ChosenSteps, chooseNewestRun } from './model/run.ts';
import { StepBuilder } from './model/step.ts';
import type { ResultModel, StepModel } from './model/types.ts';

/** More recordings of one step than are ever compared need not be read. */
const MOST_PER_STEP = 8;

const readResult = async (file: string): Promise<ResultModel | undefined> => {
  try {
    return parseResult(await readFile(resultBeside(file), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/**
 * Reads the events of one step.
 *
 * @returns undefined when there are none
 * @throws EVENTS_MISSING, EVENTS_UNREADABLE, EVENTS_SCHEMA_UNKNOWN
 */
export const loadStep = async (file: string): Promise<StepModel | undefined> => {
  const reader = await openRecording(file);
  try {
    const builder = new StepBuilder();
    for await (const { recorded } of reader.readMore()) builder.add(recorded);
    if (builder.isEmpty()) return undefined;
    const isCutOff = reader.hasPartOfLine();
    return builder.build({ file, isCutOff, isOwnerGone: isOwnerDead, result: await readResult(file) });
  } finally {
    await reader.close();
  }
};

/** Reads those that can be read. */
const loadReadable = async (files: readonly string[], onFault: (error: SlipwayError) => void): Promise<StepModel[]> => {
  const steps: StepModel[] = [];
  for (const file of files) {
    try {
      const step = await loadStep(file);
      if (step) steps.push(step);
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
      onFault(error);
    }
  }
  return steps;
};

/** The newest recordings of each step in the folders. */
const newestIn = (folders: readonly string[], recursive: boolean): string[] => {
  const counts = new Map<string, number>();
  return folders
    .flatMap((folder) => listRecordings(folder, { recursive }))
    .sort((a, b) => a.startedAt.localeCompare(b.startedAt))
    .reverse()
    .filter(({ step }) => {
      const count = (counts.get(step) ?? 0) + 1;
      counts.set(step, count);
      return count <= MOST_PER_STEP;
    })
    .map(({ file }) => file)
    .reverse();
};

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file or folder' : String(error);
    throw slipwayError('EVENTS_MISSING', { path, reason }, error);
  }
};

/**
 * Reads what a report is about. Files that are named are the run; of folders it is the newest run in them, whatever worker recorded it.
 *
 * @param places absolute paths of recordings, or of folders with recordings in them or in folders below
 * @param onFault told of recordings in folders that cannot be read; they are left out
 * @throws EVENTS_NONE, EVENTS_MISSING, and for files that are named EVENTS_UNREADABLE, EVENTS_SCHEMA_UNKNOWN
 */
export const loadSteps = async (
  places: readonly string[],
  onFault: (error: SlipwayError) => void,
): Promise<ChosenSteps> => {
  const folders: string[] = [];
  const files: string[] = [];
  for (const place of places) ((await isFolder(place)) ? folders : files).push(resolve(place));
  const named: StepModel[] = [];
  for (const file of files) {
    const step = await loadStep(file);
    if (!step) throw slipwayError('EVENTS_NONE', { place: file });
    named.push(step);
  }
  if (named.length > 0) {
    const beside = newestIn([...new Set(files.map((file) => dirname(file)))], false);
    const others = [...newestIn(folders, true), ...beside].filter((file) => !files.includes(file));
    return { steps: named, earlier: await loadReadable([...new Set(others)], onFault) };
  }
  const chosen = chooseNewestRun(await loadReadable(newestIn(folders, true), onFault));
  if (chosen.steps.length === 0) throw slipwayError('EVENTS_NONE', { place: places.join(', ') });
  return chosen;
};
