import type { ArtifactRecord } from '../cache/index.ts';
import { isSlipwayError, SlipwayError } from '../errors/index.ts';
import { hasPendingPatch } from '../patch/index.ts';
import { inParallel, waitForAll } from '../process/index.ts';
import { type BuildSource, createStatementReader, type LoadedStatement, versionOfPath } from '../provenance/index.ts';
import { DIGESTS_SUFFIX, parseDigests } from '../signing/index.ts';
import type { StepContext } from './context.ts';
import { readSource } from './source.ts';

/** What a step asks for. */
export interface PublishedQuestion {
  /** Cache form of the version that the step publishes. */
  readonly version: string;
  /** As in the statement of the step; undefined for a step that is called without one. */
  readonly arch: string | undefined;
}

/** What an earlier run of a step published for the commit that is checked out. */
export interface PublishedBefore {
  /**
   * Looks for all of some paths: those of a set that appears as a whole.
   *
   * @returns their records, none where they were published without a statement (by the original, or by a run that was killed at the very
   *   end) and the version's own tag is checked out (with trusted
   *   keys: and the last path verifies); undefined: they are not all there
   */
  ofPaths(paths: readonly string[]): Promise<readonly ArtifactRecord[] | undefined>;
  /** What the run published that made an artifact, if all of it is there. @param isIt by cache path */
  ofRun(isIt: (path: string) => boolean): readonly ArtifactRecord[] | undefined;
  /** Vendor formats that are there with all their files. */
  readonly formats: ReadonlySet<string>;
  /** What the runs published that made one of these formats. */
  ofFormats(formats: readonly string[]): readonly ArtifactRecord[];
}

const NOTHING: PublishedBefore = {
  ofPaths: async () => undefined,
  ofRun: () => undefined,
  formats: new Set(),
  ofFormats: () => [],
};

const CHECKS_AT_ONCE = 8;

/** Logs may go before their version does, and what all versions share changes. */
const isOfVersion = (path: string): boolean => !path.startsWith('build-logs/') && versionOfPath(path) !== undefined;

/** The record of an artifact that the cache has as the statement says; undefined: it has not, or has another. */
const recordOf = async (
  { cache: { store } }: StepContext,
  path: string,
  { sha256, sha512 }: { readonly sha256: string; readonly sha512?: string },
): Promise<ArtifactRecord | undefined> => {
  const [sizeBytes, digests] = await Promise.all([
    store.size(path),
    sha512 === undefined ? '' : store.readText(`${path}${DIGESTS_SUFFIX}`),
  ]);
  if (sizeBytes === undefined || digests === undefined) return undefined;
  if (sha512 !== undefined && parseDigests(digests, path.split('/').at(-1) ?? '').sha512 !== sha512) return undefined;
  return { path, sizeBytes, sha256, sha512 };
};

/** A statement with what the cache has of what it names. */
interface Checked {
  readonly statement: LoadedStatement['statement'];
  readonly records: readonly ArtifactRecord[];
  /** It has all of it. */
  readonly isWhole: boolean;
}

const check = async (context: StepContext, { statement }: LoadedStatement): Promise<Checked> => {
  const subjects = [...statement.subjects].filter(([path]) => isOfVersion(path));
  const found = await inParallel(subjects, CHECKS_AT_ONCE, ([path, digest]) => recordOf(context, path, digest));
  const records = found.filter((record) => record !== undefined);
  return { statement, records, isWhole: records.length > 0 && records.length === subjects.length };
};

/** Whether the file that says that a set is whole has a signature that counts, where keys are configured. */
const isTrusted = async ({ cache, verifier, temp }: StepContext, path = ''): Promise<boolean> => {
  if (!verifier) return true;
  try {
    await cache.fetch(path, temp);
    return true;
  } catch (error) {
    if (error instanceof SlipwayError && error.kind === 'unverified') return false;
    throw error;
  }
};

const isOfSource = ({ statement }: LoadedStatement, { commit, head }: BuildSource): boolean =>
  statement.head === head &&
  statement.dependencies.some((dependency) => dependency.kind === 'source' && dependency.commit === commit);

