import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { decompressOptions, type Inflate } from './format/index.ts';

/**
 * Decompresses and digests blocks in threads of its own, into memory that is used again. In the main thread each block would be new memory, which makes the
 * collector of garbage look through all that a step has loaded, several times a second.
 */
export interface BlockDecoder {
  /** Takes the frame over: its bytes may be gone afterwards. What comes back is the caller's until it is released. */
  readonly inflate: Inflate;
  /** Takes back what {@link inflate} gave. */
  release(raw: Buffer): void;
  /** Ends the threads; to be called in any case. */
  close(): Promise<void>;
}

/** More threads than this no engine takes the blocks of. */
const MOST_THREADS = 4;

/** Room for a block; few blocks are larger. */
const ROOM_BYTES = 4 * 1024 * 1024 + 256 * 1024;

/** Of what was given back, no more than this is kept. */
const MOST_FREE_BYTES = 12 * ROOM_BYTES;

interface Reply {
  readonly number: number;
  readonly id?: string;
  readonly rawBytes?: number;
  readonly problem?: string;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>;
}

const startThread = (): Thread => {
  const worker = new Worker(new URL('./block-decoder-thread.mjs', import.meta.url));
  const waiting: Thread['waiting'] = new Map();
  const fail = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on('message', (reply: Reply) => {
    waiting.get(reply.number)?.resolve(reply);
    waiting.delete(reply.number);
  });
  worker.once('error', fail);
  worker.once('exit', (code) => fail(new Error(`the thread that decompresses ended with code ${code}`)));
  return { worker, waiting };
};

/** Room of blocks that nobody uses any more. */
const createRooms = () => {
  const free: SharedArrayBuffer[] = [];
  let freeBytes = 0;
  return {
    take(rawBytes: number): SharedArrayBuffer {
      const at = free.findIndex(({ byteLength }) => byteLength >= rawBytes);
      if (at < 0) return new SharedArrayBuffer(Math.max(rawBytes, ROOM_BYTES));
      const [room] = free.splice(at, 1) as [SharedArrayBuffer];
      freeBytes -= room.byteLength;
      return room;
    },
    give(room: SharedArrayBuffer): void {
      if (freeBytes + room.byteLength > MOST_FREE_BYTES) return;
      free.push(room);
      freeBytes += room.byteLength;
    },
  };
};

/** Memory that can be handed to a thread whole costs no copy; a small part of something larger is copied. */
const owned = (frame: Buffer): Uint8Array<ArrayBuffer> => {
  const isWhole = frame.buffer instanceof ArrayBuffer && frame.length > frame.buffer.byteLength / 2;
  return isWhole ? (frame as Buffer<ArrayBuffer>) : new Uint8Array(frame);
};

/** Makes a decoder; its threads start with the first blocks. */
export const createBlockDecoder = (): BlockDecoder => {
  const most = Math.min(MOST_THREADS, Math.max(1, availableParallelism() - 1));
  const threads: Thread[] = [];
  const rooms = createRooms();
  let numbers = 0;
  let isClosed = false;

  const leastBusy = (): Thread => {
    const [thread] = threads.toSorted((a, b) => a.waiting.size - b.waiting.size);
    if (thread && (thread.waiting.size === 0 || threads.length === most)) return thread;
    const added = startThread();
    threads.push(added);
    return added;
  };

  return {
    async inflate(frame, rawBytes, bases) {
      if (isClosed) throw new Error('the threads that decompress have ended');
      const room = rooms.take(rawBytes);
      const { worker, waiting } = leastBusy();
      const number = numbers++;
      const mine = owned(frame);
      const reply = await new Promise<Reply>((resolve, reject) => {
        waiting.set(number, { resolve, reject });
        const job = { number, frame: mine, options: decompressOptions(rawBytes), bases, room };
        worker.postMessage(job, [mine.buffer]);
      });
      if (reply.problem !== undefined || reply.rawBytes !== rawBytes) {
        rooms.give(room);
        throw new Error(reply.problem ?? `it holds ${reply.rawBytes} bytes instead of ${rawBytes}`);
      }
      return { raw: Buffer.from(room, 0, rawBytes), id: reply.id ?? '' };
    },
    release: ({ buffer }) => {
      if (buffer instanceof SharedArrayBuffer) rooms.give(buffer);
    },
    async close() {
      isClosed = true;
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
};
