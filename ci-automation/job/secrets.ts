import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PipelineDefinition } from '../../lib/pipeline/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Before the name of a secret that is a file, for a CI that stores texts only; the steps never see it. */
const TEXT_PREFIX = 'TEXT_OF_';

const asFile = async (folder: string, name: string, text: string | undefined): Promise<string | undefined> => {
  if (!text?.trim()) return undefined;
  const file = join(folder, name);
  // Keys without a line end are none to ssh; what a form of a CI was given often has lost it.
  await writeFile(file, `${text.replaceAll('\r\n', '\n').trimEnd()}\n`, { mode: 0o600 });
  return file;
};

/**
 * The environment of the step: secrets that came as texts are files.
 *
 * @param folder absolute; readable for nobody else, and removed after the job
 */
export const withSecretFiles = async (
  { secrets }: Pick<PipelineDefinition, 'secrets'>,
  env: Environment,
  folder: string,
): Promise<Record<string, string | undefined>> => {
  const own: Record<string, string | undefined> = { ...env };
  for (const [name, kind] of Object.entries(secrets)) {
    const text = own[TEXT_PREFIX + name];
    delete own[TEXT_PREFIX + name];
    if (kind === 'file') own[name] = own[name] || (await asFile(folder, name, text));
  }
  return own;
};
