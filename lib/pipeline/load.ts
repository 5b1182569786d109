import { access, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { load } from 'js-yaml';
import * as v from 'valibot';
import { slipwayError } from '../errors/index.ts';
import { formFault, ruleFaults } from './faults.ts';
import { type PipelineDefinition, pipelineSchema } from './schema.ts';

/** Name of an OS tree's own definition, in its root. */
export const PIPELINE_FILE = 'pipeline.yaml';

/** The embedded definition. */
const EMBEDDED = join(import.meta.dirname, '..', '..', 'config', PIPELINE_FILE);

/**
 * Reads and checks the text of a definition.
 *
 * @param file for the messages
 * @throws PIPELINE_INVALID with every fault
 */
export const parsePipeline = (text: string, file: string): PipelineDefinition => {
  let data: unknown;
  try {
    data = load(text);
  } catch (error) {
    throw slipwayError('PIPELINE_INVALID', { file, faults: [(error as Error).message] }, error);
  }
  const checked = v.safeParse(pipelineSchema, data);
  const faults = checked.success ? ruleFaults(checked.output) : checked.issues.map(formFault);
  if (!checked.success || faults.length > 0) throw slipwayError('PIPELINE_INVALID', { file, faults });
  return checked.output;
};

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/**
 * Which file defines the pipeline: the one named, else the OS tree's own, else the embedded one.
 *
 * @param root absolute path of the OS tree, or of the folder in which somebody asks
 * @param named path against `root`, or undefined
 * @returns absolute path
 */
export const findPipelineFile = async (root: string, named?: string): Promise<string> => {
  if (named !== undefined) return resolve(root, named);
  const own = join(root, PIPELINE_FILE);
  return (await isThere(own)) ? own : EMBEDDED;
};

/**
 * Reads a definition.
 *
 * @param file absolute path
 * @throws PIPELINE_UNREADABLE, PIPELINE_INVALID
 */
export const readPipeline = async (file: string): Promise<PipelineDefinition> => {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw slipwayError('PIPELINE_UNREADABLE', { file, reason: error.message }, error);
  });
  return parsePipeline(text, file);
};
