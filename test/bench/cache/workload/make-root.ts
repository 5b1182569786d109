import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../shell.ts';
import { EXCLUDED_FOLDERS, RELEASE } from './lists.ts';
import { makeSourcesList } from './mirror.ts';

/** What a root filesystem is made from. */
export interface RootRequest {
  /** Debian packages; `NAME=VERSION` pins one. */
  readonly packages: readonly string[];
  readonly suites: readonly string[];
  /** SOURCE_DATE_EPOCH, seconds. */
  readonly epoch: number;
  /** Absolute path of the folder that becomes the root. */
  readonly root: string;
  /** Absolute path of an existing folder for temporary files. */
  readonly work: string;
  /** Absolute path of a folder that gets the .deb files. */
  readonly debsTo?: string;
}

/** What an installation leaves behind and no later step reads; an initial ramdisk belongs to an image that boots. */
const TRACES = [
  ...['etc/hostname', 'etc/resolv.conf', 'etc/apt/apt.conf.d/99mmdebstrap', 'etc/dpkg/dpkg.cfg.d/99mmdebstrap'],
  ...[
    'var/cache/apt/pkgcache.bin',
    'var/cache/apt/srcpkgcache.bin',
    'var/cache/ldconfig/aux-cache',
    'var/lib/apt/lists',
  ],
];

const removeTraces = async (root: string): Promise<void> => {
  for (const path of TRACES) await rm(join(root, path), { recursive: true, force: true });
  for (const name of await readdir(join(root, 'boot')).catch(() => [])) {
    if (name.startsWith('initrd')) await rm(join(root, 'boot', name));
  }
  // Comes out differently in each run.
  await run('find', [
    join(root, 'usr'),
    '-type',
    'd',
    '-name',
    '__pycache__',
    '-prune',
    '-exec',
    'rm',
    '-rf',
    '{}',
    '+',
  ]);
  for (const folder of ['var/log', 'tmp', 'run', 'dev']) {
    await run('find', [join(root, folder), '-mindepth', '1', '-delete']);
  }
};

const EATMYDATA_FOLDER = '/usr/lib/x86_64-linux-gnu';

/** Nothing has to reach the disk while a root is made that a crash would leave half done anyway. */
const withoutFlushing = (): { options: string[]; env: Record<string, string> } => {
  const library = `${EATMYDATA_FOLDER}/libeatmydata.so`;
  if (!existsSync(library)) return { options: [], env: {} };
  const put = `--extract-hook=cp -a ${library}* "$1${EATMYDATA_FOLDER}/"`;
  const take = `--customize-hook=rm -f "$1${library}"*`;
  return { options: [put, take], env: { LD_PRELOAD: library } };
};

/** Installs real packages into a root folder by mmdebstrap; needs to be root. */
export const makeRoot = async ({ packages, suites, epoch, root, work, debsTo }: RootRequest): Promise<void> => {
  const sources = join(work, 'sources.list');
  await writeFile(sources, await makeSourcesList(suites));
  if (debsTo) await mkdir(debsTo, { recursive: true });
  const fast = withoutFlushing();
  const args = [
    ...['--mode=root', '--format=directory', '--variant=minbase', '--skip=chroot/mount,cleanup/apt'],
    '--dpkgopt=force-unsafe-io',
    ...EXCLUDED_FOLDERS.map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
    ...['--aptopt=Acquire::Languages "none"', '--aptopt=Acquire::Retries "3"'],
    '--aptopt=APT::Install-Recommends "false"',
    ...fast.options,
    ...(debsTo ? [`--customize-hook=cp "$1"/var/cache/apt/archives/*.deb ${debsTo}/`] : []),
    `--include=${packages.join(',')}`,
    ...[RELEASE, root, sources],
  ];
  // INITRD=No: the hooks of a kernel package make no initial ramdisk.
  await run('mmdebstrap', args, { ...fast.env, SOURCE_DATE_EPOCH: String(epoch), TMPDIR: work, INITRD: 'No' });
  await run('find', [join(root, 'var/cache/apt/archives'), '-name', '*.deb', '-delete']);
  await removeTraces(root);
};

/** Packages in a root, name to version. */
export const readVersions = async (root: string): Promise<Record<string, string>> => {
  const text = await run('dpkg-query', [
    `--admindir=${join(root, 'var/lib/dpkg')}`,
    '-W',
    '-f',
    '${Package}:${Architecture} ${Version}\n',
  ]);
  return Object.fromEntries(text.split('\n').map((line) => line.split(' ') as [string, string]));
};
