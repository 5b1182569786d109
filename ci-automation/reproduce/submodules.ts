import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createGit, type Git } from '../../lib/git/index.ts';
import type { Runner } from '../../lib/process/index.ts';

/** A submodule may be a folder of this machine here, which git allows only when it is told so. */
const FROM_FOLDERS = ['-c', 'protocol.file.allow=always'] as const;

const openGit = (runner: Runner, cwd: string): Git => createGit({ query: runner, effects: runner, cwd });

const modulesFolder = (modules: string): string => join(modules, '.git', 'modules');

/**
 * Clones the submodules of tags, so that checkouts of these get them without the network. A tree without submodules costs nothing.
 *
 * @param origin absolute path of the bare clone that has the tags
 * @param url where that clone is from; submodules with relative addresses are beside it
 * @param modules absolute path of the folder that is made
 */
export const cloneSubmodules = async (
  runner: Runner,
  { origin, modules }: { readonly origin: string; readonly modules: string },
  url: string,
  tags: Iterable<string>,
): Promise<void> => {
  const made = `${modules}.new`;
  await rm(made, { recursive: true, force: true });
  await mkdir(dirname(made), { recursive: true });
  await runner.run(['git', 'clone', '--quiet', '--no-checkout', '--', origin, made]);
  const git = async (...args: readonly string[]): Promise<void> => {
    await runner.run(['git', ...args], { cwd: made, env: { GIT_TERMINAL_PROMPT: '0' } });
  };
  await git('remote', 'set-url', 'origin', url);
  for (const tag of new Set(tags)) {
    await git('-c', 'advice.detachedHead=false', 'checkout', '--quiet', '--force', `refs/tags/${tag}`, '--');
    if ((await openGit(runner, made).submodules()).length === 0) continue;
    await git(...FROM_FOLDERS, 'submodule', '--quiet', 'update', '--init', '--force');
  }
  await rm(modules, { recursive: true, force: true });
  await rename(made, modules);
};

/**
 * Fills the submodules of a checkout with what {@link cloneSubmodules} cloned. Their remotes are these clones, so nothing that is pushed there gets
 * any further.
 */
export const fillSubmodules = async (runner: Runner, modules: string, tree: string): Promise<void> => {
  const submodules = await openGit(runner, tree).submodules();
  if (submodules.length === 0) return;
  for (const { name } of submodules) {
    await runner.run(['git', 'config', `submodule.${name}.url`, join(modulesFolder(modules), name)], { cwd: tree });
  }
  await runner.run(['git', ...FROM_FOLDERS, 'submodule', '--quiet', 'update', '--init'], { cwd: tree });
};

/** Whether a checkout of a tag would find all its submodules. @param origin absolute path of a bare clone */
export const hasSubmodules = async (
  runner: Runner,
  { origin, modules }: { readonly origin: string; readonly modules: string },
  tag: string,
): Promise<boolean> => {
  const ref = `refs/tags/${tag}`;
  const listed = await runner.run(['git', 'config', '--blob', `${ref}:.gitmodules`, '--get-regexp', '\\.path$'], {
    cwd: origin,
    stdout: 'capture',
    // Without submodules there is no such file.
    okExitCodes: [0, 1, 128],
  });
  const names = listed.exitCode === 0 ? [...listed.stdout.matchAll(/^submodule\.(.+)\.path /gm)] : [];
  for (const [, name = ''] of names) {
    const isThere = await stat(join(modulesFolder(modules), name)).then(
      () => true,
      () => false,
    );
    if (!isThere) return false;
  }
  return true;
};
