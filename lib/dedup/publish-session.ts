import { join } from 'node:path';
import type { Upload } from '../cache/index.ts';
import { slipwayError } from '../errors/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import { createBaseBlocks } from './base-blocks.ts';
import { createBlockWriter } from './block-writer.ts';
import { type CutLayer, recipeOf } from './cut-layer.ts';
import { createLayerSplitter, encodeRecipe, packRecipe } from './format/index.ts';
import { createKnownChunks, learnPacks } from './known-chunks.ts';
import { createLikeness } from './likeness.ts';
import { createOlderLayers } from './older-layers.ts';
import { createPackUploads } from './pack-uploads.ts';
import { createPackWriter } from './pack-writer.ts';
import { headsPath, LAYERS_FOLDER, layerPath, recipePath } from './paths.ts';
import { formatHeads, formatLayerPointer, readHeads, readLayerPointer, readOtherHeads } from './pointers.ts';
import { MOST_RECIPES_IN_CHAIN } from './recipes.ts';
import { contentBlocksOf, renewLayers, retireWornBases } from './renew-layers.ts';
import { appendChunk, type SlotRun } from './slot-runs.ts';
import { writeToSpool } from './spool.ts';
import { openStoredLayers } from './stored-layers.ts';
import { restorePacks, restoreRecipes } from './trash.ts';
import type { DedupParts, LayerPointer, PublishedBytes } from './types.ts';

/** What a publication needs besides the store. */
export interface PublishOptions {
  /** Name of the image: contents of the last images of this name are looked for. */
  readonly name: string;
  /** Layers of the image, base first, by diff ID. */
  readonly diffIds: readonly string[];
  /** Absolute path of an own, empty folder for packs on their way. */
  readonly folder: string;
}

/** The publication of the layers of one image. */
export interface PublishSession {
  /** Layers that the store does not have yet; the others need not be read. */
  readonly missing: ReadonlySet<string>;
  /**
   * Takes one layer: cuts it, and sends what is new.
   *
   * Throws `DEDUP_DIGEST_MISMATCH` when the bytes are not those of the diff ID; nothing refers to what was sent then.
   */
  addLayer(diffId: string, bytes: AsyncIterable<Buffer>): Promise<void>;
  /** All packs, recipes and pointers are in the store. @returns the layers of the image, base first */
  finish(): Promise<readonly LayerPointer[]>;
  /**
   * After the manifest has been published: makes sure that a collection of garbage that ran meanwhile took nothing of it, and says in
   * the store that this is the newest image of its name.
   */
  confirm(version: string): Promise<void>;
  readonly bytes: PublishedBytes;
}

