import {
  DEDUP_FOLDER,
  LAYERS_FOLDER,
  type LayerPointer,
  PACKS_FOLDER,
  RECIPES_FOLDER,
  readLayerPointer,
  TRASH_FOLDER,
} from '../dedup/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import { surveyFolder } from './survey.ts';
import type { CacheTools, SurveyedFile } from './types.ts';

/** A pointer in the store; `pointer` is undefined when it cannot be read. */
export interface FoundPointer {
  readonly file: SurveyedFile;
  readonly diffId: string;
  readonly pointer: LayerPointer | undefined;
}

/** What the deduplicated store has, by the names of the files. */
export interface Inventory {
  /** Packs, their indexes and recipes in their places: `ID.pack`, `ID.idx`, `ID.recipe`. */
  readonly items: ReadonlyMap<string, SurveyedFile>;
  readonly trash: ReadonlyMap<string, SurveyedFile>;
  readonly pointers: readonly FoundPointer[];
  /** Files that nobody knows. */
  readonly strange: readonly SurveyedFile[];
  /** Of everything below the folder of the deduplicated store. */
  readonly files: readonly SurveyedFile[];
}

const ITEM = /^[0-9a-f]{64}\.(pack|idx|recipe)$/;
const POINTER = /^([0-9a-f]{64})\.json$/;

/** The place of a pack, an index or a recipe; undefined for any other name. */
export const homeOf = (name: string): string | undefined => {
  const [, ending] = ITEM.exec(name) ?? [];
  if (ending === undefined) return undefined;
  return `${ending === 'recipe' ? RECIPES_FOLDER : PACKS_FOLDER}/${name}`;
};

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Names of pointers to those pointers; a pointer that is gone by now is left out. */
export const readPointers = async (tools: CacheTools, files: readonly SurveyedFile[]): Promise<FoundPointer[]> => {
  const found = files.flatMap((file) => {
    const diffId = file.path.startsWith(`${LAYERS_FOLDER}/`) ? POINTER.exec(nameOf(file.path))?.[1] : undefined;
    return diffId === undefined ? [] : [{ file, diffId }];
  });
  return inParallel(found, 8, async ({ file, diffId }) => ({
    file,
    diffId,
    pointer: await readLayerPointer(tools.store, diffId),
  }));
};

/** Lists the deduplicated store and reads its pointers. */
export const takeInventory = async (tools: CacheTools): Promise<Inventory> => {
  const files = await surveyFolder(tools.store, DEDUP_FOLDER, tools.signal);
  const items = new Map<string, SurveyedFile>();
  const trash = new Map<string, SurveyedFile>();
  const strange: SurveyedFile[] = [];
  for (const file of files) {
    const name = nameOf(file.path);
    if (file.path.startsWith(`${TRASH_FOLDER}/`)) trash.set(file.path.slice(TRASH_FOLDER.length + 1), file);
    else if (homeOf(name) === file.path) items.set(name, file);
    else if (!/^dedup\/v1\/(layers\/[0-9a-f]{64}|heads\/[^/]+)\.json$/.test(file.path)) strange.push(file);
  }
  return { items, trash, strange, files, pointers: await readPointers(tools, files) };
};
