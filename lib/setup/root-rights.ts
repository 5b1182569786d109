import type { Command, Runner } from '../process/index.ts';

/** Puts what root's rights need before a command: nothing for root, `sudo -n` for others. */
export interface RootRights {
  /** False where neither this user is root nor sudo works without a password. */
  readonly available: boolean;
  /**
   * @param command the program and its arguments
   * @param env set with `env` on the other side, because sudo drops the environment
   */
  wrap(command: Command, env?: Readonly<Record<string, string>>): Command;
}

/** @param query runs `sudo -n true` where this is not root; @param isRoot whether this process is root's */
export const findRootRights = async (query: Runner, isRoot: boolean): Promise<RootRights> => {
  const wrap: RootRights['wrap'] = (command, env = {}) => {
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const full: Command = settings.length > 0 ? ['env', ...settings, ...command] : command;
    return isRoot ? full : ['sudo', '-n', ...full];
  };
  if (isRoot) return { available: true, wrap };
  const available = await query.run(['sudo', '-n', 'true']).then(
    () => true,
    () => false,
  );
  return { available, wrap };
};
