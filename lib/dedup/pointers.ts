import * as v from 'valibot';
import type { CacheStore } from '../cache/index.ts';
import { HEADS_FOLDER, headsPath, layerPath } from './paths.ts';
import type { LayerPointer } from './types.ts';

const Id = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Ids = v.array(Id);

const Layer = v.object({
  slipwayLayer: v.literal(1),
  sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  recipes: v.pipe(Ids, v.minLength(1)),
  packs: Ids,
});

const Heads = v.object({
  slipwayHeads: v.literal(1),
  heads: v.array(v.object({ version: v.string(), layers: Ids })),
});

/** A published image, newest first in the list of its name: a hint where contents like those of the next one are. */
export type Head = v.InferOutput<typeof Heads>['heads'][number];

/** More of them would hardly hold more that the next image has, too. */
const MOST_HEADS = 4;

/** These files are hints: what does not parse is as good as none. */
const parseHint = <Schema extends v.GenericSchema>(schema: Schema, text: string | undefined) => {
  try {
    const result = v.safeParse(schema, JSON.parse(text ?? 'null'));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
};

/** What the store knows of a layer, or undefined. */
export const readLayerPointer = async (store: CacheStore, diffId: string): Promise<LayerPointer | undefined> => {
  const pointer = parseHint(Layer, await store.readText(layerPath(diffId)));
  return pointer && { diffId, sizeBytes: pointer.sizeBytes, recipes: pointer.recipes, packs: pointer.packs };
};

/** The text of a layer's pointer. */
export const formatLayerPointer = ({ sizeBytes, recipes, packs }: LayerPointer): string =>
  `${JSON.stringify({ slipwayLayer: 1, sizeBytes, recipes, packs })}\n`;

/** The newest published images of a name. */
export const readHeads = async (store: CacheStore, name: string): Promise<readonly Head[]> =>
  parseHint(Heads, await store.readText(headsPath(name)))?.heads ?? [];

/** The newest published image of each other name: the flavours of an SDK, and what is built in it, have much in common. */
export const readOtherHeads = async (store: CacheStore, name: string): Promise<readonly Head[]> => {
  const names = (await store.list(HEADS_FOLDER)).map((file) => file.replace(/\.json$/, ''));
  const heads = await Promise.all(names.filter((other) => other !== name).map((other) => readHeads(store, other)));
  return heads.flatMap(([newest]) => newest ?? []);
};

/** The text of the list with one more head. */
export const formatHeads = (head: Head, older: readonly Head[]): string => {
  const heads = [head, ...older.filter(({ version }) => version !== head.version)].slice(0, MOST_HEADS);
  return `${JSON.stringify({ slipwayHeads: 1, heads })}\n`;
};
