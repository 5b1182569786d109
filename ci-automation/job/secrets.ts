import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PipelineDefinition } from '../../lib/pipeline/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Before the name of a secret, for CIs that store texts only; the steps never see it. The second one is how Bamboo hands a variable
 * `secret.NAME` to scripts; it hides the values of those that are called so.
 */
const TEXT_PREFIXES = ['TEXT_OF_', 'bamboo_secret_'];

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
    const texts = TEXT_PREFIXES.map((prefix) => own[prefix + name]);
    for (const prefix of TEXT_PREFIXES) delete own[prefix + name];
    const text = texts.find(Boolean);
    own[name] ||= kind === 'file' ? await asFile(folder, name, text) : text;
  }
  return own;
};
