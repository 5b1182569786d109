import { readlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { slipwayError } from '../errors/index.ts';
import { validatePath } from './paths.ts';

const reasonAgainst = (target: string, name: string): string | undefined => {
  if (target.startsWith('/'))
    return `it is a link to ${target}, an absolute path, which means something else in the cache`;
  const place = posix.join(posix.dirname(name), target).replace(/\/$/, '');
  if (place === '..' || place.startsWith('../')) return `it is a link to ${target}, which leaves the published folder`;
  if (place === '.' || `${name}/`.startsWith(`${place}/`))
    return `it is a link to ${target}, a folder that it is in itself`;
  validatePath(place);
  return undefined;
};

/**
 * The target of a symbolic link that is to be published as one. It must mean the same in the cache as it does here: relative,
 * and inside the published folder. Whether anything is there does not matter.
 *
 * @param file absolute path of the link
 * @param name its place below the published folder
 * Throws `ARTIFACT_FILE_INVALID`, and `CACHE_PATH_INVALID` for a target that could not be in the cache.
 */
export const readLinkTarget = async (file: string, name: string): Promise<string> => {
  const target = await readlink(file);
  const reason = reasonAgainst(target, name);
  if (reason) throw slipwayError('ARTIFACT_FILE_INVALID', { file, reason });
  return target;
};
