import { PassThrough, Readable } from 'node:stream';
import type { Engine } from '../../../lib/container/index.ts';
import type { RunningCommand } from '../../../lib/process/index.ts';

const ENDED = { exitCode: 0, stdout: '', stderr: '', durationMs: 1 };

/** An archive of the fake engine: `REFERENCE ID`. */
const archiveOf = (reference: string, id: string): string => `${reference} ${id}`;

/** A container engine in memory: images are names with IDs. */
export const fakeEngine = (images: Map<string, string>, registry: ReadonlyMap<string, string> = new Map()) => {
  const pulls: string[] = [];
  const running = (stdin: PassThrough, stdout: Readable, done: Promise<unknown>): RunningCommand => ({
    stdin,
    stdout,
    pid: undefined,
    done: done.then(() => ENDED),
    stop() {},
  });
  const engine: Engine = {
    name: 'docker',
    command: ['docker'],
    imageId: async (reference) => images.get(reference),
    inspectImage: async (reference) => {
      const imageId = images.get(reference);
      return imageId === undefined ? undefined : { imageId, diffIds: [] };
    },
    layersOfAllImages: async () => [],
    storage: { kind: 'graph' },
    save: (reference) =>
      running(
        new PassThrough(),
        Readable.from([Buffer.from(archiveOf(reference, images.get(reference) ?? ''))]),
        Promise.resolve(),
      ),
    async load() {
      const stdin = new PassThrough();
      const done = (async () => {
        let text = '';
        for await (const chunk of stdin) text += chunk;
        const [reference = '', id = ''] = text.split(' ');
        images.set(reference, id);
      })();
      return running(stdin, Readable.from([]), done);
    },
    importTar: () => {
      throw new Error('a layer of this size is not expected here');
    },
    tagsOf: async () => [],
    async pull(reference) {
      pulls.push(reference);
      const id = registry.get(reference);
      if (id) images.set(reference, id);
      return id !== undefined;
    },
    async tag(source, target) {
      images.set(target, images.get(source) ?? '');
    },
    commit: async () => undefined,
    async removeImage(reference) {
      images.delete(reference);
    },
    removeContainer: async () => undefined,
    containerState: async () => undefined,
    startContainer: async () => undefined,
    stopContainer: async () => undefined,
    removeImageLine: (reference) => reference,
  };
  return { engine, pulls };
};
