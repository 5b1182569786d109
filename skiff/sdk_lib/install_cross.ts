/** In an SDK container: installs the cross compiler of an architecture from the distfiles, without network. */
import path from 'node:path';
import { misuse, runMain } from './fault.ts';
import { log } from './log.ts';
import { readOptions } from './options.ts';
import { listNames, readSdkPackages } from './package-list.ts';
import { runLogged } from './run-logged.ts';
import { distfilesDir } from './tree.ts';

await runMain('install_cross', async (args) => {
  const { values } = readOptions(args, 'install_cross --arch=ARCH', { arch: { type: 'string' } });
  const { cross } = await readSdkPackages();
  const arch = values.arch ?? '';
  const list = cross[arch];
  if (!list) throw misuse(`no cross compiler for "${arch}"`, `known: ${Object.keys(cross).join(', ')}`);
  log(`installing the cross compiler for ${arch}`);
  const options = ['-y', '--no-install-recommends', '-o', 'DPkg::Options::=--force-unsafe-io'];
  const store = ['-o', `Dir::Cache::archives=${path.join(distfilesDir, `cross-${arch}`)}`, '--no-download'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const command = ['apt-get', 'install', ...options, ...store, ...listNames({ [arch]: list })];
  await runLogged(command, { env, logFile: `/tmp/cross-${arch}.log` });
  await $({ quiet: true })`find /var/log /var/cache/apt -type f -delete`;
  return undefined;
});
