import { isSlipwayError, slipwayError } from '../../errors/index.ts';
import { isOwnerDead, makeOwnName } from '../../process/process-identity.ts';
import { countedLayer } from './compose-archive.ts';
import { sendTo } from './send-to.ts';
import type { LayerToLoad, LayerTools } from './types.ts';

/** What a lowest layer is called in the engine until the image that it belongs to is there: `slipway-incoming:OWN_NAME`. */
const REPOSITORY = 'slipway-incoming';

/** Smaller ones are registered in less time than one command more takes. */
const WORTHWHILE_BYTES = 32 * 1024 * 1024;

/**
 * Whether a layer is to be handed to the engine by itself. docker first writes an archive that it loads into a folder for temporary files, all of it, and
 * only then unpacks the layers; what it imports it unpacks while it comes. It can import only a layer that stands on no other.
 *
 * @param lowest the lowest layer of an image
 */
export const isImportable = async ({ engine }: LayerTools, lowest: LayerToLoad): Promise<boolean> =>
  lowest.sizeBytes >= WORTHWHILE_BYTES && engine.storage.kind === 'graph';

/**
 * Hands the engine the lowest layer of an image, as an image of its own with a name that nobody else uses: an archive that is loaded afterwards need not
 * have it.
 *
 * @param what the image that the layer is for
 * @returns removes the name again; to be called when the image is loaded, whether or not that went well
 * Throws `LAYER_DIGEST_MISMATCH` or `LAYER_SIZE_MISMATCH`, what opening the layer throws, and what the engine throws but `COMMAND_FAILED`: an engine that
 * refuses it has to take it with the others.
 */
export const importLowest = async (
  tools: LayerTools,
  lowest: LayerToLoad,
  what: string,
  onBytes: (bytes: number) => void,
): Promise<(() => Promise<void>) | undefined> => {
  const { engine, log } = tools;
  const { diffId } = lowest;
  const name = `${REPOSITORY}:${makeOwnName()}`;
  const pieces = async function* (): AsyncGenerator<Buffer, void, undefined> {
    for await (const piece of countedLayer(lowest, what)) {
      onBytes(piece.length);
      yield piece;
    }
  };
  // After an interruption nothing can be removed any more: whoever loads an image next does it.
  const remove = () => engine.removeImage(name).catch(() => undefined);
  try {
    await sendTo(await engine.importTar(name), pieces(), `loading ${what}`);
    // The engine has computed the digest anyway, and until it is known to be right nothing but this name leads to the layer.
    const found = (await engine.inspectImage(name))?.diffIds[0] ?? 'none';
    if (found !== diffId) throw slipwayError('LAYER_DIGEST_MISMATCH', { diffId, found, source: what });
  } catch (error) {
    // Half a layer may be a whole tar.
    await remove();
    if (!isSlipwayError(error, 'COMMAND_FAILED')) throw error;
    log.warn(`The container engine refused the lowest layer of ${what} by itself; sending it with the others.`);
    return undefined;
  }
  return remove;
};

/** Removes lowest layers that killed processes left; for when nothing can be loaded on top of them any more. */
export const removeAbandoned = async ({ engine }: LayerTools): Promise<void> => {
  if (engine.storage.kind !== 'graph') return;
  for (const tag of (await engine.tagsOf(REPOSITORY)).filter(isOwnerDead)) {
    await engine.removeImage(`${REPOSITORY}:${tag}`);
  }
};
