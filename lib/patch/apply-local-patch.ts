import { readFile } from 'node:fs/promises';
import { isSlipwayError, slipwayError } from '../errors/index.ts';
import type { Committer, Git } from '../git/index.ts';
import type { Log } from '../log/index.ts';

/** A patch that lies beside a checkout and belongs into every build of it: a fix that is not public yet. */
export interface LocalPatch {
  /** Path from the root of the checkout, for example `../scripts.patch`. */
  readonly file: string;
  /** Who commits it; its author is who the patch names. */
  readonly committer: Committer;
}

/** What applying works with. */
export interface PatchTools {
  readonly git: Git;
  /** Takes back a patch that did not apply, so its runners must still run after an interrupt. Default: `git`. */
  readonly undo?: Git;
  readonly log: Log;
}

/** `none`: there is no patch. `present`: the history has it. `applied`: it is a commit on top of what was checked out. */
export type PatchOutcome = 'none' | 'present' | 'applied';

/** As latin1, in which every byte is a character. */
const readIfThere = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'latin1');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
};

const pathOf = ({ file }: LocalPatch, git: Git): string => `${git.cwd}/${file}`;

/** Patch ids of the local patch; none when there is no such file or no patch in it. */
export const readPatchIds = async (patch: LocalPatch, git: Git): Promise<readonly string[]> => {
  const file = pathOf(patch, git);
  return (await readIfThere(file)).trim() === '' ? [] : git.patchIds(file);
};

const isInHistory = async (git: Git, file: string, ids: readonly string[]): Promise<boolean> => {
  const present = await git.patchIdsInHistory(await git.patchedPaths(file));
  return ids.every((id) => present.has(id));
};

/** An earlier attempt with this patch that was killed left git in the middle of it. Anybody else's unfinished work is not touched. */
const endEarlierAttempt = async (
  { git, log }: PatchTools,
  file: string,
  text: string,
  committer: Committer,
): Promise<void> => {
  const mail = await git.openMail();
  if (mail === undefined) return;
  if (!text.includes(mail.trimEnd())) throw slipwayError('PATCH_SESSION_OPEN', { file, folder: git.cwd });
  log.info(`Taking back an earlier attempt to apply ${file} that was not finished.`);
  await git.abortMails(committer);
};

const apply = async (tools: PatchTools, file: string, committer: Committer): Promise<void> => {
  const { git, undo = git, log } = tools;
  // Taking back a patch that does not apply would take staged changes with it.
  const { staged } = await git.changes();
  if (staged.length > 0) throw slipwayError('PATCH_INDEX_DIRTY', { file, files: staged });
  try {
    await git.applyMails(file, committer);
  } catch (error) {
    // The first error is the one to show.
    const takeBack = async (): Promise<void> => {
      if ((await undo.openMail()) !== undefined) await undo.abortMails(committer);
    };
    await takeBack().catch((second: unknown) => log.warn(`Could not take back ${file}: ${second}`));
    if (!isSlipwayError(error, 'COMMAND_FAILED')) throw error;
    throw slipwayError('PATCH_DOES_NOT_APPLY', { file, output: String(error.data.lastOutput) }, error);
  }
};

/**
 * Commits the local patch on top of what is checked out, unless the history has it already; never pushed. Does nothing without a patch;
 * a file that holds none is worth a warning.
 *
 * Throws `PATCH_DOES_NOT_APPLY`, `PATCH_INDEX_DIRTY` or `PATCH_SESSION_OPEN`, all exit 1; the checkout is then as it was.
 */
export const applyLocalPatch = async (patch: LocalPatch, tools: PatchTools): Promise<PatchOutcome> => {
  const { git, log } = tools;
  const file = pathOf(patch, git);
  const text = await readIfThere(file);
  if (text.trim() === '') return 'none';
  const ids = await git.patchIds(file);
  if (ids.length === 0) {
    log.warn(`${patch.file} is not empty and holds no patch; it is left out of the build.`);
    return 'none';
  }
  await endEarlierAttempt(tools, file, text, patch.committer);
  if (await isInHistory(git, file, ids)) {
    log.info(`${patch.file} is in the history already.`);
    return 'present';
  }
  log.info(`Applying ${patch.file}.`);
  await apply(tools, file, patch.committer);
  return 'applied';
};

/** Whether there is a local patch that the history does not have yet. */
export const hasPendingPatch = async (patch: LocalPatch, git: Git): Promise<boolean> => {
  const ids = await readPatchIds(patch, git);
  return ids.length > 0 && !(await isInHistory(git, pathOf(patch, git), ids));
};
