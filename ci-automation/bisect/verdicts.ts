import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import type { Verdict } from './search.ts';

/** What is tested; another test has verdicts of its own. */
export interface TestedThing {
  readonly arch: string;
  readonly format: string;
  readonly tests: readonly string[];
}

/** Verdicts that outlive the search: one that was interrupted goes on where it was. */
export interface Verdicts {
  get(version: string): Verdict | undefined;
  set(version: string, verdict: Verdict): Promise<void>;
}

const schema = v.record(v.string(), v.picklist(['good', 'bad']));

const fileOf = (cacheDir: string, thing: TestedThing): string => {
  const name = createHash('sha256')
    .update(JSON.stringify([thing.arch, thing.format, [...thing.tests].sort((a, b) => (a < b ? -1 : 1))]))
    .digest('hex');
  return join(cacheDir, 'bisect', `${name.slice(0, 16)}.json`);
};

const read = async (file: string): Promise<Record<string, 'good' | 'bad'>> => {
  try {
    const parsed = v.safeParse(schema, JSON.parse(await readFile(file, 'utf8')));
    return parsed.success ? parsed.output : {};
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
};

/** @param isForgetful begin without what earlier searches found */
export const openVerdicts = async (cacheDir: string, thing: TestedThing, isForgetful = false): Promise<Verdicts> => {
  const file = fileOf(cacheDir, thing);
  const known = isForgetful ? {} : await read(file);
  return {
    get: (version) => (Object.hasOwn(known, version) ? known[version] : undefined),
    async set(version, verdict) {
      // Why it could not be tested may be over the next time.
      if (verdict === 'skip') return;
      known[version] = verdict;
      await mkdir(dirname(file), { recursive: true });
      await writeFile(`${file}.new`, `${JSON.stringify(known, undefined, 2)}\n`);
      await rename(`${file}.new`, file);
    },
  };
};
