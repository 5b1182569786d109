import { fork } from 'node:child_process';
import { once } from 'node:events';
import { openLocalWorld } from './cache-tools-world.ts';
import { makeLayer, noise, publishSynthetic } from './synthetic-image.ts';

/** What a publishing process is told, as often as it is to publish. */
interface PublishOrder {
  readonly version: string;
  /** One per layer; the same seed is the same content. */
  readonly seeds: readonly string[];
}

/** A process of its own that publishes small images into the deduplicated store of a local world. */
export interface SyntheticPublisher {
  publish(version: string, seeds: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** The layer of a seed. */
export const seededLayer = (seed: string): Buffer => makeLayer({ [seed]: noise(seed, 40_000) });

/** Starts it; it serves one order at a time. @param folder that of the world, see `openLocalWorld` */
export const startSyntheticPublisher = (folder: string): SyntheticPublisher => {
  const child = fork(import.meta.filename, [folder], { execArgv: ['--no-warnings'], stdio: 'inherit' });
  const ended = once(child, 'exit');
  return {
    async publish(version, seeds) {
      const answer = once(child, 'message') as Promise<[{ readonly error?: string }]>;
      child.send({ version, seeds } satisfies PublishOrder);
      const died = ended.then(([code, signal]) => {
        throw new Error(`The publisher ended with ${code ?? signal}.`);
      });
      const [{ error }] = (await Promise.race([answer, died])) as [{ readonly error?: string }];
      if (error !== undefined) throw new Error(error);
    },
    async stop() {
      child.disconnect();
      await ended;
    },
  };
};

if (process.argv[1] === import.meta.filename && process.send) {
  const { store, tools } = openLocalWorld(process.argv[2] ?? '');
  process.on('message', ({ version, seeds }: PublishOrder) => {
    publishSynthetic(store, tools.temp, { name: 'sdk', version, layers: seeds.map(seededLayer) }).then(
      () => process.send?.({}),
      (error: Error) => process.send?.({ error: error.stack ?? error.message }),
    );
  });
}
