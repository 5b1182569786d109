import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { slipwayError } from '../errors/index.ts';
import type { Command } from '../process/index.ts';
import type { Collecting } from './collecting.ts';
import type { RetentionProfile } from './profile.ts';

type CloudProfile = NonNullable<RetentionProfile['cloud']>;

/** Whether there is anything to log in with: one of the variables that are handed on. */
export const isCloudConfigured = (
  profile: CloudProfile | undefined,
  env: Readonly<Record<string, string | undefined>>,
): boolean => profile?.env.some((name) => env[name] !== undefined && env[name] !== '') ?? false;

const readImage = async (root: string, file: string): Promise<string> => {
  const fail = (reason: string): Error => slipwayError('CLOUD_IMAGE_UNREADABLE', { file, reason });
  const text = await readFile(join(root, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw fail(error.code ?? error.message);
  });
  const image = text.trim();
  if (!/^\w[\w.:/@-]*$/.test(image)) throw fail(`${JSON.stringify(image.slice(0, 80))} is no reference of an image`);
  return image;
};

/** The call of the engine; with sudo the variables have to be let through. */
const engineCall = (engine: Command, env: readonly string[]): Command => {
  const [program, ...rest] = engine;
  return program === 'sudo' ? [program, `--preserve-env=${env.join(',')}`, ...rest] : engine;
};

/**
 * Runs the tree's own collector of test resources at cloud vendors in a container. The variables are handed on by name, so that no value is in a
 * list of processes or in a log.
 */
export const collectCloud = async ({ profile, cloud, log }: Collecting): Promise<void> => {
  const rules = profile.cloud;
  if (!rules || !isCloudConfigured(rules, cloud.env)) {
    const needs = rules ? ` (none of ${rules.env.join(', ')} is set)` : '';
    log.info(`Skipped: no cloud vendor is configured${needs}.`);
    return;
  }
  const image = await readImage(cloud.root, rules.imageFile);
  const variables = rules.env.flatMap((name) => ['--env', name]);
  const mounts = ['-w', rules.mount, '-v', `${cloud.root}:${rules.mount}`];
  await cloud.effects.run([
    ...engineCall(cloud.engine, rules.env),
    ...['run', '--pull', 'always', '--rm', '--net', 'host'],
    ...variables,
    ...mounts,
    image,
    ...rules.command,
  ]);
};