const sayOther = ({ log }: StepContext, others: readonly LoadedStatement[], version: string): void => {
  const [other] = others;
  if (!other) return;
  log.warn(
    `${version} was published before, from another commit (${other.path}). What is made now is refused at the end if it is something else.`,
  );
};

const find = async (context: StepContext, { version, arch }: PublishedQuestion): Promise<PublishedBefore> => {
  const { cache, step, verifier, temp, git, tree, settings } = context;
  if (settings.AVOID_NIGHTLY_BUILD_SHORTCUTS) return NOTHING;
  const [{ staged, unstaged, untracked }, isToBePatched, source] = await waitForAll([
    git.changes(tree.nightly.sourceFolders),
    tree.localPatch ? hasPendingPatch(tree.localPatch, git) : Promise.resolve(false),
    readSource(context, version),
  ]);
  const hasChanges = [...staged, ...unstaged, ...untracked].some((path) => path !== tree.versionFile);
  if (hasChanges || isToBePatched) return NOTHING;
  const { good } = await createStatementReader({ store: cache.store, verifier, temp }).ofVersion(version);
  const trusted = good.filter(({ signedBy }) => signedBy.state !== 'untrusted');
  const own = trusted.filter(({ statement }) => statement.step === step && statement.arch === arch);
  const ofSource = own.filter((one) => isOfSource(one, source));
  const checked = await Promise.all(ofSource.map((one) => check(context, one)));
  const whole = checked.filter(({ isWhole }) => isWhole);
  if (checked.length === 0) sayOther(context, own, version);
  const artifacts = new Map(checked.flatMap(({ records }) => records.map((record) => [record.path, record])));
  // What is of another commit says so, and a tag does not move.
  const isOfTag = source.tag !== undefined && source.head === undefined && own.length === ofSource.length;
  return {
    async ofPaths(paths) {
      const records = paths.flatMap((path) => artifacts.get(path) ?? []);
      if (records.length === paths.length) return records;
      return isOfTag && (await cache.hasAll(paths)) && (await isTrusted(context, paths.at(-1))) ? records : undefined;
    },
    ofRun: (isIt) => whole.find(({ records }) => records.some(({ path }) => isIt(path)))?.records,
    formats: new Set(whole.flatMap(({ statement }) => statement.made)),
    ofFormats(formats) {
      const runs = whole.filter(({ statement }) => statement.made.some((format) => formats.includes(format)));
      return [...new Map(runs.flatMap(({ records }) => records.map((record) => [record.path, record]))).values()];
    },
  };
};

/**
 * Looks for what an earlier run of this step published for the commit that is checked out, so that a step that is run again does not build
 * for hours what would be refused at the end. Nothing is found where the checkout has changes that are in no commit, and with
 * AVOID_NIGHTLY_BUILD_SHORTCUTS.
 *
 * @throws CACHE_UNREACHABLE, CACHE_TLS_UNTRUSTED: who asks will publish, and that begins with the same questions to the same cache. Waiting for
 *   it a second time, or building for hours first, helps nobody, also where a mirror has what the step reads
 */
export const findPublished = async (context: StepContext, question: PublishedQuestion): Promise<PublishedBefore> => {
  try {
    return await find(context, question);
  } catch (error) {
    // A web server that forbids listings may give out files all the same. The steps after this question say better what is wrong with it.
    if (!isSlipwayError(error, 'CACHE_BAD_RESPONSE')) throw error;
    context.log.warn(`${error.message} Nobody knows whether ${question.version} is published already.`);
    return NOTHING;
  }
};

/** Ends a step that has nothing to do; for the result file. */
export const sayPublished = (
  context: StepContext,
  { version }: Pick<PublishedQuestion, 'version'>,
  records: Iterable<ArtifactRecord>,
) => {
  context.published.push(...records);
  context.log.info(
    `${context.step}: ${version} is published already, from this very commit; nothing is built. AVOID_NIGHTLY_BUILD_SHORTCUTS=1 builds all the same.`,
  );
  return { outcome: 'published already', version } as const;
};
