import type { Command } from '../process/index.ts';
import type { StepContext } from './context.ts';

/** As root nobody else is needed. */
const asRoot = (command: Command): Command => (process.getuid?.() === 0 ? command : ['sudo', ...command]);

/** Whether anything in a folder belongs to somebody else; what cannot be looked into does. */
const hasForeignFiles = async ({ query }: StepContext, folder: string, uid: number): Promise<boolean> => {
  const { exitCode, stdout } = await query.run(['find', folder, '!', '-uid', String(uid), '-print', '-quit'], {
    stdout: 'capture',
    okExitCodes: [0, 1],
  });
  return exitCode !== 0 || stdout !== '';
};

/**
 * Makes a folder of the tree ours again with all that is in it: builds run as root in their containers, and what they leave could not be signed,
 * packed or removed.
 *
 * @param path below the root of the tree; must be there
 */
export const takeOwnership = async (context: StepContext, path: string): Promise<void> => {
  if (context.plan) return;
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const folder = context.workspace.resolve(path);
  if (!(await hasForeignFiles(context, folder, uid))) return;
  await context.effects.run(asRoot(['chown', '--recursive', `${uid}:${gid}`, folder]));
};

/**
 * Removes what an earlier attempt left, also when it belongs to root.
 *
 * @param path below the root of the tree; need not be there
 */
export const removeLeftovers = async (context: StepContext, path: string): Promise<void> => {
  try {
    await context.workspace.remove(path);
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await context.effects.run(asRoot(['rm', '-rf', '--', context.workspace.resolve(path)]));
  }
};
