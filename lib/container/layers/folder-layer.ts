import { Worker } from 'node:worker_threads';
import { slipwayError } from '../../errors/index.ts';

/** Buffers of 256 KiB that are read ahead of the reader. */
const AHEAD = 16;

/** Where docker's `overlay2` driver keeps a layer; absolute paths. */
export interface LayerFolder {
  readonly diffId: string;
  readonly tarSplitFile: string;
  /** The unpacked files. */
  readonly folder: string;
}

type Message =
  | { readonly data: ArrayBuffer; readonly bytes: number }
  | { readonly end: true }
  | { readonly reason: string };

/**
 * Puts a layer's tar together again from docker's folder, in a thread, in buffers of 256 KiB.
 *
 * Throws `LAYER_FAST_READ_FAILED`; what came before is then part of the layer.
 */
export async function* readFolderLayer(layer: LayerFolder): AsyncGenerator<Buffer, void, undefined> {
  const { tarSplitFile, folder, diffId } = layer;
  const worker = new Worker(new URL('./layer-worker.mjs', import.meta.url), {
    workerData: { tarSplitFile, folder, ahead: AHEAD },
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
  });
  const arrived: Message[] = [];
  let wake = (): void => undefined;
  const add = (message: Message): void => {
    arrived.push(message);
    wake();
  };
  worker.on('message', add);
  worker.on('error', (error) => add({ reason: String(error) }));
  worker.on('exit', (code) => add({ reason: `its thread ended with code ${code}` }));
  try {
    for (;;) {
      const message = arrived.shift();
      if (!message) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if ('data' in message) {
        worker.postMessage('next');
        yield Buffer.from(message.data, 0, message.bytes);
      } else if ('end' in message) return;
      else throw slipwayError('LAYER_FAST_READ_FAILED', { diffId, reason: message.reason });
    }
  } finally {
    await worker.terminate();
  }
}
