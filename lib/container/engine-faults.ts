import { isSlipwayError, slipwayError } from '../errors/index.ts';
import type { RunningCommand } from '../process/index.ts';

/** What engines print when their daemon cannot be reached. They have no exit code of its own for that. */
const NOT_RUNNING =
  /cannot connect to the docker daemon|is the docker daemon running|error during connect|permission denied while trying to connect|cannot connect to podman/i;

const NO_SPACE = /no space left on device|disk quota exceeded/i;

/**
 * Says what is really wrong when an engine's command failed: `ENGINE_NOT_RUNNING` or `CONTAINER_NO_SPACE` where its output tells,
 * else the error as it was.
 *
 * @param error what a runner threw
 * @param doing for people, for example `loading a container image`
 */
export const explainEngineFault = (error: unknown, doing: string): unknown => {
  if (isNoSpace(error)) return slipwayError('CONTAINER_NO_SPACE', { doing, where: String(error) }, error);
  if (!isSlipwayError(error, 'COMMAND_FAILED')) return error;
  const { command, lastOutput } = error.data as { command: readonly string[]; lastOutput: string };
  const detail = lastOutput.trim();
  if (NOT_RUNNING.test(detail)) {
    return slipwayError('ENGINE_NOT_RUNNING', { command: command.join(' '), detail: lastLine(detail) }, error);
  }
  if (NO_SPACE.test(detail)) {
    return slipwayError('CONTAINER_NO_SPACE', { doing, where: lastLine(detail) }, error);
  }
  return error;
};

const lastLine = (text: string): string => text.split('\n').at(-1) ?? '';

const isNoSpace = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');

/** Runs `work` and throws what {@link explainEngineFault} makes of its error. */
export const explained = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw explainEngineFault(error, doing);
  }
};

/** The same for a started command. */
export const explainedCommand = (doing: string, running: RunningCommand): RunningCommand => ({
  ...running,
  done: explained(doing, () => running.done),
});
