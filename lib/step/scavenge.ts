import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TreeDescription } from '../tree/index.ts';
import type { StepContext } from './context.ts';
import { visibleNames } from './workspace.ts';

type Scavenged = NonNullable<TreeDescription['sdk']['scavenge']>;

const COPY = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true } as const;

/** Paths below a folder of files with one of the names. */
const findNamed = async ({ query }: StepContext, folder: string, names: readonly string[]): Promise<string[]> => {
  const named = names.flatMap((name, at) => (at === 0 ? ['-name', name] : ['-o', '-name', name]));
  const { stdout } = await query.run(['find', folder, '(', ...named, ')', '-type', 'f', '-printf', '%P\\n'], {
    stdout: 'capture',
    okExitCodes: [0, 1],
  });
  return stdout.split('\n').filter(Boolean);
};

/**
 * Copies logs that a build left in other places into the folder of its logs. Never throws but for an interrupt: logs that could not be copied must
 * not hide why the build failed.
 *
 * @param toFolder absolute path
 */
export const scavengeLogs = async (context: StepContext, what: Scavenged, toFolder: string): Promise<void> => {
  if (context.plan) return;
  const { workspace, log, signal } = context;
  try {
    const folder = workspace.resolve(what.folder);
    for (const name of await visibleNames(folder)) {
      if (name.startsWith(what.prefix)) await cp(join(folder, name), join(toFolder, name), COPY);
    }
    const configFolder = workspace.resolve(what.configFolder);
    for (const path of await findNamed(context, configFolder, what.configNames)) {
      const target = join(toFolder, 'config-logs', path);
      await mkdir(dirname(target), { recursive: true });
      await cp(join(configFolder, path), target, COPY);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    log.warn(`Some logs of the build could not be collected: ${(error as Error).message}`);
  }
};
