import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tellSummary } from './adaptors.ts';
import { type Collected, collectArtifacts } from './collect.ts';
import type { JobEnd } from './end.ts';
import { formatSummary } from './summary.ts';
import type { JobIo } from './work.ts';

const MAX_REPORT_BYTES = 64 * 1024;

/** The Markdown among the reports, as far as it is for a page. */
const readReports = async (folder: string, { reports = [] }: Collected): Promise<string[]> => {
  const texts = await Promise.all(
    reports.filter((path) => path.endsWith('.md')).map((path) => readFile(join(folder, path), 'utf8')),
  );
  return texts.filter((text) => Buffer.byteLength(text) <= MAX_REPORT_BYTES);
};

/**
 * Leaves for the CI what is worth keeping, and a summary. After the step, whatever became of it; what fails here does not change the outcome.
 *
 * @param title as the job was called
 */
export const finishJob = async (job: JobIo, title: string, end: JobEnd, startedMs: number): Promise<void> => {
  const { io, log, folder, pipeline } = job;
  try {
    const place = { root: io.cwd, target: folder, sinceMs: startedMs };
    const collected = await collectArtifacts(pipeline.artifacts, place);
    const durationMs = io.now().getTime() - startedMs;
    const summary = log.mask(
      formatSummary({ title, durationMs, tag: end.tag, ...end, reports: await readReports(folder, collected) }),
    );
    await writeFile(join(folder, 'summary.md'), summary);
    await tellSummary(io.env, summary);
  } catch (error) {
    log.warn(`What the job leaves for the CI is not complete: ${(error as Error).message}`);
  }
};
