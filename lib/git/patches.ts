import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { waitForAll } from '../process/index.ts';
import { splitRecords } from './parse.ts';
import { type Ask, asPathspec, createAsk, type GitPlace } from './queries.ts';
import type { Committer, GitPatchEffects, GitPatchQueries } from './types.ts';

/** Exit code of git for input that it cannot make sense of. */
const NO_SENSE = 128;

/** Against settings of the user that would change how a diff is written, and with it its patch id. */
const PLAIN_DIFF = ['--no-ext-diff', '--no-textconv', '--no-color', '--src-prefix=a/', '--dst-prefix=b/'];

/** Lines `PATCH-ID COMMIT`. */
const parsePatchIds = (output: string): string[] =>
  output
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((id) => id !== '');

const commitsOf = async (ask: Ask, paths: readonly string[]): Promise<string> => {
  const { stdout } = await ask(['rev-list', '--no-merges', '--full-history', 'HEAD', '--', ...paths.map(asPathspec)]);
  return stdout;
};

/** @param place `runner` must really run with `--plan` too */
export const createPatchQueries = (place: GitPlace): GitPatchQueries => {
  const { runner, cwd, env } = place;
  const ask = createAsk(place);
  const start = (...args: readonly string[]) => runner.start(['git', ...args], { cwd, env });
  return {
    async patchIds(file) {
      const ids = start('patch-id');
      const [output] = await waitForAll([text(ids.stdout), pipeline(createReadStream(file), ids.stdin), ids.done]);
      return parsePatchIds(output);
    },
    async patchIdOf(commit) {
      const diff = start('diff-tree', '-r', '--root', '-p', '-M', ...PLAIN_DIFF, commit);
      const ids = start('patch-id');
      diff.stdin.end();
      const [output] = await waitForAll([text(ids.stdout), pipeline(diff.stdout, ids.stdin), diff.done, ids.done]);
      return parsePatchIds(output)[0];
    },
    async patchedPaths(file) {
      const { exitCode, stdout } = await ask(['apply', '--numstat', '-z', '--', file], {
        okExitCodes: [0, 1, NO_SENSE],
      });
      if (exitCode !== 0) return [];
      return splitRecords(stdout).map((record) => record.replace(/^[^\t]*\t[^\t]*\t/, ''));
    },
    async patchIdsInHistory(paths) {
      // Without paths git would take all commits.
      const commits = paths.length === 0 ? '' : await commitsOf(ask, paths);
      if (commits === '') return new Set();
      const diffs = start('diff-tree', '--stdin', '-r', '--root', '-p', '-M', ...PLAIN_DIFF);
      const ids = start('patch-id');
      diffs.stdin.end(`${commits}\n`);
      const [output] = await waitForAll([text(ids.stdout), pipeline(diffs.stdout, ids.stdin), diffs.done, ids.done]);
      return new Set(parsePatchIds(output));
    },
    async openMail() {
      const { stdout } = await ask(['rev-parse', '--git-path', 'rebase-apply']);
      const folder = join(cwd, stdout);
      try {
        await readFile(join(folder, 'applying'));
        return await readFile(join(folder, '0001'), 'latin1');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
};

/** @param place `runner` only reports with `--plan` */
export const createPatchEffects = ({ runner, cwd, env }: GitPlace): GitPatchEffects => {
  const am = async (args: readonly string[], { name, email }: Committer): Promise<void> => {
    const committer = { GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
    await runner.run(['git', 'am', ...args], { cwd, env: { ...env, ...committer } });
  };
  return {
    applyMails: (file, committer) => am(['-3', file], committer),
    abortMails: (committer) => am(['--abort'], committer),
    async stepBack(commit) {
      await runner.run(['git', 'reset', '--keep', '--quiet', commit], { cwd, env });
    },
  };
};