/** Opens a publication: finds out what the store has of the image. */
export const openPublishSession = async (parts: DedupParts, options: PublishOptions): Promise<PublishSession> => {
  const { store, chunkStore, log, signal } = parts;
  const { name, diffIds, folder } = options;
  const bytes: PublishedBytes = {
    layerBytes: 0,
    duplicateBytes: 0,
    newBytes: 0,
    rewrittenBytes: 0,
    packBytes: 0,
    indexBytes: 0,
    resumedBytes: 0,
  };
  const [heads, others] = await Promise.all([readHeads(store, name), readOtherHeads(store, name)]);
  const distinct = [...new Set([...diffIds, ...[...heads, ...others].flatMap((head) => head.layers)])];
  const pointers = new Map<string, LayerPointer>();
  for (const pointer of await Promise.all(distinct.map((diffId) => readLayerPointer(store, diffId)))) {
    if (pointer) pointers.set(pointer.diffId, pointer);
  }
  const stored = await openStoredLayers(parts);
  /** Blocks of the layers that stay as they are. */
  const fixed = new Set<string>();
  for (const diffId of new Set(diffIds)) {
    const pointer = pointers.get(diffId);
    const checked = pointer && (await stored.check(pointer));
    for (const id of checked?.blocks ?? []) fixed.add(id);
    if (checked) pointers.set(diffId, checked.pointer);
    else pointers.delete(diffId);
  }
  const missing = new Set(diffIds.filter((diffId) => !pointers.has(diffId)));

  const loadOlder = createOlderLayers(parts, name, pointers);
  const lastLayers = heads[0]?.layers ?? [];

  const known = createKnownChunks();
  const uploads = createPackUploads(parts, bytes);
  const bases = createBaseBlocks(parts, known);
  const blocks = createBlockWriter(
    createPackWriter(folder, (pack) => uploads.push(pack)),
    known,
    bases.find,
  );
  const renewing = { known, bases, blocks, fixed, signal };
  if (missing.size > 0) {
    const replaced = lastLayers.filter((diffId) => !diffIds.includes(diffId));
    const recipes = (await Promise.all(replaced.map(loadOlder))).flatMap((layer) => layer?.recipe ?? []);
    const packs = new Set([...pointers.values()].flatMap((pointer) => pointer.packs).filter(stored.hasPack));
    await learnPacks(parts, [...packs], known, new Set([...fixed, ...recipes.flatMap(contentBlocksOf)]));
    retireWornBases(recipes, renewing);
  }
  let cut: readonly CutLayer[] = [];
  /** The folder may be removed after a failure: nothing writes to it any more. */
  const settle = async (): Promise<void> => {
    await blocks.settle();
    await uploads.settle();
  };

  const addLayer = async (diffId: string, layer: AsyncIterable<Buffer>): Promise<void> => {
    const runs: SlotRun[] = [];
    // The layer at the same place is the most alike.
    const older = await loadOlder(lastLayers[diffIds.indexOf(diffId)] ?? '');
    const likeness = older && createLikeness(older.recipe);
    const takeNew = (key: string, data: Buffer) =>
      blocks.add(key, data, likeness && { likeness, place: likeness.passNew() });
    const splitter = createLayerSplitter((key, data) => {
      const found = known.find(key);
      if (found) bytes.duplicateBytes += data.length;
      else bytes.newBytes += data.length;
      if (found) likeness?.passKnown(found.slot.id, found.chunk);
      appendChunk(runs, found ?? takeNew(key, data));
    });
    try {
      for await (const data of layer) {
        signal?.throwIfAborted();
        splitter.write(data);
        bytes.layerBytes += data.length;
        await blocks.ready();
      }
    } catch (error) {
      await settle();
      throw error;
    }
    const { diffId: found, sizeBytes, shape } = splitter.end();
    if (found !== diffId) {
      throw slipwayError('DEDUP_DIGEST_MISMATCH', { what: 'a layer that the engine gave', expected: diffId, found });
    }
    cut = [...cut, { diffId, sizeBytes, shape, runs, older }];
  };

  const publishRecipe = async (layer: CutLayer): Promise<Upload[]> => {
    const base = layer.older && layer.older.chain.length < MOST_RECIPES_IN_CHAIN ? layer.older : undefined;
    const recipe = recipeOf(layer);
    const { id, stored } = await packRecipe(encodeRecipe(recipe), base);
    const pointer = {
      diffId: layer.diffId,
      sizeBytes: layer.sizeBytes,
      recipes: [id, ...(base?.chain ?? [])],
      packs: recipe.packs,
    };
    pointers.set(layer.diffId, pointer);
    const recipeFile = join(folder, `${id}.recipe`);
    const pointerFile = join(folder, `${layer.diffId}.json`);
    const text = formatLayerPointer(pointer);
    await Promise.all([
      writeToSpool(recipeFile, stored),
      writeToSpool(pointerFile, text),
      chunkStore?.keepRecipe(id, stored),
    ]);
    bytes.indexBytes += stored.length + text.length;
    return [
      { file: recipeFile, path: recipePath(id), sha256: id },
      { file: pointerFile, path: layerPath(layer.diffId) },
    ];
  };

  /** Pointers that a collection of garbage deleted after they were read here: without them the next publisher sends the layer again. */
  const rewritePointers = async (): Promise<Upload[]> => {
    const present = new Set(await store.list(LAYERS_FOLDER));
    const lost = [...new Set(diffIds)].filter((diffId) => !present.has(`${diffId}.json`));
    return inParallel(lost, 8, async (diffId) => {
      const file = join(folder, `again-${diffId}.json`);
      await writeToSpool(file, formatLayerPointer(pointers.get(diffId) as LayerPointer));
      return { file, path: layerPath(diffId) };
    });
  };

  return {
    missing,
    bytes,
    addLayer,
    async finish() {
      try {
        // Who has nothing new leaves everything where it is.
        if (bytes.newBytes > 0) {
          const renewed = await renewLayers(cut, renewing);
          cut = renewed.layers;
          bytes.rewrittenBytes += renewed.bytes;
        }
        await blocks.finish();
        await uploads.finish();
      } catch (error) {
        await settle();
        throw error;
      }
      const files: Upload[] = [];
      for (const layer of cut) files.push(...(await publishRecipe(layer)));
      if (files.length > 0) await store.publish(files);
      return diffIds.map((diffId) => pointers.get(diffId) as LayerPointer);
    },
    async confirm(version) {
      const packs = new Set(diffIds.flatMap((diffId) => pointers.get(diffId)?.packs ?? []));
      await restorePacks(store, packs, log);
      await restoreRecipes(store, new Set(diffIds.flatMap((diffId) => pointers.get(diffId)?.recipes ?? [])), log);
      const lost = await rewritePointers();
      const file = join(folder, 'heads.json');
      const text = formatHeads({ version, layers: [...diffIds] }, await readHeads(store, name));
      await writeToSpool(file, text);
      // A pointer comes back after what it leads to.
      await store.publish([...lost, { file, path: headsPath(name) }]);
      bytes.indexBytes += text.length;
    },
  };
};
