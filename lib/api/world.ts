import type { Log } from '../log/index.ts';
import { createRunner, type Runner } from '../process/index.ts';

/** What a program that uses the library is surrounded by. The library reads no environment and no working folder by itself. */
export interface World {
  /** Environment of the programs that are started, for example `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of their working folder; default `/`. */
  readonly cwd?: string;
  /** Hears what is done; default: nobody. */
  readonly log?: Log;
  /** Aborting ends what is going on. */
  readonly signal?: AbortSignal;
}

/** Runs questions, which are not for the log, and effects, which are. */
export const runnersOf = ({
  env,
  cwd = '/',
  log,
  signal,
}: World): { readonly query: Runner; readonly effects: Runner } => ({
  query: createRunner({ cwd, env, signal }),
  effects: createRunner({ cwd, env, log, signal }),
});
