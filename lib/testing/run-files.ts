import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { formatJunit, formatMarkdown, formatTapReport, type ReportFacts } from './report/index.ts';
import { toCases } from './results.ts';
import type { TestResult } from './types.ts';

/** Files of a test run, absolute paths. */
export interface ResultFiles {
  /** TAP 14 over all runs. */
  readonly tap: string;
  readonly junit: string;
  readonly markdown: string;
  /** One TAP file per run, in order. */
  readonly runs: readonly string[];
  /** Serial console logs of the machines on which a check failed. */
  readonly consoles: readonly string[];
}

/** What this module writes or the machines leave; an earlier attempt's files would be taken for this one's. */
const OURS = /^(results(-run-\d+)?\.(tap|xml|md)|console-run-\d+-\d+\.log|machine-\d+-\d+)$/;

/** Makes the folder, and takes out of it what an earlier or killed attempt left. */
export const prepareWorkFolder = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true });
  const stale = (await readdir(folder)).filter((name) => OURS.test(name));
  for (const name of stale) await rm(path.join(folder, name), { recursive: true, force: true });
};

/** A reader sees the whole file or none. */
const writeWhole = async (file: string, text: string): Promise<string> => {
  await writeFile(`${file}.part`, text);
  await rename(`${file}.part`, file);
  return file;
};

/** Writes the results of one run, `results-run-N.tap`. */
export const writeRun = (
  folder: string,
  run: number,
  results: readonly TestResult[],
  facts: ReportFacts,
): Promise<string> => writeWhole(path.join(folder, `results-run-${run}.tap`), formatTapReport(toCases(results), facts));

/** Writes the verdicts over all runs: `results.tap`, `results.xml` (JUnit) and `results.md`. */
export const writeReports = async (
  folder: string,
  results: readonly TestResult[],
  facts: ReportFacts,
): Promise<Pick<ResultFiles, 'tap' | 'junit' | 'markdown'>> => {
  const cases = toCases(results);
  return {
    tap: await writeWhole(path.join(folder, 'results.tap'), formatTapReport(cases, facts)),
    junit: await writeWhole(path.join(folder, 'results.xml'), formatJunit(cases, facts)),
    markdown: await writeWhole(path.join(folder, 'results.md'), formatMarkdown(cases, facts)),
  };
};
