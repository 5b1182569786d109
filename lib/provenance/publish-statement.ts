import { rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CacheStore } from '../cache/index.ts';
import type { Signer } from '../signing/index.ts';
import { formatEnvelope } from './dsse.ts';
import { type BuildRecord, makeStatement } from './make-statement.ts';
import { statementPath } from './place.ts';
import { sealStatement } from './sign.ts';

/** What publishing a statement works with. */
export interface StatementParts {
  readonly store: CacheStore;
  /** Undefined: the statement is published unsigned. */
  readonly signer?: Signer;
  /** Absolute path of a folder for temporary files. */
  readonly temp: string;
}

/**
 * Makes, signs and publishes the statement of a step, after its artifacts. It carries its signature in itself, so it has no digests and signatures
 * beside it.
 *
 * @returns its path in the cache; undefined when the step made nothing
 * @throws SIGNING_FAILED and what publishing throws
 */
export const publishStatement = async (
  build: BuildRecord,
  { store, signer, temp }: StatementParts,
): Promise<string | undefined> => {
  const made = makeStatement(build);
  if (!made) return undefined;
  const path = statementPath(made.place);
  const file = join(temp, basename(path));
  try {
    await writeFile(file, formatEnvelope(await sealStatement(made.payload, signer, temp)), { mode: 0o644 });
    await store.publish([{ file, path }]);
  } finally {
    await rm(file, { force: true });
  }
  return path;
};
