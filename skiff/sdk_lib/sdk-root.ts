import fs from 'node:fs/promises';
import path from 'node:path';
import { fetchBase, fetchCross, fetchSources, planBase, storePlan } from './distfiles.ts';
import { assembleEatmydata } from './eatmydata.ts';
import { log } from './log.ts';
import { makeSourcesList } from './mirror.ts';
import { listNames, readBasePackages, readSdkPackages } from './package-list.ts';
import { listRecipeSources } from './recipe-sources.ts';
import { runLogged } from './run-logged.ts';
import { installTools } from './tools-payload.ts';

/** What nobody reads in an SDK container. */
const excludes = ['doc', 'man', 'info', 'locale', 'lintian', 'bug', 'i18n/charmaps'];

/**
 * Arguments for mmdebstrap. No mounts: it has to work as root in an ordinary container, and a killed run must not
 * leave any behind. The package lists stay: later steps take what they need by these and no other lists.
 */
function assembleArguments(suite: string, names: string[], root: string, sourcesList: string): string[] {
  return [
    '--mode=root',
    '--format=directory',
    '--variant=apt',
    '--skip=chroot/mount,cleanup/apt/lists',
    '--dpkgopt=force-unsafe-io',
    ...excludes.map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=Acquire::GzipIndexes "true"',
    '--aptopt=Acquire::Retries "3"',
    '--aptopt=APT::Install-Recommends "false"',
    `--include=${names.join(',')}`,
    suite,
    root,
    sourcesList,
  ];
}

/** Fetches the inputs of later steps, at the same time: the mirror is the slow part. */
async function fillDistfiles(root: string): Promise<void> {
  const [base, sdk, sources] = await Promise.all([readBasePackages(), readSdkPackages(), listRecipeSources()]);
  const plan = await planBase(root, base);
  await Promise.all([fetchBase(root, plan), fetchCross(root, sdk.cross), fetchSources(root, sources)]);
  await storePlan(root, plan);
}

/** Files of the running system that network access from a chroot needs, while the root is being made. */
const networkFiles = ['/etc/resolv.conf', '/etc/hosts'];

async function withNetwork(root: string, work: () => Promise<void>): Promise<void> {
  for (const file of networkFiles) await fs.copyFile(file, path.join(root, file)).catch(() => undefined);
  await work();
  for (const file of networkFiles) await fs.rm(path.join(root, file), { force: true });
}

/** Links, mount points and settings that the entry points expect in an SDK container. */
async function addLayout(root: string): Promise<void> {
  for (const folder of ['home/sdk', 'mnt/host/source/src/build', 'mnt/host/source/src/scripts', 'build']) {
    await fs.mkdir(path.join(root, folder), { recursive: true });
  }
  await fs.symlink('/mnt/host/source', path.join(root, 'home/sdk/trunk'));
  // The checkout belongs to the host's user, git runs as root.
  await fs.writeFile(path.join(root, 'etc/gitconfig'), '[safe]\n\tdirectory = *\n');
}

/** What a new SDK root is made from. */
export interface SdkRootOptions {
  /** Debian suite, for example bookworm */
  suite: string;
  /** absolute path of an empty folder for the root and temporary files */
  workDir: string;
  /** SOURCE_DATE_EPOCH, seconds */
  epoch: number;
  /** absolute path for the output of mmdebstrap */
  logFile: string;
}

/**
 * Makes the root folder of a new SDK from the Debian mirror.
 * @returns absolute path of the root folder
 * @throws Fault with the end of the log when mmdebstrap fails
 */
export async function makeSdkRoot({ suite, workDir, epoch, logFile }: SdkRootOptions): Promise<string> {
  const root = path.join(workDir, 'root');
  const sourcesList = path.join(workDir, 'sources.list');
  await fs.writeFile(sourcesList, await makeSourcesList(suite));
  const names = listNames((await readSdkPackages()).groups);
  log(`installing ${names.length} listed Debian packages of ${suite} and what they depend on`);
  const fast = assembleEatmydata();
  const env = { ...process.env, ...fast.env, SOURCE_DATE_EPOCH: String(epoch), TMPDIR: workDir };
  await runLogged(['mmdebstrap', ...fast.options, ...assembleArguments(suite, names, root, sourcesList)], {
    logFile,
    env,
  });
  log('copying Node and zx');
  await installTools(root);
  await addLayout(root);
  log('fetching the inputs of later steps');
  await withNetwork(root, () => fillDistfiles(root));
  return root;
}
