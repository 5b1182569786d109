import fs from 'node:fs/promises';
import path from 'node:path';
import { type Engine, quoteWord } from './engine.ts';
import { Fault } from './fault.ts';
import { onInterrupt, runWhole } from './interrupt.ts';
import { log } from './log.ts';
import { runPipeline, stopPrograms } from './run-logged.ts';
import { addCleanup, execInContainer, type SdkContainer, startContainer } from './sdk-container.ts';
import { treeDir } from './tree.ts';

/** What the images of one SDK version share. */
export interface ImageBuild {
  engine: Engine;
  /** version number as an image tag */
  tag: string;
  /** sha256 of the SDK tarball, 64 hex; kept as a label so that a later run knows what an image was made from */
  tarballHash: string;
  cleanupFile?: string;
}

const tarballLabel = 'skiff.tarball.sha256';

/** Settings of every image, in the words of a Dockerfile. */
function assembleChanges({ tag, tarballHash }: ImageBuild): string[] {
  const changes = [
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'ENV LANG=C.UTF-8',
    'WORKDIR /mnt/host/source/src/scripts',
    'USER root',
    'CMD ["/bin/bash", "-l"]',
    `LABEL VERSION=${tag}`,
    `LABEL ${tarballLabel}=${tarballHash}`,
  ];
  return changes.flatMap((change) => ['--change', change]);
}

/** @returns whether a local image was made from this very tarball */
export async function isCurrent({ engine, tarballHash }: ImageBuild, image: string): Promise<boolean> {
  const format = `{{index .Config.Labels "${tarballLabel}"}}`;
  const shown = await $({ quiet: true, nothrow: true })`${engine.command} image inspect --format ${format} ${image}`;
  return shown.stdout.trim() === tarballHash;
}

/** Makes an image of the SDK tarball. The caller removes the image, also when this fails. */
export async function importTarball(build: ImageBuild, tarball: string, image: string): Promise<void> {
  const { engine, cleanupFile } = build;
  if (cleanupFile) {
    const words = engine.command.map(quoteWord).join(' ');
    await fs.appendFile(cleanupFile, `${words} image rm -f ${quoteWord(image)}\n`);
  }
  const logFile = path.join(treeDir, '__build__/tmp', `import-${build.tag}.log`);
  const script = 'zstd -q -d -c "$1" | "${@:2}"';
  const command = [...engine.command, 'import', ...assembleChanges(build), '-', image];
  // The engine would finish even when we are gone; what it made of half a tarball is for the caller to remove.
  onInterrupt(stopPrograms);
  await runPipeline(script, [tarball, ...command], { logFile, env: process.env });
  await fs.rm(logFile, { force: true });
}

/** One image on top of another. */
export interface ImageLayer {
  from: string;
  image: string;
  /** command that runs in a container of `from`, with the checkout mounted */
  command: string[];
  /** called with the container's name before it is removed, also when the command failed */
  collect?: (container: string) => Promise<void>;
}

/**
 * Runs a command in a container of an image and commits the result as another image.
 * @throws Fault when the command fails
 */
export async function addLayer(build: ImageBuild, layer: ImageLayer): Promise<void> {
  const { engine, cleanupFile } = build;
  const name = `${layer.image.replaceAll(/[:/]/g, '-')}-build`;
  const container: SdkContainer = { engine, image: layer.from, name, tty: false, mounts: [] };
  if (cleanupFile) await addCleanup(cleanupFile, container);
  const remove = async () => {
    await $({ quiet: true, nothrow: true })`${engine.command} rm -f ${name}`;
  };
  onInterrupt(remove);
  await remove();
  try {
    await startContainer(container);
    const status = await execInContainer(container, layer.command);
    await layer.collect?.(name);
    if (status !== 0) throw new Fault(`${layer.image}: ${layer.command.join(' ')} ended with status ${status}`);
    const changes = assembleChanges(build);
    await runWhole(() => $({ quiet: true })`${engine.command} commit ${changes} ${name} ${layer.image}`);
    log(`made ${layer.image}`);
  } finally {
    await remove();
  }
}
