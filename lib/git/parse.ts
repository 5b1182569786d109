import type { Changes, PushedRef } from './types.ts';

/** Sorts names as git does: by code, not by language. */
export const sortPaths = (paths: readonly string[]): string[] => paths.toSorted((a, b) => (a < b ? -1 : Number(a > b)));

/** Splits output that ends each record with a NUL. */
export const splitRecords = (output: string): string[] => output.split('\0').filter((record) => record !== '');

/**
 * Reads `git ls-remote`.
 *
 * @param output lines `OBJECT<tab>REF`
 */
export const parseRemoteRefs = (output: string): Map<string, string> => {
  const refs = new Map<string, string>();
  for (const line of output.split('\n')) {
    const [object, ref] = line.split('\t');
    if (object && ref) refs.set(ref, object);
  }
  return refs;
};

/**
 * Reads `git status --porcelain=v1 -z` without untracked files.
 *
 * @param output records `XY PATH`, X for the index and Y for the working tree; a rename's or copy's old path is a record of its own
 */
export const parseStatus = (output: string): Pick<Changes, 'staged' | 'unstaged'> => {
  const staged: string[] = [];
  const unstaged: string[] = [];
  const records = splitRecords(output);
  for (let at = 0; at < records.length; at += 1) {
    const record = records[at] ?? '';
    const [x = ' ', y = ' '] = record;
    const path = record.slice(3);
    if (x !== ' ') staged.push(path);
    if (y !== ' ') unstaged.push(path);
    if (/[RC]/.test(x + y)) at += 1;
  }
  return { staged: sortPaths(staged), unstaged: sortPaths(unstaged) };
};

const statuses: Readonly<Record<string, PushedRef['status']>> = {
  '*': 'new',
  ' ': 'updated',
  '+': 'updated',
  '=': 'up-to-date',
  '!': 'rejected',
};

/**
 * Reads `git push --porcelain`.
 *
 * @param output lines `FLAG<tab>FROM:TO<tab>SUMMARY` among others
 */
export const parsePush = (output: string): PushedRef[] =>
  output.split('\n').flatMap((line) => {
    const [flag = '', refs = '', summary = ''] = line.split('\t');
    const status = statuses[flag];
    const ref = refs.split(':')[1];
    return status && ref ? [{ ref, status, summary }] : [];
  });
