import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inParallel } from '../process/in-parallel.ts';
import type { Verifier } from '../signing/index.ts';
import type { CacheTools, SurveyedFile } from './types.ts';

const SIGNED = /\.DIGESTS$/;
const COMPANION = /\.(asc|gpg|sig)$/;

/** A file of the cache on this machine; `free` removes what was copied. */
const openHere = async ({ store, localDir, temp }: CacheTools, path: string, at: number) => {
  if (localDir !== undefined) return { file: join(localDir, path), free: async () => {} };
  const file = join(temp, `signed-${at}-${path.slice(path.lastIndexOf('/') + 1)}`);
  await store.download(path, file);
  return { file, free: () => rm(file, { force: true }) };
};

/**
 * Checks signatures: whatever has digests must be signed, and so must the digests be.
 *
 * @param files of the cache, without those of the deduplicated store
 */
export const checkSignatures = async (
  tools: CacheTools,
  verifier: Verifier,
  files: readonly SurveyedFile[],
): Promise<{ readonly path: string; readonly problem: string }[]> => {
  const paths = new Set(files.map(({ path }) => path));
  const signed = files.filter(
    ({ path, isLink }) => !isLink && !COMPANION.test(path) && (SIGNED.test(path) || paths.has(`${path}.DIGESTS`)),
  );
  const problems = await inParallel(signed, 2, async ({ path }) => {
    tools.signal?.throwIfAborted();
    if (!paths.has(`${path}.sig`))
      return [{ path: `${path}.sig`, problem: 'missing: TRUSTED_KEYS asks for a signature' }];
    const [file, signature] = [await openHere(tools, path, 1), await openHere(tools, `${path}.sig`, 2)];
    try {
      const verdict = await verifier.verify(file.file, signature.file);
      if (verdict.valid) return [];
      return [{ path: `${path}.sig`, problem: `not accepted: ${verdict.detail} (${verdict.reason})` }];
    } finally {
      await file.free();
      await signature.free();
    }
  });
  return problems.flat();
};
