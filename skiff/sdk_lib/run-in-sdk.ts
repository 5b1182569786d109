import type { Engine } from './engine.ts';
import { onInterrupt } from './interrupt.ts';
import type { RunOptions } from './run-options.ts';
import {
  addCleanup,
  execInContainer,
  returnOwnership,
  type SdkContainer,
  startContainer,
  stopContainer,
} from './sdk-container.ts';
import { getImageTag, getVersionNumber, readTreeVersion } from './version.ts';

/**
 * Decides image and name of a container from the command line and the version file.
 * @param options command line of run_sdk_container
 * @param engine container engine
 */
export async function assembleContainer(options: RunOptions, engine: Engine): Promise<SdkContainer> {
  const tree = await readTreeVersion();
  const sdkTag = getImageTag(getVersionNumber(options.sdkVersion ?? tree.sdkVersion));
  const osTag = getImageTag(getVersionNumber(options.osVersion ?? tree.version));
  const sdk = `skiff-sdk-${options.arch}`;
  return {
    engine,
    image: options.image ?? `${sdk}:${sdkTag}`,
    name: options.name ?? `${sdk}-${sdkTag}_os-${osTag}`,
    tty: options.tty,
    mounts: options.mounts,
  };
}

/**
 * Runs the command of `options` in a container, which is created and started as needed, and stopped afterwards when it
 * was not up before.
 * @returns the command's exit status
 */
export async function runInSdk(container: SdkContainer, options: RunOptions): Promise<number> {
  if (options.cleanupFile) await addCleanup(options.cleanupFile, container);
  // The command would go on otherwise.
  onInterrupt(() => stopContainer(container, options.remove));
  const isOurs = await startContainer(container);
  try {
    return await execInContainer(container, options.command.length > 0 ? options.command : ['/bin/bash', '-l']);
  } finally {
    await returnOwnership(container);
    if (isOurs) await stopContainer(container, options.remove);
  }
}
