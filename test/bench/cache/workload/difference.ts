import { hash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, createZstdCompress } from 'node:zlib';
import { openTar } from './images.ts';
import type { MadeNight } from './lists.ts';
import { tarEntries } from './tar-entries.ts';
import type { Workload } from './workload.ts';

/** How far one night's files are from the first night's, by whole contents. */
export interface NightDifference {
  /** Bytes of all regular files, and of those whose content the first night does not have anywhere. */
  readonly fileBytes: number;
  readonly newBytes: number;
  readonly newFiles: number;
  /** The new contents one after the other through `zstd -3`. */
  readonly newZstdBytes: number;
  /** Of the new bytes, those in kernel images and modules. */
  readonly newKernelBytes: number;
}

const isKernelFile = (path: string): boolean => /(^|\/)(lib\/modules|boot)\//.test(path);

/** Looks at every regular file of a night's two tars. */
const eachFile = async (
  workload: Workload,
  night: MadeNight,
  look: (path: string, content: Buffer) => Promise<void> | void,
): Promise<void> => {
  const { sdk, layer } = workload.tars(night);
  for (const file of [sdk, layer]) {
    for await (const { type, path, content } of tarEntries(openTar(file, false))) {
      if (type === '0') await look(path, content);
    }
  }
};

const keyOf = (content: Buffer): string => hash('sha256', content, 'base64');

const compare = async (workload: Workload, night: MadeNight, known: ReadonlySet<string>): Promise<NightDifference> => {
  const sum = { fileBytes: 0, newBytes: 0, newFiles: 0, newZstdBytes: 0, newKernelBytes: 0 };
  const seen = new Set<string>();
  const packer = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  packer.on('data', (data: Buffer) => {
    sum.newZstdBytes += data.length;
  });
  await eachFile(workload, night, async (path, content) => {
    sum.fileBytes += content.length;
    const key = keyOf(content);
    if (known.has(key) || seen.has(key)) return;
    seen.add(key);
    sum.newBytes += content.length;
    sum.newFiles += 1;
    if (isKernelFile(path)) sum.newKernelBytes += content.length;
    if (!packer.write(Buffer.from(content))) await once(packer, 'drain');
  });
  packer.end();
  await once(packer, 'end');
  return sum;
};

/** Compares the later nights with the first one; computed once per workload. */
export const findDifferences = async (
  workload: Workload,
): Promise<Readonly<Record<'userland' | 'kernel', NightDifference>>> => {
  const file = join(workload.folder, 'differences.json');
  if (!existsSync(file)) {
    const known = new Set<string>();
    await eachFile(workload, 'first', (_path, content) => void known.add(keyOf(content)));
    const found = {
      userland: await compare(workload, 'userland', known),
      kernel: await compare(workload, 'kernel', known),
    };
    await writeFile(file, `${JSON.stringify(found, null, 1)}\n`);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Record<'userland' | 'kernel', NightDifference>;
};
