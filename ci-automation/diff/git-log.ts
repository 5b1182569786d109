import { join } from 'node:path';
import { isSlipwayError } from '../../lib/errors/index.ts';
import type { Runner } from '../../lib/process/index.ts';
import type { StatementReader } from '../../lib/provenance/index.ts';
import { cloneBare, findRepository, type SourceSearch, type StatedSource } from '../reproduce/source.ts';

/** A commit between two tags. */
export interface LoggedCommit {
  readonly commit: string;
  readonly author: string;
  readonly subject: string;
}

/** The commits between two versions, or why they are not known. */
export interface GitLog {
  readonly before?: string;
  readonly after?: string;
  readonly commits: readonly LoggedCommit[];
  readonly why?: string;
}

const MOST_COMMITS = 1000;

/** Where a version was built from, by the statement on its image, else on anything of it. */
export const sourceOf = async (reader: StatementReader, version: string): Promise<StatedSource | undefined> => {
  const { good } = await reader.ofVersion(version);
  const byStep = [...good].sort((a, b) => Number(b.statement.step === 'image') - Number(a.statement.step === 'image'));
  for (const { statement, signedBy } of byStep) {
    const source = statement.dependencies.find((one) => one.kind === 'source');
    if (signedBy.state !== 'untrusted' && source?.kind === 'source' && source.tag !== undefined)
      return { url: source.url, tag: source.tag, commit: source.commit };
  }
  return undefined;
};

/** The log of a clone, without merges. @param folder absolute path of a bare clone */
export const readLog = async (runner: Runner, folder: string, from: string, to: string): Promise<LoggedCommit[]> => {
  const range = `refs/tags/${from}..refs/tags/${to}`;
  const format = '--format=%H%x00%an%x00%s';
  const command = [
    'git',
    '--git-dir',
    folder,
    'log',
    '--no-merges',
    `--max-count=${MOST_COMMITS}`,
    format,
    range,
    '--',
  ] as const;
  const { stdout } = await runner.run(command, { stdout: 'capture' });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [commit = '', author = '', subject = ''] = line.split('\0');
      return { commit, author, subject };
    });
};

/** The commits between two versions; without a repository that has both, why not. */
export const logBetween = async (
  reader: StatementReader,
  [before, after]: readonly [string, string],
  { runner, search, temp }: { runner: Runner; search: SourceSearch; temp: string },
): Promise<GitLog> => {
  const [from, to] = [await sourceOf(reader, before), await sourceOf(reader, after)];
  if (!from || !to) return { commits: [], why: `nothing says what ${from ? after : before} was built from` };
  try {
    const url = await findRepository(runner, search, { version: `${before} and ${after}`, runs: [to, from] });
    const folder = join(temp, 'log.git');
    await cloneBare(runner, url, folder, search.cwd);
    return { before: from.tag, after: to.tag, commits: await readLog(runner, folder, from.tag, to.tag) };
  } catch (error) {
    if (!isSlipwayError(error, 'REPRODUCE_SOURCE_UNKNOWN')) throw error;
    return {
      before: from.tag,
      after: to.tag,
      commits: [],
      why: 'no repository was found that has both tags (--repository URL)',
    };
  }
};
