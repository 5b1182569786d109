import { hash } from 'node:crypto';
import { isSlipwayError, slipwayError } from '../../errors/index.ts';
import { composeArchive } from './compose-archive.ts';
import { importLowest, isImportable, removeAbandoned } from './incoming-layer.ts';
import { missingLayers } from './missing-layers.ts';
import { sendTo } from './send-to.ts';
import type { LayerToLoad, LayerTools, LoadResult } from './types.ts';

/** An image to be loaded. */
export interface ImageToLoad {
  /** Its configuration, exact bytes. */
  readonly config: Buffer;
  /** The names it gets, `NAME:TAG`; at least one. */
  readonly names: readonly string[];
  /** All of its layers, lowest first; one that comes twice in the image comes twice here and is opened once. */
  readonly layers: readonly LayerToLoad[];
}

interface Plan extends ImageToLoad {
  readonly configDigest: string;
  /** Each layer once. */
  readonly distinct: readonly LayerToLoad[];
}

const totalBytes = (layers: readonly LayerToLoad[]): number =>
  layers.reduce((total, { sizeBytes }) => total + sizeBytes, 0);

type OnBytes = (bytes: number) => void;

/** Sends an archive with these layers of the image, which the engine takes for the image. @param mayEnd see {@link composeArchive} */
const send = async (
  { engine }: LayerTools,
  plan: Plan,
  missing: ReadonlySet<string>,
  onBytes: OnBytes,
  mayEnd?: Promise<unknown>,
): Promise<void> => {
  const { config, configDigest, names, layers, distinct } = plan;
  const isLeftOut = ({ diffId }: LayerToLoad): boolean => !missing.has(diffId);
  const archive = composeArchive({
    config,
    configDigest,
    names,
    diffIds: layers.map(({ diffId }) => diffId),
    layers: distinct.filter(({ diffId }) => missing.has(diffId)),
    // podman looks at each file before it asks its store; docker asks first.
    emptyFiles: engine.name === 'podman' ? distinct.filter(isLeftOut).map(({ diffId }) => diffId) : [],
    onBytes,
    mayEnd,
  });
  await sendTo(await engine.load(), archive, `loading ${names[0]}`);
};

/**
 * Sends all layers when the engine has refused an archive that lacks some.
 *
 * @param missing the layers that `attempt` sends
 * @returns those that were sent
 */
const orAll = async (
  tools: LayerTools,
  plan: Plan,
  missing: ReadonlySet<string>,
  onBytes: OnBytes,
  attempt: () => Promise<void>,
): Promise<ReadonlySet<string>> => {
  try {
    await attempt();
    return missing;
  } catch (error) {
    const all = new Set(plan.distinct.map(({ diffId }) => diffId));
    // It had lost a layer since, or never counts on those it has.
    if (missing.size === all.size || !isSlipwayError(error, 'COMMAND_FAILED')) throw error;
    tools.log.warn(`The container engine refused ${plan.names[0]} without the layers it has; sending all of them.`);
    await send(tools, plan, all, onBytes);
    return all;
  }
};

const sendMissing = (tools: LayerTools, plan: Plan, missing: ReadonlySet<string>, onBytes: OnBytes) =>
  orAll(tools, plan, missing, onBytes, () => send(tools, plan, missing, onBytes));

/**
 * Imports the lowest layer, and sends the archive with the others meanwhile: the engine only writes that down until it has all of it, and gets its end when the
 * layer below is there.
 *
 * @param missing layers that the engine lacks, the lowest among them
 */
