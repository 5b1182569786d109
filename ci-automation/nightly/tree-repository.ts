import { cp, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { $ } from 'zx';

/** Where a nightly works: an OS repository made from the template, with a bare `origin` beside it, so that pushes are real. */
export interface TreeRepository {
  /** Absolute path of the checkout. */
  readonly tree: string;
  /** Absolute path of the bare repository. */
  readonly origin: string;
}

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );

const identity = ['-c', 'user.name=slipway-nightly', '-c', 'user.email=slipway-nightly@localhost'];

/** Whichever of the two is missing; the checkout may have been removed to save space, the history is in the origin. */
const createMissing = async ({ tree, origin }: TreeRepository): Promise<void> => {
  const git = $({ quiet: true });
  if (!(await isFolder(origin))) {
    await mkdir(origin, { recursive: true });
    await git`git init --quiet --bare --initial-branch=main ${origin}`;
    await rm(tree, { recursive: true, force: true });
  }
  if (!(await isFolder(join(tree, '.git')))) {
    await rm(tree, { recursive: true, force: true });
    await git`git clone --quiet ${origin} ${tree}`;
  }
};

/** Takes over the template's files, all but the version file: versions are made by the steps. */
const copyTemplate = async (template: string, tree: string, versionFile: string): Promise<void> => {
  const kept = join(tree, versionFile);
  const hadVersion = await stat(kept).catch(() => undefined);
  for (const name of await readdir(tree)) {
    if (name === '.git' || name === '__build__' || name === versionFile.split('/')[0]) continue;
    await rm(join(tree, name), { recursive: true, force: true });
  }
  await cp(template, tree, {
    recursive: true,
    filter: (source) => !hadVersion || source !== join(template, versionFile),
  });
};

/**
 * Makes the OS repository on the first call, and on later ones brings it to the head of its branch and commits what changed in the template.
 *
 * @param folder absolute path of the workspace
 * @param template absolute path of the template
 * @param versionFile path of the version file in the tree
 * @returns the repository and whether the template had changed
 */
export const prepareTree = async (
  folder: string,
  template: string,
  versionFile: string,
): Promise<TreeRepository & { readonly changed: boolean }> => {
  const repository = { tree: join(folder, 'tree'), origin: join(folder, 'origin.git') };
  const { tree } = repository;
  await createMissing(repository);
  const git = $({ cwd: tree, quiet: true });
  const isNew = (await git`git ls-remote --heads origin main`).stdout.trim() === '';
  if (!isNew) {
    await git`git fetch --quiet --tags --force origin`;
    await git`git checkout --quiet --force -B main origin/main`;
  }
  await copyTemplate(template, tree, versionFile);
  await git`git add --all`;
  const changed = (await git`git status --porcelain`).stdout.trim() !== '';
  if (changed) {
    const message = isNew ? 'Start from the template' : 'Take over the changes of the template';
    await git`git ${identity} commit --quiet --message ${message}`;
    await git`git push --quiet --set-upstream origin HEAD:main`;
  }
  return { ...repository, changed };
};
