/**
 * `publish|fetch NAME VERSION TEMP_FOLDER`: what a step does with one container image, and nothing else of a step. Settings come from the environment.
 * The last line of its output is JSON: what the image cost, by cause.
 */
import { createArtifactCache, createStore } from '../../../../lib/cache/index.ts';
import { loadSettings } from '../../../../lib/config/index.ts';
import {
  createContainerCache,
  createEngine,
  type ImageTraffic,
  openEngineSocket,
  requireEngine,
} from '../../../../lib/container/index.ts';
import { createLog, createMask, textSink } from '../../../../lib/log/index.ts';
import { createRunner } from '../../../../lib/process/index.ts';
import { openChunkStore, storeSettings } from '../../../../lib/step/cache-settings.ts';

const [verb, name = '', version = '', temp = ''] = process.argv.slice(2);
const { values: settings } = await loadSettings({ flags: {}, env: process.env, files: [], cwd: temp });
const output = { write: (text: string) => void process.stderr.write(text), isTerminal: false, columns: 120 };
const log = createLog(textSink(output, createMask([])));
const runner = createRunner({ cwd: temp, env: process.env });
const store = createStore(storeSettings(settings), { log, runner });
const cache = createArtifactCache({ store, log });
const found = await requireEngine({ env: process.env, query: runner });
const socket = openEngineSocket(found, { env: process.env, cwd: temp, log });
const engine = createEngine({ ...found, query: runner, effects: runner, socket });
const traffic: ImageTraffic[] = [];
const containers = createContainerCache({
  engine,
  cache,
  log,
  effects: runner,
  workFolder: temp,
  format: {
    extension: 'tar.zst',
    compress: ['zstd', '-T0', '-q', '-c'],
    decompress: ['zstd', '-d', '-q', '-c'],
  },
  layout: settings.BUILDCACHE_LAYOUT as 'flat' | 'dedup',
  chunkStore: openChunkStore(settings),
  onTraffic: (one) => traffic.push(one),
});
const image = { name, version, registry: '' };
try {
  if (verb === 'publish') await containers.publish(image);
  else await containers.ensure(image);
} finally {
  await store.close();
}
process.stdout.write(`${JSON.stringify({ traffic })}\n`);
