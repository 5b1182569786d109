import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createArtifactCache, createStore, PATIENCE, type StoreSettings } from '../../lib/cache/index.ts';
import { isSlipwayError } from '../../lib/errors/index.ts';
import { createRunner } from '../../lib/process/index.ts';

/** What a publishing process is told. */
export interface PublisherJob {
  readonly settings: StoreSettings;
  readonly folder: string;
  readonly files: readonly string[];
  readonly last?: readonly string[];
  readonly replace?: boolean;
  readonly tempFolder: string;
  /** How often. */
  readonly rounds?: number;
}

/** Exit code of a publisher that was refused because another content is published. */
export const REFUSED = 9;

/** Starts a process of its own that publishes; for killing it, and for having two at once. */
export const startPublisher = (
  job: PublisherJob,
): { readonly child: ChildProcess; readonly ended: Promise<number | null> } => {
  const script = join(import.meta.dirname, 'temp-publisher.ts');
  const child = spawn(process.execPath, ['--no-warnings', script, JSON.stringify(job)], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  return { child, ended };
};

const publish = async (job: PublisherJob): Promise<void> => {
  const runner = createRunner({ cwd: '/', env: { PATH: process.env.PATH } });
  const patience = { ...PATIENCE, firstDelayMs: 50 };
  const store = createStore(job.settings, { runner, tempFolder: job.tempFolder, patience });
  const cache = createArtifactCache({ store });
  process.stdout.write('started\n');
  for (let round = 0; round < (job.rounds ?? 1); round += 1) await cache.publish(job);
  await store.close();
};

if (process.argv[1] === import.meta.filename) {
  try {
    await publish(JSON.parse(process.argv[2] ?? '{}') as PublisherJob);
  } catch (error) {
    if (!isSlipwayError(error, 'CACHE_VERSION_DIFFERS')) throw error;
    process.exit(REFUSED);
  }
}
