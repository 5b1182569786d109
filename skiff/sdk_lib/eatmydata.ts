import { existsSync } from 'node:fs';

const folder = '/usr/lib/x86_64-linux-gnu';
const library = `${folder}/libeatmydata.so`;

/**
 * Takes the waiting for the disk out of a mmdebstrap run: a root that a crash leaves half done is thrown away anyway, so
 * nothing needs to be flushed while it is made. Saves a third of the time where a disk is busy. The library is put into
 * the root for as long as the run takes, because what runs in there is preloaded with it, too.
 * @returns options and environment for mmdebstrap; nothing when the library is not on this machine
 */
export function assembleEatmydata(): { options: string[]; env: NodeJS.ProcessEnv } {
  if (!existsSync(library)) return { options: [], env: {} };
  const put = `cp -a ${library}* "$1${folder}/"`;
  const take = `chroot "$1" dpkg-query --status libeatmydata1 >/dev/null 2>&1 || rm -f "$1${library}"*`;
  return { options: [`--extract-hook=${put}`, `--customize-hook=${take}`], env: { LD_PRELOAD: library } };
}
