import { join } from 'node:path';
import type { Runner } from '../process/index.ts';
import { createGitEffects } from './effects.ts';
import { createPatchEffects, createPatchQueries } from './patches.ts';
import { createGitQueries } from './queries.ts';
import { createSubmoduleEffects, createSubmoduleQueries } from './submodules.ts';
import type { Git } from './types.ts';

/** Where and how to run git. */
export interface GitSettings {
  /** Runs questions; must really run with `--plan` too. */
  readonly query: Runner;
  /** Runs changes; only reports with `--plan`. */
  readonly effects: Runner;
  /** Absolute path of the checkout. */
  readonly cwd: string;
  /** Default `origin`. */
  readonly remote?: string;
  /** Added to the environment of every command, for example `GNUPGHOME`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Makes the git helper of a checkout: thin, one method per git command that Slipway needs. */
export const createGit = ({ query, effects, cwd, remote = 'origin', env = {} }: GitSettings): Git => {
  // Nobody sits there to type a password: failing is better than waiting for one.
  const place = { cwd, remote, env: { GIT_TERMINAL_PROMPT: '0', ...env } };
  const asking = { runner: query, ...place };
  const changing = { runner: effects, ...place };
  return {
    ...createGitQueries(asking),
    ...createPatchQueries(asking),
    ...createSubmoduleQueries(asking),
    ...createGitEffects(changing),
    ...createPatchEffects(changing),
    ...createSubmoduleEffects(changing),
    at: (path) => createGit({ query, effects, cwd: join(cwd, path), remote, env }),
  };
};
