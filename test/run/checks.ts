import { runChild } from './child.ts';
import type { Tally } from './tally.ts';

/** The checks that need no test: each counts as one. The commands are those of node_modules/.bin. */
const CHECKS = [
  { name: 'format and lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'types of the reference tree', command: ['tsc', '--noEmit', '--project', 'config/tsconfig.skiff.json'] },
] as const;

/** Runs format, lint and type checks, all at the same time, and shows what those that fail have to say. */
export const runChecks = async (
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  write: (text: string) => void,
): Promise<Tally> => {
  const ends = await Promise.all(
    CHECKS.map(async ({ name, command }) => ({ name, ...(await runChild(command, options)) })),
  );
  for (const { name, exitCode, output } of ends) {
    write(exitCode === 0 ? `PASS ${name}\n` : `FAIL ${name}\n${output}\n`);
  }
  const failed = ends.filter(({ exitCode }) => exitCode !== 0).length;
  return { passed: ends.length - failed, failed, skipped: 0 };
};
