import type { ArtifactCache, CacheStore } from '../cache/types.ts';
import type { Log } from '../log/index.ts';

/** The store of `--plan`: answers as if it had deleted what it only says that it would delete. */
const createPlanningStore = (store: CacheStore, log: Log): CacheStore => {
  const gone = new Set<string>();
  const isGone = (path: string): boolean =>
    path.split('/').some((_, at, names) => gone.has(names.slice(0, at + 1).join('/')));
  return {
    ...store,
    async list(folder, options) {
      const names = isGone(folder) ? [] : await store.list(folder, options);
      return names.filter((name) => !isGone(folder === '' ? name : `${folder}/${name}`));
    },
    async publish(uploads) {
      for (const { path } of uploads) log.emit({ kind: 'planned', effect: `publish ${path} on ${store.location}` });
    },
    async rename(from, to) {
      log.emit({ kind: 'planned', effect: `rename ${from} to ${to} on ${store.location}` });
      gone.add(from);
      return true;
    },
    async remove(path) {
      log.emit({ kind: 'planned', effect: `delete ${path} on ${store.location}` });
      gone.add(path);
    },
  };
};

/** The artifact cache of `--plan`: answers questions for real, and says what it would fetch and publish. */
export const createPlanningCache = (cache: ArtifactCache, log: Log): ArtifactCache => ({
  store: createPlanningStore(cache.store, log),
  hasAll: (paths) => cache.hasAll(paths),
  async publish({ folder, files }) {
    log.emit({ kind: 'planned', effect: `publish to ${folder} on ${cache.store.location}: ${files.join(' ')}` });
    return [];
  },
  async fetch(path, toFolder) {
    log.emit({ kind: 'planned', effect: `fetch ${path} from ${cache.store.location} to ${toFolder} and verify it` });
    return { path, file: `${toFolder}/${path.split('/').at(-1)}`, sizeBytes: 0, sha256: '' };
  },
});
