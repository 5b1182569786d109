import type { ArtifactCache } from '../cache/types.ts';
import type { Log } from '../log/index.ts';

/** The artifact cache of `--plan`: answers questions for real, and says what it would fetch and publish. */
export const createPlanningCache = (cache: ArtifactCache, log: Log): ArtifactCache => ({
  store: cache.store,
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
