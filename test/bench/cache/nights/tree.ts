import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { openTar } from '../workload/images.ts';
import { BLOCK, paddedSize, readOctal, setNumber, tarEntries } from '../workload/tar-entries.ts';
import { laterTime } from '../workload/tar-times.ts';
import type { Workload } from '../workload/workload.ts';
import { MEAN_GAP_BYTES, rebuild } from './rebuild.ts';

interface File {
  readonly path: string;
  readonly head: Buffer;
  content: Buffer;
  /** Of the first night. */
  readonly first: Buffer;
  /** One for each night that has built it anew. */
  readonly seeds: number[];
  readonly isKernel: boolean;
}

/** What a night of the series is. */
export type NightKind = 'first' | 'userland' | 'kernel';

/** A number from 0 to 1 that depends on the words alone. */
const share = (...words: readonly (string | number)[]): number =>
  createHash('sha256').update(words.join('\0')).digest().readUInt32LE(0) / 2 ** 32;

const isKernelFile = (path: string): boolean => /(^|\/)(lib\/modules|boot)\//.test(path);

/** A part of the SDK's files, in memory, which one night after the other changes. */
export interface NightTree {
  readonly fileBytes: number;
  /** Changes the files that this night has built anew; returns their bytes. */
  advance(night: number, kind: NightKind): number;
  /** The tree as a tar, every entry with a time of that night. */
  tar(night: number): Readable;
}

const sampleFiles = async (workload: Workload, scale: number): Promise<File[]> => {
  const files: File[] = [];
  for await (const { path, type, head, content } of tarEntries(openTar(workload.tars('first').sdk, false))) {
    // Folders and links cost next to nothing; hard links would need what they lead to.
    const isWanted = type === '0' ? share('sample', path) < 1 / scale : type === '5' || type === '2';
    if (!isWanted) continue;
    // Copies: the buffers are parts of larger ones.
    const first = Buffer.from(content);
    files.push({ path, head: Buffer.from(head), content: first, first, seeds: [], isKernel: isKernelFile(path) });
  }
  return files;
};

async function* tarParts(files: readonly File[], night: number): AsyncGenerator<Buffer> {
  let [entry, parts, length] = [0, [] as Buffer[], 0];
  for (const { head, content } of files) {
    entry += 1;
    const own = Buffer.from(head);
    const header = own.subarray(own.length - BLOCK);
    setNumber(header, 124, content.length);
    setNumber(header, 136, laterTime(readOctal(header, 136, 12), entry + night * 31) + night * 86_400);
    parts.push(own, content, Buffer.alloc(paddedSize(content.length) - content.length));
    length += own.length + paddedSize(content.length);
    if (length < 1 << 20) continue;
    yield Buffer.concat(parts);
    [parts, length] = [[], 0];
  }
  yield Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/**
 * Takes a part of the first night's SDK: each file by the digest of its path, so that all kinds of files are there in their shares.
 *
 * @param scale a `scale`-th of the files
 * @param changedShare which part of the bytes outside of the kernel a night builds anew
 */
export const openNightTree = async (workload: Workload, scale: number, changedShare: number): Promise<NightTree> => {
  const files = await sampleFiles(workload, scale);
  const fileBytes = files.reduce((sum, { content }) => sum + content.length, 0);
  const kernel = files.filter(({ isKernel }) => isKernel);
  const userland = files.filter(({ isKernel, content }) => !isKernel && content.length > 0);
  // Files are large and small: what one night builds too much, the next ones build less.
  let owedBytes = 0;
  const pickUserland = (night: number): File[] => {
    owedBytes += userland.reduce((sum, { content }) => sum + content.length, 0) * changedShare;
    const order = userland.map((file) => ({ file, at: share('night', night, file.path) }));
    const picked: File[] = [];
    for (const { file } of order.sort((a, b) => a.at - b.at)) {
      if (owedBytes <= 0) break;
      owedBytes -= file.content.length;
      picked.push(file);
    }
    return picked;
  };
  return {
    fileBytes,
    advance(night, kind) {
      if (kind === 'first') return 0;
      const built = [...pickUserland(night), ...(kind === 'kernel' ? kernel : [])];
      for (const file of built) {
        file.seeds.push(Math.floor(share('seed', night, file.path) * 2 ** 32));
        file.content = rebuild(file.first, file.seeds, MEAN_GAP_BYTES[file.isKernel ? 'kernel' : 'userland']);
      }
      return built.reduce((sum, { content }) => sum + content.length, 0);
    },
    tar: (night) => Readable.from(tarParts(files, night)),
  };
};
