import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import type { VendorRecord, VendorRun } from './types.ts';

/*
 * One file per vendor, `TEST_WORK_DIR/VENDOR/results.jsonl`: a first line that says what was tested, and a line per run. A vendor that is
 * started again gets a new file, so no result of an earlier call can count; and vendors that run at the same time do not meet.
 *
 * The tree's own automation has all this in results.sqlite3 beside it, where results of earlier calls do count. That file is
 * neither read nor written here.
 */

/** Name of the file of a vendor. */
export const RECORD_FILE = 'results.jsonl';

const SCHEMA = 1;

const headSchema = v.object({
  schema: v.literal(SCHEMA),
  vendor: v.string(),
  arch: v.string(),
  version: v.string(),
  /** Milliseconds since 1970: when this vendor was first run in this workspace for this version. */
  firstMs: v.number(),
});

const runSchema = v.object({
  run: v.number(),
  results: v.array(v.object({ name: v.string(), ok: v.boolean(), output: v.string() })),
});

/** What was tested. */
export interface Tested {
  readonly arch: string;
  readonly version: string;
}

type Head = v.InferOutput<typeof headSchema>;

interface Stored {
  readonly head: Head;
  readonly runs: readonly VendorRun[];
}

const readText = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
};

const parseLine = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    // Half a line: whoever wrote it was killed.
    return undefined;
  }
};

const readStored = async (folder: string): Promise<Stored | undefined> => {
  const [first, ...rest] = ((await readText(join(folder, RECORD_FILE))) ?? '').split('\n').map(parseLine);
  const head = v.safeParse(headSchema, first);
  if (!head.success) return undefined;
  const runs = rest
    .map((line) => v.safeParse(runSchema, line))
    .flatMap(({ success, output }) => (success ? [output] : []));
  return { head: head.output, runs: runs as readonly VendorRun[] };
};

const isOf = ({ head }: Stored, { arch, version }: Tested): boolean => head.arch === arch && head.version === version;

/**
 * Starts a vendor afresh: what earlier calls found does not count any more. Its place among the vendors stays.
 *
 * @param folder absolute path of the vendor's folder
 */
export const startRecord = async (folder: string, vendor: string, tested: Tested, nowMs: number): Promise<void> => {
  const before = await readStored(folder);
  const firstMs = before && isOf(before, tested) ? before.head.firstMs : nowMs;
  const head: Head = { schema: SCHEMA, vendor, arch: tested.arch, version: tested.version, firstMs };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, RECORD_FILE), `${JSON.stringify(head)}\n`);
};

/** Adds a run. */
export const appendRun = (folder: string, run: VendorRun): Promise<void> =>
  appendFile(join(folder, RECORD_FILE), `${JSON.stringify(run)}\n`);

/**
 * What is known of all vendors that were run in this workspace for one version and architecture, in the order in which they were run first.
 *
 * @param folder absolute path of the vendor's folder; the others are beside it
 */
export const readRecords = async (folder: string, tested: Tested): Promise<VendorRecord[]> => {
  const parent = dirname(folder);
  const names = (await readdir(parent, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const stored: Stored[] = [];
  for (const { name } of names) {
    const one = await readStored(join(parent, name));
    if (one && one.head.vendor === name && isOf(one, tested)) stored.push(one);
  }
  return stored
    .sort((a, b) => a.head.firstMs - b.head.firstMs)
    .map(({ head, runs }) => ({ vendor: head.vendor, runs }));
};
