import fs from 'node:fs/promises';
import path from 'node:path';
import { Fault } from './fault.ts';

/** Package folder of the zx that runs this script: its command line is <package>/build/cli.js, maybe behind a link. */
async function findZxPackage(): Promise<string> {
  const cli = await fs.realpath(process.argv[1] ?? '');
  const folder = path.dirname(path.dirname(cli));
  const manifest = await fs.readFile(path.join(folder, 'package.json'), 'utf8').catch(() => '{}');
  if ((JSON.parse(manifest) as { name?: string }).name !== 'zx') {
    throw new Fault(`expected this script to be run by zx, but it was run by ${cli}`, 'start it as ./bootstrap_sdk');
  }
  return folder;
}

/**
 * Copies the Node and the zx that run this script into an SDK root, so that the entry points run the same way in
 * there: /usr/local/bin/node, /opt/zx and /usr/local/bin/zx.
 * @param root absolute path of the SDK root
 * @throws Fault when the script was not started by zx
 */
export async function installTools(root: string): Promise<void> {
  const bin = path.join(root, 'usr/local/bin');
  await fs.mkdir(bin, { recursive: true });
  await fs.copyFile(process.execPath, path.join(bin, 'node'));
  await fs.chmod(path.join(bin, 'node'), 0o755);
  await fs.cp(await findZxPackage(), path.join(root, 'opt/zx'), { recursive: true, dereference: true });
  await $({ quiet: true })`chmod -R u=rwX,go=rX ${path.join(root, 'opt/zx')}`;
  await fs.rm(path.join(bin, 'zx'), { force: true });
  await fs.symlink('/opt/zx/build/cli.js', path.join(bin, 'zx'));
}
