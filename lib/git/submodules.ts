import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { splitRecords } from './parse.ts';
import { createAsk, type GitPlace } from './queries.ts';
import type { GitSubmoduleEffects, GitSubmoduleQueries } from './types.ts';

const FILE = '.gitmodules';

/** @param place `runner` must really run with `--plan` too */
export const createSubmoduleQueries = (place: GitPlace): GitSubmoduleQueries => {
  const ask = createAsk(place);
  return {
    async submodules() {
      const isThere = await access(join(place.cwd, FILE)).then(
        () => true,
        () => false,
      );
      if (!isThere) return [];
      const args = ['config', '--null', '--file', FILE, '--get-regexp', '^submodule\\..*\\.path$'];
      const { stdout } = await ask(args, { okExitCodes: [0, 1] });
      return splitRecords(stdout).map((record) => {
        const [key = '', path = ''] = record.split(/\n(.*)/s);
        return { name: key.replace(/^submodule\./, '').replace(/\.path$/, ''), path };
      });
    },
    async commitAt(revision, path) {
      const { stdout } = await ask(['ls-tree', '--full-tree', '-z', revision, '--', path]);
      return /^\d+ commit ([0-9a-f]+)\t/.exec(stdout)?.[1];
    },
  };
};

/** @param place `runner` only reports with `--plan` */
export const createSubmoduleEffects = ({ runner, cwd, env }: GitPlace): GitSubmoduleEffects => {
  const change = async (...args: readonly string[]): Promise<void> => {
    await runner.run(['git', ...args], { cwd, env });
  };
  return {
    initSubmodule: (path) => change('submodule', 'update', '--init', '--', path),
    checkout: (revision) => change('-c', 'advice.detachedHead=false', 'checkout', revision, '--'),
    tagCommit: (name, commit, { sign }) =>
      sign ? change('tag', '--sign', `--message=${name}`, name, commit) : change('tag', '--no-sign', name, commit),
  };
};
