import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../log/index.ts';
import { type Asked, assembleNext, COMPLETENESS, completeResults } from './next-run.ts';
import { quoteWord } from './quote-word.ts';
import { readVendorTap } from './read-tap.ts';
import { appendRun, readRecords, startRecord } from './record-store.ts';
import { sayNext, sayRun } from './say.ts';
import { listFailed, tallyTests } from './tally.ts';
import type { VendorRecord } from './types.ts';
import { BREAK_RETESTS, clearAway, FIRST_RUN, makeVariablesFile, takeMark } from './work-folder.ts';
import { writeReports } from './write-reports.ts';

/** One call of a vendor script. */
export interface VendorCall {
  readonly run: number;
  /** Name of the TAP file that it is to write into its work folder. */
  readonly tapName: string;
  readonly tests: readonly string[];
}

/** What to run and where. */
export interface VendorTestOptions {
  /** Absolute path of the root of the tree. */
  readonly root: string;
  /** Folder of all tests, from the root. */
  readonly workFolder: string;
  /** Name of the vendor script without `.sh`. */
  readonly vendor: string;
  readonly arch: string;
  /** OS version in cache form. */
  readonly version: string;
  /** What the user asked for; at least one. */
  readonly tests: readonly string[];
  /** Runs in all, at least 1. */
  readonly maxRuns: number;
  /** File with variables for the container, from the root; made empty when it is not there. */
  readonly variablesFile: string;
  /** Runs the vendor script in its container. Resolves with its exit code, undefined when a signal ended it. */
  readonly call: (call: VendorCall) => Promise<number | undefined>;
  /** Removes a file or folder of an earlier call, whoever owns it; the path is from the root. */
  readonly remove: (path: string) => Promise<void>;
  /** Hides secrets in what is written. */
  readonly mask: (text: string) => string;
  readonly log: Log;
  readonly now: () => Date;
}

/** What came out. */
export interface VendorTestOutcome {
  readonly ok: boolean;
  /** How many runs were made. */
  readonly runs: number;
  /** Names of this vendor's tests. */
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** Passed, but not the first time. */
  readonly flaky: readonly string[];
  /** Why no results can be trusted to be complete; empty when they can. */
  readonly problems: readonly string[];
}

/** Linux takes no longer word (128 KiB), and all names are in one. */
const MAX_COMMAND_BYTES = 120_000;

const fitsCommandLine = ({ tests }: Asked): boolean =>
  tests.reduce((sum, test) => sum + Buffer.byteLength(quoteWord(test)) + 1, 0) < MAX_COMMAND_BYTES;

interface Progress {
  readonly run: number;
  readonly asked: Asked;
  readonly wasWhole: boolean;
}

/** A run and what follows from it. */
interface RunEnd {
  readonly next: Asked | undefined;
  readonly records: readonly VendorRecord[];
  readonly problems: readonly string[];
}

const callScript = async (
  { root, workFolder, variablesFile, call }: VendorTestOptions,
  { run, asked }: Progress,
  tapName: string,
): Promise<number | undefined> => {
  const mark = join(root, workFolder, FIRST_RUN);
  // The script chooses tests for further instances itself when it is asked for something; a repetition names them.
  if (asked.whole) await writeFile(mark, '');
  await makeVariablesFile(join(root, variablesFile));
  try {
    return await call({ run, tapName, tests: asked.tests });
  } finally {
    await rm(mark, { force: true });
  }
};

const runOnce = async (options: VendorTestOptions, progress: Progress, startedAt: Date): Promise<RunEnd> => {
  const { root, workFolder, vendor, arch, version, log, mask } = options;
  const { run, asked, wasWhole } = progress;
  const folder = join(root, workFolder, vendor);
  const tapName = `results-run-${run}.tap`;
  const exitCode = await callScript(options, progress, tapName);
  const tap = await readVendorTap(join(folder, tapName), exitCode, mask);
  sayRun(log, asked, tap, exitCode);
  await appendRun(folder, { run, results: completeResults(asked, tap, wasWhole) });
  const records = await readRecords(folder, { arch, version });
  const failed = listFailed(records, vendor).filter((name) => name !== COMPLETENESS);
  await writeFile(join(folder, `failed-run-${run}.txt`), failed.map((name) => `${name}\n`).join(''));
  await writeReports({ root, arch, version, records, vendor, startedAt, mask });
  const next = assembleNext(asked, tap, failed);
  if (!next) return { next, records, problems: tap.problems };
  const fitting = fitsCommandLine(next) ? next : { tests: options.tests, whole: true };
  sayNext(log, fitting, failed);
  return { next: fitting, records, problems: tap.problems };
};

const outcomeOf = ({ vendor }: VendorTestOptions, runs: number, end: RunEnd): VendorTestOutcome => {
  const cases = tallyTests(end.records.filter((record) => record.vendor === vendor)).filter(
    ({ name }) => name !== COMPLETENESS,
  );
  const passed = cases.filter(({ ok }) => ok);
  return {
    ok: end.next === undefined,
    runs,
    passed: passed.map(({ name }) => name),
    failed: cases.filter(({ ok }) => !ok).map(({ name }) => name),
    flaky: passed.filter((one) => one.runs.some(({ ok }) => !ok)).map(({ name }) => name),
    problems: end.problems,
  };
};

/**
 * Calls a vendor script of the tree until every test has passed once, at most `maxRuns` times; each call after the first is for the tests
 * that never passed, and for those whose results are missing. A TAP file that is empty, missing or cut off counts as failed. The reports
 * are written after each run. A vendor script that wants no repetition leaves the file `break_retests` in the folder of all tests.
 *
 * A test that failed is a result, not an error.
 */
export const runVendorTests = async (options: VendorTestOptions): Promise<VendorTestOutcome> => {
  const { root, workFolder, vendor, arch, version, tests, maxRuns, log, now } = options;
  const vendorFolder = join(root, workFolder, vendor);
  const startedAt = now();
  await clearAway(options, options.remove);
  await startRecord(vendorFolder, vendor, { arch, version }, startedAt.getTime());
  let asked: Asked = { tests, whole: true };
  let wasWhole = true;
  for (let run = 1; ; run += 1) {
    const title = `run ${run} of at most ${maxRuns} on ${vendor}: ${asked.tests.length} names or patterns`;
    const progress: Progress = { run, asked, wasWhole };
    const end: RunEnd = await log.phase(title, () => runOnce(options, progress, startedAt));
    const isBroken = await takeMark(join(root, workFolder, BREAK_RETESTS));
    if (end.next && isBroken) log.info('The vendor script wants no repetition.');
    if (!end.next || isBroken || run >= maxRuns) return outcomeOf(options, run, end);
    asked = end.next;
    wasWhole = end.problems.length === 0;
  }
};
