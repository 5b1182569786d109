import type { Command } from '../process/index.ts';
import type { StepContext } from './context.ts';
import { removeLeftovers } from './ownership.ts';

/** A container of the tree's SDK, as `run_sdk_container` takes it. */
export interface SdkContainer {
  readonly name: string;
  /** Image reference; left out where the container is known to be there. */
  readonly image?: string;
  /** OS version (cache form); left out where the original leaves it out. */
  readonly version?: string;
  /** Name the version before the image: the original's order in its packages step, and logs of both are to be the same. */
  readonly versionFirst?: boolean;
  /** Write the container into `ci-cleanup.sh`: at the first command in it. */
  readonly cleanup?: boolean;
  /** At the first command: go on in the container of an earlier attempt, if it is of the same image. */
  readonly resume?: boolean;
  /**
   * At the first command: what an earlier attempt left here is removed, once nothing of it is at work any more. Path below the root of the tree.
   */
  readonly leftovers?: string;
  /** Added to the environment of the tree's entry point. */
  readonly env?: Readonly<Record<string, string>>;
}

/** File at the root of the tree with commands that free what a build leaves; appended to, run by the CI. */
export const CLEANUP_FILE = './ci-cleanup.sh';

/** What an attempt left that was killed would get in the way, and may still be at work in there. */
const clearTheWay = async (context: StepContext, { name, image, resume }: SdkContainer): Promise<void> => {
  const { engine, log, root } = context;
  const left = resume && image !== undefined ? await engine.containerState(name) : undefined;
  // One of another checkout would build what lies there.
  if (left === undefined || !left.mounts.includes(root) || left.imageId !== (await engine.imageId(image ?? ''))) {
    await engine.removeContainer(name);
    return;
  }
  log.info(`Going on in the container ${name} of an earlier attempt.`);
  if (left.running) await engine.stopContainer(name);
};

/**
 * Runs a command of the tree in a container of its SDK. The container outlives the command, so that the next one finds what this one did; the
 * first command (the one with `cleanup`) starts with a new one, unless it resumes.
 *
 * @throws COMMAND_FAILED with the command's own exit code
 */
export const runInSdk = async (
  context: StepContext,
  container: SdkContainer,
  command: readonly string[],
): Promise<void> => {
  const { name, image, version, versionFirst, cleanup, env } = container;
  const imageOption = image === undefined ? [] : ['-C', image];
  const versionOption = version === undefined ? [] : ['-v', version];
  const whole: Command = [
    './run_sdk_container',
    ...(cleanup ? ['-x', CLEANUP_FILE] : []),
    '-n',
    name,
    ...(versionFirst ? [...versionOption, ...imageOption] : [...imageOption, ...versionOption]),
    ...command,
  ];
  if (cleanup) {
    await clearTheWay(context, container);
    if (container.leftovers !== undefined) await removeLeftovers(context, container.leftovers);
    context.onInterrupt.add(`container ${name}`, () => context.rescueEngine.removeContainer(name));
  }
  await context.effects.run(whole, { env });
};
