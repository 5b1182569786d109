import { misuse } from './fault.ts';

/** How the container engine is called; sudo may be part of it. */
export interface Engine {
  /** program and leading words, for example ['docker'] or ['sudo', 'podman'] */
  command: string[];
  name: 'docker' | 'podman';
}

async function works(command: string[]): Promise<boolean> {
  return (await $({ quiet: true, nothrow: true })`${command} version`).exitCode === 0;
}

async function isInstalled(program: string): Promise<boolean> {
  return (await $({ quiet: true, nothrow: true })`command -v ${program}`).exitCode === 0;
}

/**
 * Finds the container engine: the words of the environment variable `docker`, else docker, else podman.
 * @throws Fault with exit status 2 that says which engines were tried and how each failed
 */
export async function findEngine(): Promise<Engine> {
  const given = process.env.docker?.split(/\s+/).filter(Boolean);
  const candidates = given?.length ? [given] : [['docker'], ['podman']];
  const seen: string[] = [];
  for (const command of candidates) {
    const program = command.at(-1) ?? '';
    if (!(await isInstalled(program))) {
      seen.push(`${program} is not installed`);
    } else if (await works(command)) {
      return { command, name: program.endsWith('podman') ? 'podman' : 'docker' };
    } else {
      seen.push(`${command.join(' ')} is installed, but its daemon does not answer or you may not use it`);
    }
  }
  throw misuse(`no usable container engine: ${seen.join('; ')}`, 'start dockerd, or set the variable docker=podman');
}

/** @returns one word for a line that /bin/sh reads, whatever it contains */
export function quoteWord(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
