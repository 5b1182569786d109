import type { LocalPatch, PatchTools } from './apply-local-patch.ts';
import { readPatchIds } from './apply-local-patch.ts';

/**
 * Takes the local patch off again where an earlier run in this checkout committed it on top: a version is tagged on what everybody has, so a tag
 * that was made then would not be found equal. Only unpublished commits at HEAD that are the patch's are taken off.
 */
export const takeBackLocalPatch = async (patch: LocalPatch, { git, log }: PatchTools): Promise<void> => {
  const ids = await readPatchIds(patch, git);
  const head = ids.length === 0 ? '' : await git.head();
  let base = head;
  for (let left = ids.length; left > 0; left -= 1) {
    const { parents } = await git.commitInfo(base);
    const [parent] = parents;
    const id = parents.length === 1 ? await git.patchIdOf(base) : undefined;
    if (parent === undefined || id === undefined || !ids.includes(id) || (await git.isPublished(base))) break;
    base = parent;
  }
  if (base === head) return;
  log.info(`Taking ${patch.file} off, which an earlier run committed here; it is applied again after tagging.`);
  await git.stepBack(base);
};
