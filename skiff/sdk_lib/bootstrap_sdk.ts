/**
 * Makes an SDK tarball. Runs as root on a Debian machine or in an ordinary SDK container.
 * Reads:  sdk/packages.yaml, image/base.yaml, packages/<name>/recipe.yaml, the version file, the Debian mirror
 * Writes: __build__/images/sdk/skiff-sdk-ARCH-SDKVERNUM.tar.zst, .CONTENTS.gz, .packages.json; log/mmdebstrap.log
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { removeTraces } from './archive.ts';
import { getSourceDateEpoch } from './epoch.ts';
import { misuse, runMain } from './fault.ts';
import { onInterrupt } from './interrupt.ts';
import { log } from './log.ts';
import { readOptions } from './options.ts';
import { readSdkPackages } from './package-list.ts';
import { stopPrograms } from './run-logged.ts';
import { makeSdkRoot } from './sdk-root.ts';
import { packSdk, writeManifest } from './sdk-tarball.ts';
import { treeDir } from './tree.ts';
import { getVersionNumber, readTreeVersion } from './version.ts';

const usage = './bootstrap_sdk [--suite SUITE] [--version VERSION]';

async function checkMachine(): Promise<void> {
  if (process.getuid?.() !== 0)
    throw misuse('must run as root', 'mmdebstrap unpacks files of many owners: use sudo -E');
  if ((await $({ quiet: true, nothrow: true })`mmdebstrap --version`).exitCode !== 0) {
    throw misuse('mmdebstrap is not installed', 'apt-get install mmdebstrap libeatmydata1 zstd');
  }
}

async function main(args: string[]): Promise<undefined> {
  const { values } = readOptions(args, usage, { suite: { type: 'string' }, version: { type: 'string' } });
  const suite = values.suite ?? (await readSdkPackages()).suite;
  if (!/^[a-z]+$/.test(suite)) throw misuse(`"${suite}" is no Debian suite`, 'for example --suite bookworm');
  await checkMachine();
  const version = values.version ? getVersionNumber(values.version) : (await readTreeVersion()).sdkVersion;
  const epoch = await getSourceDateEpoch();
  const workDir = path.join(treeDir, '__build__/tmp/bootstrap_sdk');
  const outDir = path.join(treeDir, '__build__/images/sdk');
  await fs.rm(workDir, { recursive: true, force: true });
  await fs.rm(path.join(outDir, 'log'), { recursive: true, force: true });
  await fs.mkdir(workDir, { recursive: true });
  await fs.mkdir(outDir, { recursive: true });
  onInterrupt(() => fs.rm(workDir, { recursive: true, force: true, maxRetries: 5 }));
  onInterrupt(stopPrograms);
  try {
    const root = await makeSdkRoot({ suite, workDir, epoch, logFile: path.join(outDir, 'log/mmdebstrap.log') });
    const tarball = path.join(outDir, `skiff-sdk-amd64-${version}.tar.zst`);
    await writeManifest(root, path.join(workDir, 'packages.json'));
    await removeTraces(root);
    log('packing');
    await packSdk({ root, tarball, workDir, epoch, logFile: path.join(outDir, 'log/pack.log') });
    await fs.rename(path.join(workDir, 'packages.json'), `${tarball}.packages.json`);
    log(`wrote ${path.relative(treeDir, tarball)}, ${((await fs.stat(tarball)).size / 1e6).toFixed(0)} MB`);
  } finally {
    await fs.rm(workDir, { recursive: true, force: true });
  }
  return undefined;
}

await runMain('bootstrap_sdk', main);