const sendBeside = async (
  tools: LayerTools,
  plan: Plan,
  lowest: LayerToLoad,
  missing: ReadonlySet<string>,
  onBytes: OnBytes,
): Promise<ReadonlySet<string>> => {
  const others = new Set([...missing].filter((diffId) => diffId !== lowest.diffId));
  const importing = importLowest(tools, lowest, plan.names[0] ?? '', onBytes);
  const accepted = importing.then((forget) => {
    if (!forget) throw new Error('The container engine refused the lowest layer by itself.');
  });
  const sending = (async () => {
    // What the layers have in common is fetched once, and comes first to the one that takes longest. An archive without any layer has nothing to wait with.
    await (others.size > 0 ? Promise.race([lowest.fetched, accepted]) : accepted);
    await send(tools, plan, others, onBytes, accepted);
  })();
  const [imported, sent] = await Promise.allSettled([importing, sending]);
  if (imported.status === 'rejected') throw imported.reason;
  const forget = imported.value;
  if (!forget) return sendMissing(tools, plan, missing, onBytes);
  try {
    const above = await orAll(tools, plan, others, onBytes, async () => {
      if (sent.status === 'rejected') throw sent.reason;
    });
    return new Set([lowest.diffId, ...above]);
  } finally {
    await forget();
  }
};

/** The same, with the lowest layer by itself where that is quicker. */
const sendQuickly = async (
  tools: LayerTools,
  plan: Plan,
  missing: ReadonlySet<string>,
  onBytes: OnBytes,
): Promise<ReadonlySet<string>> => {
  const [lowest] = plan.layers;
  if (lowest && missing.has(lowest.diffId) && (await isImportable(tools, lowest))) {
    return sendBeside(tools, plan, lowest, missing, onBytes);
  }
  return sendMissing(tools, plan, missing, onBytes);
};

/** What the engine has under the image's names must be the image. @returns its ID */
const check = async ({ engine }: LayerTools, { names, configDigest, layers }: Plan): Promise<string> => {
  const { kind } = engine.storage;
  let id = '';
  for (const image of names) {
    const loaded = await engine.inspectImage(image);
    id = loaded?.imageId ?? 'none';
    const diffIds = layers.map(({ diffId }) => diffId);
    // On containerd's store the ID is that of a manifest, which the engine has written itself.
    const isRight = kind === 'containerd' ? loaded?.diffIds.join() === diffIds.join() : id === configDigest;
    if (isRight) continue;
    await engine.removeImage(image);
    const source = 'the layers of the cache';
    throw slipwayError('CONTAINER_IMAGE_WRONG_ID', { image, expected: configDigest, found: id, source });
  }
  return id;
};

/**
 * Loads an image into the engine from its configuration and its layers, without the layers that the engine has. Straight through:
 * nothing lies on the disk before the engine has it. Every layer that is sent is verified on the way.
 *
 * @returns the image's ID, and what was sent
 * Throws `LAYER_DIGEST_MISMATCH` or `LAYER_SIZE_MISMATCH`, and then nothing was loaded; `CONTAINER_IMAGE_WRONG_ID`, and then it was removed;
 * `CONTAINER_NO_SPACE`, `ENGINE_NOT_RUNNING`, `COMMAND_FAILED`, and what opening a layer throws.
 */
export const loadLayers = async (tools: LayerTools, image: ImageToLoad): Promise<LoadResult> => {
  const distinct = [...new Map(image.layers.map((layer) => [layer.diffId, layer])).values()];
  const plan: Plan = { ...image, distinct, configDigest: hash('sha256', image.config) };
  const missing = await missingLayers(
    tools,
    image.layers.map(({ diffId }) => diffId),
  );
  const bytes = totalBytes(distinct.filter(({ diffId }) => missing.has(diffId)));
  const progress = tools.log.progress(`load ${image.names[0]}`, bytes);
  const sentIds = await sendQuickly(tools, plan, missing, (count) => progress.advance(count));
  progress.finish();
  await removeAbandoned(tools);
  const sent = distinct.filter(({ diffId }) => sentIds.has(diffId));
  return {
    imageId: await check(tools, plan),
    sentBytes: totalBytes(sent),
    leftOutBytes: totalBytes(distinct) - totalBytes(sent),
    sentLayers: sent.length,
    leftOutLayers: distinct.length - sent.length,
  };
};
