import type { Command } from '../process/index.ts';
import type { StepContext } from './context.ts';

/** A container of the tree's SDK, as `run_sdk_container` takes it. */
export interface SdkContainer {
  readonly name: string;
  /** Image reference. */
  readonly image: string;
  /** OS version (cache form); left out where the original leaves it out. */
  readonly version?: string;
  /** Write the container into `ci-cleanup.sh`: at the first command in it. */
  readonly cleanup?: boolean;
}

/** File at the root of the tree with commands that free what a build leaves; appended to, run by the CI. */
export const CLEANUP_FILE = './ci-cleanup.sh';

/**
 * Runs a command of the tree in a container of its SDK. The container outlives the command, so that the next one finds what this one did; the
 * first command (the one with `cleanup`) starts with a new one.
 *
 * @throws COMMAND_FAILED with the command's own exit code
 */
export const runInSdk = async (
  context: StepContext,
  { name, image, version, cleanup }: SdkContainer,
  command: readonly string[],
): Promise<void> => {
  const whole: Command = [
    './run_sdk_container',
    ...(cleanup ? ['-x', CLEANUP_FILE] : []),
    '-n',
    name,
    ...(version === undefined ? [] : ['-v', version]),
    '-C',
    image,
    ...command,
  ];
  if (cleanup) {
    // What an attempt left that was killed would get in the way, and may still be at work in there.
    await context.engine.removeContainer(name);
    context.onInterrupt.add(`container ${name}`, () => context.rescueEngine.removeContainer(name));
  }
  await context.effects.run(whole);
};
