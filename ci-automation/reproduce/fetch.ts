import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createArtifactCache, createStore } from '../../lib/cache/index.ts';
import { isSlipwayError, slipwayError } from '../../lib/errors/index.ts';
import { versionOfPath } from '../../lib/provenance/index.ts';
import { hashFile } from '../../lib/signing/index.ts';
import { defineStep, runStep, type StepContext, type StepIo } from '../../lib/step/index.ts';
import { neededBy, type ReproducePlan, type StatedArtifact, type StatedImage } from './plan.ts';
import type { ReproduceFolders } from './workspace.ts';

/** The name under which an image stays in the engine, whatever becomes of its own. */
export const keptName = ({ name, version }: StatedImage): string => `${name}:reproduce-${version}`;

const idPath = ({ name, version }: StatedImage): string => `containers/${version}/${name}-${version}.id`;

/** A cache of this machine for what was fetched; it has digests and no signatures. */
const openInputs = (context: StepContext, dir: string) => {
  const { log, query: runner } = context;
  const store = createStore({ dir, user: '', pathPrefix: '' }, { runner, log });
  return createArtifactCache({ store, log });
};

const isThere = async (file: string, sha256: string, context: StepContext): Promise<boolean> => {
  try {
    return (await hashFile(file, ['sha256'], { signal: context.signal })).digests.sha256 === sha256;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
};

/** Fetches what a run consumed, verified, and makes sure that it is what the statement says. @returns false: it is not any more */
const fetchInput = async (context: StepContext, dir: string, { path, sha256 }: StatedArtifact): Promise<boolean> => {
  if (await isThere(join(dir, path), sha256, context)) return true;
  const { cache, temp } = context;
  const fetched = await cache.fetch(path, join(temp, 'fetched'));
  if (fetched.sha256 !== sha256) {
    // Places that versions share change with every build.
    if (versionOfPath(path) === undefined) return false;
    throw slipwayError('REPRODUCE_INPUT_DIFFERS', { path, found: fetched.sha256, stated: sha256 });
  }
  await openInputs(context, dir).publish({ folder: dirname(path), files: [fetched.file], replace: true });
  await rm(fetched.file, { force: true });
  return true;
};

/** Makes sure that the engine has an image, under a name of ours too, and that its ID is at hand for the step. */
const fetchImage = async (context: StepContext, dir: string, image: StatedImage): Promise<void> => {
  const { containers, engine, cache, temp, registry, tree } = context;
  const kept = keptName(image);
  const isSdk = tree.sdk.flavours.some((flavour) => tree.sdk.image.replace('${flavour}', flavour) === image.name);
  if ((await engine.imageId(kept)) !== image.id) {
    const { name, version } = image;
    const { reference } = await containers.ensure({ name, version, registry: isSdk ? registry : '' });
    const found = (await engine.imageId(reference)) ?? 'unknown';
    if (found !== image.id)
      throw slipwayError('REPRODUCE_INPUT_DIFFERS', { path: `image ${reference}`, found, stated: image.id });
    await engine.tag(reference, kept);
  }
  const fetched = await cache.fetch(idPath(image), join(temp, 'fetched'));
  await openInputs(context, dir).publish({ folder: dirname(fetched.path), files: [fetched.file], replace: true });
};

/**
 * Fetches what the runs of a plan need; as a step, because it works with everything that a step does. It publishes nothing.
 *
 * @param isWhole also the published artifacts that the outcome is compared with
 */
const fetchStep = (plan: ReproducePlan, folders: ReproduceFolders, isWhole: boolean) =>
  defineStep({
    name: 'reproduce-fetch',
    summary: 'fetches what a build consumed',
    usage: '',
    argumentsHelp: [],
    reads: 'what the statements name',
    writes: 'nothing',
    parse: () => undefined,
    async run(context) {
      const { log } = context;
      await mkdir(folders.inputs, { recursive: true });
      for (const run of plan.runs) {
        await log.phase(`fetch what ${run.key} consumed`, async () => {
          const { inputs, images } = neededBy(run, plan);
          for (const image of images) await fetchImage(context, folders.inputs, image);
          const gone = [];
          for (const input of inputs) if (!(await fetchInput(context, folders.inputs, input))) gone.push(input.path);
          if (gone.length > 0) log.warn(`Changed since, and made anew where it is needed: ${gone.join(', ')}`);
        });
      }
      if (!isWhole) return undefined;
      await log.phase('fetch the published artifacts', async () => {
        for (const output of plan.runs.flatMap(({ outputs }) => outputs))
          await fetchPublished(context.cache.store, folders, output, context.signal);
      });
      return undefined;
    },
  });

/**
 * The published artifact, to compare with; its digest is that of the statement.
 *
 * @returns its absolute path
 * @throws REPRODUCE_PUBLISHED_DIFFERS
 */
export const fetchPublished = async (
  store: StepContext['cache']['store'],
  { published }: ReproduceFolders,
  { path, sha256 }: StatedArtifact,
  signal?: AbortSignal,
): Promise<string> => {
  const file = join(published, path);
  const digest = async (): Promise<string> => (await hashFile(file, ['sha256'], { signal })).digests.sha256;
  try {
    if ((await digest()) === sha256) return file;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await rm(file, { force: true });
  await store.download(path, file);
  const found = await digest();
  if (found === sha256) return file;
  if (versionOfPath(path) === undefined) return file;
  throw slipwayError('REPRODUCE_PUBLISHED_DIFFERS', { path, found, stated: sha256 });
};

/** Runs the fetch in a checkout of the version. @returns its exit code */
export const fetchAll = (
  io: StepIo,
  plan: ReproducePlan,
  folders: ReproduceFolders,
  { checkout, flags, isWhole }: { checkout: string; flags: readonly string[]; isWhole: boolean },
): Promise<number> =>
  runStep(fetchStep(plan, folders, isWhole), { ...io, argv: flags, cwd: checkout, stdout: () => {} });

/** Whether an artifact is only a help that may be missing. */
export const isOptional = ({ path }: StatedArtifact): boolean => versionOfPath(path) === undefined;

/** Whether the error may say no more than that the network is not there. */
export const isUnreachable = (error: unknown): boolean =>
  isSlipwayError(error, 'CACHE_UNREACHABLE') || isSlipwayError(error, 'REPRODUCE_SOURCE_UNKNOWN');
