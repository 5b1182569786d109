import fs from 'node:fs/promises';

/** Files of a root that mmdebstrap leaves behind for itself, or that differ between two runs; none is of use later. */
const traces = [
  'etc/hostname',
  'etc/.resolv.conf.systemd-resolved.bak',
  'etc/apt/apt.conf.d/99mmdebstrap',
  'etc/dpkg/dpkg.cfg.d/99mmdebstrap',
  'var/cache/apt/pkgcache.bin',
  'var/cache/apt/srcpkgcache.bin',
  'var/cache/ldconfig/aux-cache',
  'var/lib/apt/lists/lock',
  'var/cache/apt/archives/lock',
];

/**
 * Removes what a package installation leaves behind, and Python's bytecode, which comes out differently in each run.
 * @param root absolute path of the root folder
 */
export async function removeTraces(root: string): Promise<void> {
  for (const file of traces) await fs.rm(`${root}/${file}`, { force: true });
  await $({ quiet: true })`find ${`${root}/usr`} -type d -name __pycache__ -prune -exec rm -rf {} +`;
  await $({ quiet: true })`find ${`${root}/var/log`} ${`${root}/tmp`} ${`${root}/run`} -mindepth 1 -delete`;
}

/**
 * tar arguments for an archive that depends on nothing but the files: sorted, numeric owners, no time after the epoch.
 * @param root absolute path of the folder to pack
 * @param epoch latest file time, seconds
 */
export function assembleTarOptions(root: string, epoch: number): string[] {
  return ['-C', root, '--sort=name', '--numeric-owner', '--format=gnu', `--mtime=@${epoch}`, '--clamp-mtime'];
}
