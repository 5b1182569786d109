/**
 * Makes the SDK container images from an SDK tarball: amd64 (the tarball and the board's base.tar.zst), arm64 (the tarball
 * and a cross compiler), all (both).
 * Reads:  TARBALL, sdk/packages.yaml, image/base.yaml; no network, the SDK carries all inputs
 * Writes: images skiff-sdk-{all,amd64,arm64}:TAG; logs to the folder of -l; clean-up commands to the file of -x
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { findEngine } from './engine.ts';
import { Fault, misuse, runMain } from './fault.ts';
import { hashFile } from './hash.ts';
import { onInterrupt } from './interrupt.ts';
import { log } from './log.ts';
import { readOptions } from './options.ts';
import { addLayer, type ImageBuild, importTarball, isCurrent } from './sdk-images.ts';
import { getImageTag } from './version.ts';

const usage = './build_sdk_container_image [-k] [-l DIR] [-v OSVER] [-x FILE] TARBALL';

function parseTarballName(tarball: string): string {
  const version = /^skiff-sdk-(?:amd64|arm64)-(\d+\.\d+\.\d+.*)\.tar\.zst$/.exec(path.basename(tarball))?.[1];
  if (version) return version;
  throw misuse(`"${path.basename(tarball)}" is no name of an SDK tarball`, 'expected skiff-sdk-ARCH-VERSION.tar.zst');
}

/** Copies the logs of the board set-up out of its container. */
async function collectLogs(build: ImageBuild, container: string, folder: string): Promise<void> {
  await fs.mkdir(folder, { recursive: true });
  const source = `${container}:/build/amd64-usr/var/log/.`;
  await $({ quiet: true, nothrow: true })`${build.engine.command} cp ${source} ${folder}`;
}

/** The two halves do not need each other, so they are made at the same time; `all` is the second one on the first. */
async function makeImages(build: ImageBuild, tarball: string, logDir: string | undefined): Promise<void> {
  const { tag } = build;
  const [imported, amd64, arm64, all] = ['import', 'amd64', 'arm64', 'all'].map(
    (name) => `skiff-sdk-${name}:${tag}`,
  ) as [string, string, string, string];
  log('importing the SDK tarball');
  await importTarball(build, tarball, imported);
  const cross = ['zx', 'sdk_lib/install_cross.ts', '--arch=arm64'];
  const board = ['zx', 'sdk_lib/setup_board.ts', '--board=amd64-usr'];
  const collect = logDir ? (name: string) => collectLogs(build, name, logDir) : undefined;
  const halves = await Promise.allSettled([
    addLayer(build, { from: imported, image: amd64, command: board, collect }),
    addLayer(build, { from: imported, image: arm64, command: cross }),
  ]);
  for (const half of halves) if (half.status === 'rejected') throw half.reason;
  await addLayer(build, { from: amd64, image: all, command: cross });
}

async function main(args: string[]): Promise<undefined> {
  const { values, positionals } = readOptions(
    args,
    usage,
    {
      keep: { type: 'boolean', short: 'k' },
      log: { type: 'string', short: 'l' },
      osver: { type: 'string', short: 'v' },
      cleanup: { type: 'string', short: 'x' },
    },
    1,
  );
  const [tarball = ''] = positionals;
  const tag = getImageTag(parseTarballName(tarball));
  const tarballHash = await hashFile(tarball).catch((error: unknown) => {
    throw new Fault(`cannot read ${tarball}: ${error instanceof Error ? error.message : String(error)}`);
  });
  const build: ImageBuild = { engine: await findEngine(), tag, tarballHash, cleanupFile: values.cleanup };
  const images = ['all', 'amd64', 'arm64'].map((arch) => `skiff-sdk-${arch}:${tag}`);
  const current = await Promise.all(images.map((image) => isCurrent(build, image)));
  if (current.every(Boolean)) {
    log(`${images.join(', ')} are already made from this tarball`);
    return undefined;
  }
  const removeImport = async () => {
    const remove = $({ quiet: true, nothrow: true });
    if (!values.keep) await remove`${build.engine.command} image rm ${`skiff-sdk-import:${tag}`}`;
  };
  onInterrupt(removeImport);
  try {
    await makeImages(build, tarball, values.log);
  } finally {
    await removeImport();
  }
  return undefined;
}

await runMain('build_sdk_container_image', main);
