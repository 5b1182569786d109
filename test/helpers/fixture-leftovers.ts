import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FixtureWorld } from './fixture-world.ts';
import { commandLineOf, environmentOf, processIds } from './processes.ts';
import { namesIn } from './temp-files.ts';

/** Process IDs of everything that was started in a world and still runs; all of it inherits FIXTURE_DIR. */
const processesOf = (world: FixtureWorld): number[] =>
  processIds().filter((pid) => environmentOf(pid).includes(`FIXTURE_DIR=${world.folder}`));

/** Ends the processes of the world, or those chosen; one that ended by itself since it was listed is as good. */
export const killProcessesOf = (world: FixtureWorld, isChosen: (pid: number) => boolean = () => true): void => {
  for (const pid of processesOf(world).filter(isChosen)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
};

/**
 * Everything that a step may have while it runs and that must be gone when it has ended, in words; empty when nothing is left: processes,
 * containers, temporary files and key rings, unfinished uploads and downloads, an open transaction in git.
 */
export const leftoversOf = (world: FixtureWorld): string[] => {
  const processes = processesOf(world).map((pid) => `process ${commandLineOf(pid)}`);
  const containers = namesIn(join(world.folder, 'engine', 'containers')).map((name) => `container ${name}`);
  const temporary = namesIn(world.temp).map((name) => `temporary ${name}`);
  const work = namesIn(join(world.tree, '__build__', 'slipway'))
    .filter((name) => !name.endsWith('.json') && name !== 'events')
    .map((name) => `work folder ${name}`);
  const staging = namesIn(join(world.cache, '.staging')).map((name) => `staging ${name}`);
  const arriving = readdirSync(world.tree, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(^|\/)\.slipway-/.test(name))
    .map((name) => `arriving ${name}`);
  const locks = namesIn(join(world.tree, '.git'))
    .filter((name) => name.endsWith('.lock'))
    .map((name) => `git lock ${name}`);
  return [...processes, ...containers, ...temporary, ...work, ...staging, ...arriving, ...locks];
};
