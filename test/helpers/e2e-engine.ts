import { execa } from 'execa';
import { requireEngine } from '../../lib/container/index.ts';
import { createRunner } from '../../lib/process/index.ts';

/** The container engine, seen with its own command. */
export interface TestEngine {
  /** Names of all containers, running or not, that belong to one of the versions. */
  containersOf(versionTags: readonly string[]): Promise<string[]>;
  /** References of all images of the versions. */
  imagesOf(versionTags: readonly string[]): Promise<string[]>;
  /** The ID of an image, 64 hex digits, or undefined. */
  imageId(reference: string): Promise<string | undefined>;
  tagImage(reference: string, other: string): Promise<void>;
  /** Removes images by reference or ID; fine when they are gone. */
  removeImages(references: readonly string[]): Promise<void>;
  removeContainers(names: readonly string[]): Promise<void>;
}

/** Opens the engine that the steps find. */
export const openTestEngine = async (env: Readonly<Record<string, string | undefined>>): Promise<TestEngine> => {
  const found = await requireEngine({ env, query: createRunner({ cwd: '/', env }) });
  const [program, ...words] = found.command;
  const ask = async (...args: string[]): Promise<string[]> => {
    const { stdout } = await execa(program, [...words, ...args], { env: { ...env, ...found.env } });
    return stdout.split('\n').filter(Boolean);
  };
  const tryTo = (...args: string[]) =>
    execa(program, [...words, ...args], { env: { ...env, ...found.env }, reject: false });
  return {
    containersOf: async (versionTags) =>
      (await ask('ps', '--all', '--format', '{{.Names}}')).filter((name) =>
        versionTags.some((tag) => name.includes(tag)),
      ),
    imagesOf: async (versionTags) =>
      (await ask('images', '--format', '{{.Repository}}:{{.Tag}}')).filter((name) =>
        versionTags.some((tag) => name.endsWith(`:${tag}`)),
      ),
    async imageId(reference) {
      const { exitCode, stdout } = await tryTo('image', 'inspect', '--format', '{{.Id}}', reference);
      return exitCode === 0 ? stdout.trim().replace(/^sha256:/, '') : undefined;
    },
    async tagImage(reference, other) {
      await ask('tag', reference, other);
    },
    async removeImages(references) {
      // One by one: a reference that is gone must not keep the others.
      for (const reference of references) await tryTo('rmi', '--force', reference);
    },
    async removeContainers(names) {
      if (names.length > 0) await tryTo('rm', '--force', '--volumes', ...names);
    },
  };
};
