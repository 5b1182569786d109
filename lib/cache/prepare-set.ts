import { availableParallelism } from 'node:os';
import { inParallel } from '../process/in-parallel.ts';
import { createFileHasher, type Signer } from '../signing/index.ts';
import { collectArtifacts } from './artifact-files.ts';
import { type PreparedArtifact, prepareArtifact } from './prepare-artifact.ts';
import type { CachePath, PublishRequest, Upload } from './types.ts';

/** What preparing works with. */
export interface PrepareParts {
  readonly signer?: Signer;
  readonly signal?: AbortSignal;
}

/** All files of a request, ready to be published. */
export interface PreparedSet {
  readonly prepared: readonly PreparedArtifact[];
  /** Digests and signatures that were handed in, for files that we made none for. */
  readonly extra: readonly Upload[];
}

/** A path's place below the request's folder. */
const nameIn = ({ folder }: PublishRequest, path: CachePath): string =>
  path.slice(folder === '' ? 0 : folder.length + 1);

const isLast = (request: PublishRequest, path: CachePath): boolean =>
  request.last?.includes(nameIn(request, path)) ?? false;

const wantsDigests = (request: PublishRequest, path: CachePath): boolean => {
  const { digests = true } = request;
  return typeof digests === 'boolean' ? digests : digests.includes(nameIn(request, path));
};

/** Links after the files that they may lead to. */
const linksLast = (uploads: readonly Upload[]): readonly Upload[] => [
  ...uploads.filter((one) => one.linkTarget === undefined),
  ...uploads.filter((one) => one.linkTarget !== undefined),
];

const DIGESTS = /\.DIGESTS$/;

/**
 * Artifacts first, then their signatures, then their digests, without which nobody reads an artifact, then what readers take for the sign
 * that all is there.
 */
export const order = (
  request: PublishRequest,
  artifacts: readonly Upload[],
  companions: readonly Upload[],
): readonly Upload[] => {
  const vouching = companions.filter((one) => !isLast(request, one.path));
  return [
    ...linksLast(artifacts.filter((one) => !isLast(request, one.path))),
    ...vouching.filter((one) => !DIGESTS.test(one.path)),
    ...vouching.filter((one) => DIGESTS.test(one.path)),
    ...[...artifacts, ...companions].filter((one) => isLast(request, one.path)),
  ];
};

/** Digests and signs everything that a request asks for. */
export const prepareAll = async (request: PublishRequest, parts: PrepareParts): Promise<PreparedSet> => {
  const { signer, signal } = parts;
  const files = await collectArtifacts(request);
  const hashFile = createFileHasher(request.known);
  const prepared = await inParallel(
    files.filter((file) => !file.isCompanion),
    availableParallelism(),
    (file) => prepareArtifact(file, { digests: wantsDigests(request, file.path), signer, signal, hashFile }),
  );
  const made = new Set(prepared.flatMap((artifact) => artifact.companions.map((one) => one.path)));
  // Digests and signatures that were handed in, for files that we made none for.
  const extra: Upload[] = [];
  for (const { file, path, linkTarget, isCompanion, isSignature, hasBytes } of files) {
    if (!isCompanion || made.has(path)) continue;
    extra.push({ file, path, linkTarget });
    if (signer && hasBytes && !isSignature && !made.has(`${path}.sig`))
      extra.push({ file: await signer.sign(file, { path }), path: `${path}.sig` });
  }
  return { prepared, extra: [...new Map(extra.map((one) => [one.path, one])).values()] };
};
