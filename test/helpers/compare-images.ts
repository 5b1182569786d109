import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareFiles, type Difference, type Limits } from '../../lib/compare/index.ts';
import { createRunner } from '../../lib/process/index.ts';

const run = (
  program: string,
  args: readonly string[],
  options: { cwd?: string; input?: string | Buffer } = {},
): void => {
  const env = {
    ...process.env,
    LC_ALL: 'C.UTF-8',
    SOURCE_DATE_EPOCH: '1700000000',
    PATH: `${process.env.PATH}:/usr/sbin`,
  };
  execFileSync(program, args, { stdio: ['pipe', 'ignore', 'pipe'], ...options, env });
};

/** Compares two files as the commands do. */
export const compareIn = (
  temp: string,
  before: string,
  after: string,
  limits?: Partial<Limits>,
): Promise<Difference | undefined> => {
  mkdirSync(temp, { recursive: true });
  const runner = createRunner({ cwd: '/', env: process.env });
  return compareFiles(before, after, 'it', { runner, temp, limits });
};

/** The names from the top down to the only difference; fails where there are several. */
export const onlyPath = (node: Difference | undefined): readonly string[] => {
  if (!node) return [];
  const [child, ...others] = node.children;
  if (!child) return node.path;
  if (others.length > 0) throw new Error(`several differ: ${node.children.map(({ path }) => path.at(-1)).join(', ')}`);
  return onlyPath(child);
};

/** The node at the end of {@link onlyPath}. */
export const lastNode = (node: Difference | undefined): Difference => {
  if (!node) throw new Error('nothing differs');
  const [child] = node.children;
  return child ? lastNode(child) : node;
};

/** Files of a folder by name; made with the same times on every call. */
export type Files = Readonly<Record<string, string | Buffer>>;

export const makeFolder = (folder: string, files: Files): string => {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  run('find', [folder, '-exec', 'touch', '-h', '-d', '@1700000000', '{}', '+']);
  return folder;
};

export const makeSquashfs = (file: string, source: string): string => {
  run('mksquashfs', [source, file, '-comp', 'zstd', '-noappend', '-quiet', '-no-progress', '-all-root']);
  return file;
};

const UUID = '3b0e5c1a-6f1d-4f1e-9a64-5c1d8f6e2b12';

export const makeExt4 = (file: string, source: string, type = 'ext4'): string => {
  const options = ['-q', '-F', '-t', type, '-U', UUID, '-E', `hash_seed=${UUID},root_owner=0:0`, '-d', source];
  run('mkfs.ext4', [...options, file, '6M']);
  return file;
};

/** @param files by path, with `/` */
export const makeFat = (file: string, files: Files, bits = 16): string => {
  writeFileSync(file, '');
  truncateSync(file, bits === 32 ? 40 * 1024 ** 2 : 6 * 1024 ** 2);
  run('mkfs.fat', ['-F', String(bits), '-s', '1', '-i', '5C1D8F6E', '-n', 'ESP', '--invariant', file]);
  const folders = new Set(
    Object.keys(files).flatMap((name) =>
      name
        .split('/')
        .slice(0, -1)
        .map((_, index, all) => all.slice(0, index + 1).join('/')),
    ),
  );
  for (const folder of folders) run('mmd', ['-i', file, `::/${folder}`]);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(`${file}.put`, content);
    run('touch', ['-d', '@1700000000', `${file}.put`]);
    run('mcopy', ['-m', '-i', file, `${file}.put`, `::/${name}`]);
  }
  return file;
};

const MIB = 1024 ** 2;

/** A GPT disk with one partition per file, in order, of 8 MiB each. @param more lines of sfdisk's script */
export const makeDisk = (file: string, partitions: Readonly<Record<string, string>>, more = ''): string => {
  const names = Object.keys(partitions);
  writeFileSync(file, '');
  truncateSync(file, (names.length * 8 + 2) * MIB);
  const lines = names.map(
    (name, index) =>
      `start=${index * 8 + 1}MiB, size=8MiB, name=${name}, uuid=3b0e5c1a-6f1d-4f1e-9a64-5c1d8f6e2b0${index}`,
  );
  const header = ['label: gpt', 'label-id: 3b0e5c1a-6f1d-4f1e-9a64-5c1d8f6e2b00', more];
  run('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', file], {
    input: `${[...header, ...lines].join('\n')}\n`,
  });
  for (const [index, name] of names.entries()) {
    const from = partitions[name] ?? '';
    run('dd', [`if=${from}`, `of=${file}`, 'bs=1M', `seek=${index * 8 + 1}`, 'conv=notrunc,sparse', 'status=none']);
  }
  return file;
};

export const runTool = run;

/** Changes one byte of a file. */
export const changeByte = (file: string, at: number): void => {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  writeFileSync(file, bytes);
};
