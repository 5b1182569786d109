import { inParallel } from '../process/in-parallel.ts';
import { DIGESTS_SUFFIX, parseDigests } from '../signing/index.ts';
import type { CacheTools, SurveyedFile } from './types.ts';

/** A file with the digest that it should have. */
export interface FlatTask {
  readonly file: SurveyedFile;
  /** sha512, 128 hex digits. */
  readonly expected: string;
}

/** What is known of artifacts before their bytes are read. */
export interface FlatTasks {
  readonly tasks: readonly FlatTask[];
  /** Digests without the artifact, and artifacts whose digests say nothing of them. */
  readonly problems: readonly { readonly path: string; readonly problem: string }[];
  /** Artifacts that nothing vouches for: published without digests. */
  readonly unproven: readonly string[];
}

const COMPANION = /\.(asc|gpg|sig|DIGESTS)$/;

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Finds the digests of artifacts. @param files of the cache, without those of the deduplicated store */
export const planFlatTasks = async ({ store }: CacheTools, files: readonly SurveyedFile[]): Promise<FlatTasks> => {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const problems: { path: string; problem: string }[] = [];
  const unproven: string[] = [];
  for (const { path } of files) {
    const artifact = path.endsWith(DIGESTS_SUFFIX) ? path.slice(0, -DIGESTS_SUFFIX.length) : undefined;
    if (artifact && !byPath.has(artifact))
      problems.push({ path: artifact, problem: 'missing: only its digests are there' });
  }
  const artifacts = files.filter(({ path }) => !COMPANION.test(path));
  const tasks = await inParallel(artifacts, 8, async (file): Promise<FlatTask[]> => {
    const text = byPath.has(`${file.path}${DIGESTS_SUFFIX}`)
      ? await store.readText(`${file.path}${DIGESTS_SUFFIX}`)
      : undefined;
    if (text === undefined) {
      if (!file.isLink) unproven.push(file.path);
      return [];
    }
    const expected = parseDigests(text, nameOf(file.path)).sha512;
    if (expected) return [{ file, expected }];
    problems.push({
      path: `${file.path}${DIGESTS_SUFFIX}`,
      problem: `damaged: it has no SHA512 of '${nameOf(file.path)}'`,
    });
    return [];
  });
  return { tasks: tasks.flat(), problems, unproven };
};
