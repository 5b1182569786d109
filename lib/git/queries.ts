import { isSlipwayError, slipwayError } from '../errors/index.ts';
import type { Runner, RunOptions, RunResult } from '../process/index.ts';
import { parseRemoteRefs, parseStatus, sortPaths, splitRecords } from './parse.ts';
import type { CommitInfo, GitPatchQueries, GitQueries, GitSubmoduleQueries } from './types.ts';

/** What both halves of a {@link Git} need. */
export interface GitPlace {
  readonly runner: Runner;
  /** Absolute path. */
  readonly cwd: string;
  readonly remote: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const NO_GIT_REPOSITORY = 128;

/** A path from the root of the repository, whatever characters it has. */
export const asPathspec = (path: string): string => `:(top,literal)${path}`;

/** Asks git something. */
export type Ask = (args: readonly string[], options?: RunOptions) => Promise<RunResult>;

/** @param place `runner` must really run with `--plan` too */
export const createAsk =
  ({ runner, cwd, env }: GitPlace): Ask =>
  (args, options = {}) =>
    runner.run(['git', ...args], {
      cwd,
      stdout: 'capture',
      // A question must not write: not even the file times in the index that `git status` likes to refresh.
      env: { ...env, GIT_OPTIONAL_LOCKS: '0' },
      ...options,
    });

/** What has no file of its own. */
type PlainQueries = Omit<GitQueries, keyof (GitPatchQueries & GitSubmoduleQueries)>;

/** @param place `runner` must really run with `--plan` too */
export const createGitQueries = (place: GitPlace): PlainQueries => {
  const { cwd, remote } = place;
  const ask = createAsk(place);
  /** Exit 0 is yes and exit 1 is no; the rest throws. */
  const askYesNo = async (args: readonly string[]): Promise<{ yes: boolean; stdout: string }> => {
    const { exitCode, stdout } = await ask(args, { okExitCodes: [0, 1] });
    return { yes: exitCode === 0, stdout };
  };
  const askMaybe = async (args: readonly string[]): Promise<string | undefined> => {
    const { yes, stdout } = await askYesNo(args);
    return yes ? stdout : undefined;
  };

  const commitOf = (revision: string): Promise<string | undefined> =>
    askMaybe(['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]);

  const commitInfo = async (revision: string): Promise<CommitInfo> => {
    const format = '--format=%H%n%P%n%ct%n%s';
    const { stdout } = await ask(['log', '-1', '--no-show-signature', format, '--end-of-options', revision, '--']);
    const [commit = '', parents = '', time = '', subject = ''] = stdout.split('\n');
    return { commit, parents: parents.split(' ').filter(Boolean), timeSeconds: Number(time), subject };
  };

  const queries: PlainQueries = {
    cwd,
    async head() {
      let commit: string | undefined;
      try {
        commit = await commitOf('HEAD');
      } catch (error) {
        if (!isSlipwayError(error, 'COMMAND_FAILED') || error.data.exitCode !== NO_GIT_REPOSITORY) throw error;
        throw slipwayError('NOT_A_GIT_CHECKOUT', { folder: cwd, reason: String(error.data.lastOutput) }, error);
      }
      if (commit === undefined)
        throw slipwayError('NOT_A_GIT_CHECKOUT', { folder: cwd, reason: 'it has no commit yet' });
      return commit;
    },
    currentBranch: () => askMaybe(['symbolic-ref', '--quiet', '--short', 'HEAD']),
    commitOf,
    refValue: (ref) => askMaybe(['rev-parse', '--verify', '--quiet', '--end-of-options', ref]),
    commitInfo,
    commitTime: async (revision = 'HEAD') => (await commitInfo(revision)).timeSeconds,
    async tagsAt(revision = 'HEAD') {
      const { stdout } = await ask(['for-each-ref', `--points-at=${revision}`, '--format=%(refname)', 'refs/tags']);
      const refs = stdout.split('\n').filter(Boolean);
      return sortPaths(refs.map((ref) => ref.slice('refs/tags/'.length)));
    },
    async isPublished(revision) {
      const args = [
        'for-each-ref',
        '--count=1',
        `--contains=${revision}`,
        '--format=%(refname)',
        'refs/remotes',
        'refs/tags',
      ];
      return (await ask(args)).stdout !== '';
    },
    describe: async () => (await ask(['describe', '--tags'])).stdout,
    remoteRefs: async (patterns) => parseRemoteRefs((await ask(['ls-remote', remote, ...patterns])).stdout),
    async differs(from, { to, exclude = [] } = {}) {
      const paths = [':(top)', ...exclude.map((path) => `:(top,literal,exclude)${path}`)];
      const between = to === undefined ? [from] : [from, to];
      const { yes } = await askYesNo([
        'diff',
        '--quiet',
        '--no-ext-diff',
        '--end-of-options',
        ...between,
        '--',
        ...paths,
      ]);
      return !yes;
    },
    async blobAt(revision, path) {
      const { stdout } = await ask(['ls-tree', '--full-tree', '-z', revision, '--', path]);
      return /^\d+ blob ([0-9a-f]+)\t/.exec(stdout)?.[1];
    },
    blobOf: async (text) => (await ask(['hash-object', '--stdin'], { input: text })).stdout,
    async indexEntry(path) {
      const { stdout } = await ask(['ls-files', '--stage', '-z', '--', asPathspec(path)]);
      const [, mode, blob] = /^(\d+) ([0-9a-f]+) 0\t/.exec(stdout) ?? [];
      return mode && blob ? { mode, blob } : undefined;
    },
    async changes(untrackedBelow = []) {
      const others = ['ls-files', '--others', '--exclude-standard', '--full-name', '-z', '--'];
      const [status, untracked] = await Promise.all([
        ask(['status', '--porcelain=v1', '-z', '--untracked-files=no']),
        untrackedBelow.length > 0 ? ask([...others, ...untrackedBelow.map(asPathspec)]) : { stdout: '' },
      ]);
      return { ...parseStatus(status.stdout), untracked: sortPaths(splitRecords(untracked.stdout)) };
    },
    async isDirty(untrackedBelow) {
      const { staged, unstaged, untracked } = await queries.changes(untrackedBelow);
      return staged.length + unstaged.length + untracked.length > 0;
    },
    getConfig: (key) => askMaybe(['config', '--get', key]),
  };
  return queries;
};
